#!/usr/bin/env bash
# Builds what a machine with a GPU is handed, in one folder: `warptape` and the test suite, stripped, the name of the commit,
# and what can be made beforehand (scripts/gpu_prepare.py): the machine code of all kernels, the list of tests that touch the
# device, the profiles that ncu's are compared with. Then prints the command that checks everything over there.
#
#   scripts/gpu_pack.sh [FOLDER]      (target/gpu)
#
# Environment: WARPTAPE_GPU_NVRTC  versions of NVRTC to compile with, as 13.0,13.3: those that the machine may have (the one
#                                  found here); machine code of another version is not used there
#              WARPTAPE_GPU_ARCH   architectures to compile for (sm_90a)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-target/gpu}

cargo build --release --bin warptape
# Cargo names the executable itself; the newest file of target/release/deps may be that of another build.
suite=$(cargo test --release --test suite --no-run --message-format=json | python3 -c '
import json, sys
messages = [json.loads(line) for line in sys.stdin if line.startswith("{")]
built = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "suite"]
print(built[-1])')
binary=$(dirname "$(dirname "$suite")")/warptape

mkdir -p "$folder"
cp "$binary" "$folder/warptape"
cp "$suite" "$folder/suite"
strip "$folder/warptape" "$folder/suite"
python3 scripts/gpu_prepare.py "$folder"
# What the results of benches say they are of.
git describe --always --dirty --exclude='*' --abbrev=12 >"$folder/commit" 2>/dev/null || rm -f "$folder/commit"
size=$(du -sm "$folder" | cut -f 1)
if [ "$size" -ge 60 ]; then
    echo "$folder holds $size MiB; it should stay below 60" >&2
    exit 1
fi
echo "$folder: $size MiB. On the machine with the GPU, in a copy of this checkout that has the folder:"
echo "    bash scripts/gpu_check.sh $folder gpu-check"
