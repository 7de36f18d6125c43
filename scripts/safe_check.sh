#!/usr/bin/env bash
# tests/safe under valgrind: code without `unsafe` misuses the library, and no access leaves its memory, nothing that was not
# written decides anything, nothing is freed twice. Needs valgrind (Debian/Ubuntu: `apt-get install valgrind`).
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || { echo "safe_check: no valgrind; apt-get install valgrind" >&2; exit 1; }

binary=$(cargo test --release --test safe --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*safe-[^"]*\)".*/\1/p' | tail -1)

# valgrind knows no AVX-512. Kernels are compiled outside of it, into a cache of their own.
export WARPTAPE_LANES=8 WARPTAPE_CXXFLAGS="-march=x86-64-v3 -mprefer-vector-width=256"
WARPTAPE_CACHE=$(mktemp -d)
export WARPTAPE_CACHE
trap 'rm -rf "$WARPTAPE_CACHE"' EXIT
"$binary" --quiet # compiles the kernels at full speed, and shows that the tests pass
valgrind --quiet --error-exitcode=99 --leak-check=no "$binary" --test-threads=1 --quiet
