"""What train.py and kernels.py share: PyTorch, or one line that says why not, and taking turns with warptape.

A script prints one JSON object a line: what it is, each timed run, what it found in the end. With --turns it waits for a
line on standard input before each run, until there are no more, so that whoever started it can run something else in
between. Exit code 3: PyTorch or the device is missing; 4: it cannot do what was asked. One line on standard error says why.
"""

import argparse
import json
import math
import re
import sys
import time

MISSING, UNABLE = 3, 4


def leave(code, reason):
    lines = str(reason).strip().splitlines() or ["no reason given"]
    print(lines[0], file=sys.stderr)
    sys.exit(code)


def tell(**what):
    print(json.dumps(what), flush=True)


def arguments(about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--runs", type=int, default=9, help="timed runs")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a run takes at the least")
    parser.add_argument("--turns", action="store_true", help="wait for a line of standard input before each run")
    return parser


def load(device):
    """PyTorch, set to compute in f32 (no TF32) and to try all of cuDNN's algorithms; and its versions."""
    try:
        import torch
    except ImportError as missing:
        leave(MISSING, f"no torch ({missing}): python3 -m pip install torch")
    if device == "cuda" and not torch.cuda.is_available():
        leave(MISSING, "torch finds no GPU")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    versions = {"python": sys.version.split()[0], "torch": torch.__version__}
    if device == "cuda":
        versions["cuda of torch"] = torch.version.cuda
        versions["cudnn of torch"] = str(torch.backends.cudnn.version())
    else:
        versions["threads of torch"] = str(torch.get_num_threads())
    return torch, versions


def libraries():
    """The files of NVIDIA's libraries that this process has loaded, by name: others may be measured with the same ones."""
    found = {}
    try:
        with open("/proc/self/maps") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")}
    except OSError:
        return found
    for path in sorted(paths):
        name = re.fullmatch(r"lib(cublas|cudnn)\.so(\.\d+)*", path.rsplit("/", 1)[-1])
        if name:
            found.setdefault(name[1], path)
    return found


def clock(torch, device):
    """Seconds, once all work is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def take_turns(torch, options, work):
    """Times `work`, which is warm, run by run; each run repeats it for at least `--seconds`."""
    start = clock(torch, options.device)
    work()
    once = clock(torch, options.device) - start
    repeats = max(1, math.ceil(options.seconds / max(once, 1e-7)))
    for _ in sys.stdin if options.turns else range(options.runs):
        start = clock(torch, options.device)
        for _ in range(repeats):
            work()
        tell(seconds=(clock(torch, options.device) - start) / repeats, repeats=repeats)
