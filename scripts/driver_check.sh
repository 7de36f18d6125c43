#!/usr/bin/env bash
# Tests of the cuda device on a machine without a GPU: over the emulated driver (driver/), whose GPU is the machine that executes
# PTX. Needs NVRTC (scripts/install_nvrtc.sh). A line that begins with "warptape-driver:" is a mistake in how we use the driver.
#
#   scripts/driver_check.sh                  # what touches the device, and each op once, in f32
#   scripts/driver_check.sh conv2d train::   # tests whose names have one of these words
#   scripts/driver_check.sh ""                # the whole suite
#
# WARPTAPE_REAL_NVRTC names the real libnvrtc.so.13, WARPTAPE_DRIVER_ORDER says when queued work runs (lazy, eager, random:SEED);
# WARPTAPE_TEST_ALL and WARPTAPE_TEST_ELEMENTS (all of them: "") say how much is tested.
set -euo pipefail
cd "$(dirname "$0")/.."

real=${WARPTAPE_REAL_NVRTC:-$PWD/.nvrtc/nvidia/cu13/lib/libnvrtc.so.13}
[ -e "$real" ] || { echo "driver_check: no NVRTC at $real; scripts/install_nvrtc.sh, or set WARPTAPE_REAL_NVRTC" >&2; exit 1; }

cargo build --release -p warptape-driver
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
tests=$(cargo test --release --test suite --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*suite-[^"]*\)".*/\1/p' | tail -1)

# One library under three names. The cache is its own: keys do not tell these cubins, which carry their PTX, from a GPU's.
libraries=$target/driver
mkdir -p "$libraries"
for name in libcuda.so libcuda.so.1 libnvrtc.so.13; do
    ln -sf "$target/release/libwarptape_driver.so" "$libraries/$name"
done
export LD_LIBRARY_PATH=$libraries WARPTAPE_NVRTC=$libraries/libnvrtc.so.13 WARPTAPE_REAL_NVRTC=$real
export WARPTAPE_CACHE=$libraries/cache WARPTAPE_TEST_DEVICE=cuda WARPTAPE_DRIVER_STRICT=1
export WARPTAPE_TEST_ALL=${WARPTAPE_TEST_ALL-0} WARPTAPE_TEST_ELEMENTS=${WARPTAPE_TEST_ELEMENTS-f32}

if [ $# = 0 ]; then
    set -- device:: op::ops:: op::optim:: op::augment:: op::random:: op::tape:: cli::commands:: cli::bad_machine:: \
        train::steps:: train::resume:: train::parity:: train::first_step::
fi
exec "$tests" "$@"
