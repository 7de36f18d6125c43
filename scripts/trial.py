"""What the trials beside PyTorch share: the program's command line, and when two networks' logits agree."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The products of a logit are summed in float32 in another order than in float64, layer by layer: some 50 layers of half a unit
# in the last place each, 6e-8, of numbers as large as the largest; PyTorch's own float32 is printed beside.
TOLERANCE = 2e-5


def parsed(parser):
    """The options of `parser`, to which the program is added; leaves with 2 where that is not built."""
    parser.add_argument("--warptape", type=pathlib.Path, default=ROOT / "target/release/warptape", help="the command")
    options = parser.parse_args()
    if not options.warptape.is_file():
        print(f"{options.warptape} is missing: cargo build --release, or name it with --warptape", file=sys.stderr)
        sys.exit(2)
    return options


def run(command, codes=(0,)):
    """What `command` prints; leaves with what it said where it does not end with one of `codes`."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr.strip()}\n{done.stdout[-500:]}")
    return done.stdout


def compared(ours, exact, rounded):
    """Whether `ours` agree with `exact`; the largest magnitude, and how far `ours` and `rounded` are from it at most."""
    largest = abs(exact).max()
    difference, own = abs(ours - exact).max(), abs(rounded - exact).max()
    agree = bool(difference <= TOLERANCE * largest) and bool((ours.argmax(1) == exact.argmax(1)).all())
    return agree, largest, difference, own
