#!/usr/bin/env bash
# Checks everything on a machine with a GPU that is there for minutes, from what scripts/gpu_pack.sh made elsewhere: needs no
# cargo, no rustc, only bash and python3.
#
#   scripts/gpu_check.sh [--pytorch PYTHON] [--stages NAME,NAME…] [--budget SECONDS] BIN_DIR OUT_DIR
#
# It works in stages, the most telling first: look, kernel, compile, tests, bench-train, bench-kernels, corpus, profiles,
# sanitizer, training. Each leaves OUT_DIR/stage-NAME.json, even if the machine is gone before its end. Run again with the
# same binaries and the same OUT_DIR, it goes on where it stopped: what is over is not run again. OUT_DIR/gpu_check.json
# holds all stages; beside it are their output and what the benches measured, for benches/results: train-CARD.json,
# kernels-CARD.json.
#
# --pytorch: the Python whose PyTorch the benches take turns with [the first python3 that has one].
# Exit 0 if nothing failed; 1 if something did; 3 if nothing did and not everything was reached: run it again.
set -u
exec python3 -u "$(dirname "$0")/gpu_check.py" "$@"
