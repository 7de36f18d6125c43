#!/usr/bin/env bash
# Puts NVRTC, NVIDIA's run-time compiler, into .nvrtc of this checkout (about 220 MB, nothing else is touched), where
# warptape and its tests find it. No GPU, driver or CUDA toolkit is needed to compile kernels with it.
#
#   scripts/install_nvrtc.sh [VERSION [FOLDER]]      (13.0 .nvrtc)
#
# VERSION is 12, 12.4, 13.3 …: no newer a major version than the driver's (`warptape doctor` tells it). Every kernel here
# compiles with 12.4, 13.0 and 13.3; with 13.0 none spills a register, with 12.4 one and with 13.3 three do, of 4 to 12 bytes.
# Name 13.3 or newer where kernels of your own want CUDA's headers, which NVRTC brings from there on.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-13.0} folder=${2:-.nvrtc}

case $version in
12 | 12.*) package=nvidia-cuda-nvrtc-cu12 files=cuda_nvrtc ;;
13 | 13.*) package=nvidia-cuda-nvrtc files=cu13 ;;
*) echo "no NVRTC $version: name 12, 12.4, 13.3 or the like" >&2; exit 2 ;;
esac

installed() { basename "$folder/${package//-/_}"-[0-9]*.dist-info .dist-info; }
if compgen -G "$folder/nvidia/$files/lib/libnvrtc.so*" >/dev/null; then
    case $(installed)- in
    *-"$version"[.-]*) echo "NVRTC is already in $folder ($(installed)); remove the folder to install it again" ;;
    *) echo "another NVRTC is in $folder ($(installed)), and it will do; remove the folder to install $version" ;;
    esac
    exit 0
fi
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps \
    --target "$folder" "$package==$version.*"
echo "installed $(installed) into $folder"
