#!/usr/bin/env bash
# Puts NVRTC, NVIDIA's run-time compiler, into .nvrtc of this checkout (about 220 MB, nothing else is touched), where
# warptape and its tests find it. No GPU, driver or CUDA toolkit is needed to compile kernels with it.
set -euo pipefail
cd "$(dirname "$0")/.."

if compgen -G '.nvrtc/nvidia/*/lib/libnvrtc.so*' >/dev/null; then
    echo "NVRTC is already in .nvrtc ($(basename .nvrtc/nvidia_cuda_nvrtc-*.dist-info .dist-info)); remove the folder to install it again"
    exit 0
fi
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps \
    --target .nvrtc 'nvidia-cuda-nvrtc==13.0.*'
echo "installed $(basename .nvrtc/nvidia_cuda_nvrtc-*.dist-info .dist-info) into .nvrtc"
