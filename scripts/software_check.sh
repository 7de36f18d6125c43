#!/usr/bin/env bash
# All there is to test, on both devices that have a GPU in software: the whole suite and every rung of every ladder in f32, f16 and
# bf16 on `ptx`, then the same on `cuda` over the emulated driver. CI has the part of it that finds most in its time; this takes
# about an hour on two cores. Needs NVRTC (scripts/install_nvrtc.sh). What fails is told at the end, after all has run.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
step() {
    echo "== $1"
    shift
    "$@" || failed+=("$*")
}
step "the suite on ptx" env WARPTAPE_TEST_DEVICE=ptx WARPTAPE_TEST_ALL=0 cargo test --release --test suite
step "every rung on ptx" env WARPTAPE_TEST_DEVICE=ptx WARPTAPE_TEST_ALL=1 cargo test --release --test suite -- op::ladders::
# An empty word is in every name.
step "the suite on cuda" env WARPTAPE_TEST_ELEMENTS= scripts/driver_check.sh ""
step "every rung on cuda" env WARPTAPE_TEST_ELEMENTS= WARPTAPE_TEST_ALL=1 scripts/driver_check.sh op::ladders::
for command in "${failed[@]}"; do echo "software_check: failed: $command" >&2; done
[ ${#failed[@]} = 0 ]
