#!/usr/bin/env python3
"""Write special.json: what PyTorch makes of NaN, of infinities, and of batches that lie far from 0.

    python3 -m pip install torch numpy
    python3 tests/golden/special.py

README.md beside this file describes the fields.
"""

import json
import math
import pathlib
import sys

try:
    import torch
except ImportError as missing:
    sys.exit(f"special.py needs PyTorch ({missing}): python3 -m pip install torch numpy")

from torch.nn import functional as F

import generated

OUT = pathlib.Path(__file__).with_suffix(".json")
NAN, INF = math.nan, math.inf
# Rows, channels, and what stands in channel 1, by row. The other channels are plain.
PLANTED = {
    "nan": {20: NAN}, "inf": {20: INF}, "inf first": {0: INF}, "minus inf": {33: -INF}, "two infs": {3: INF, 38: INF},
    "both": {7: INF, 12: -INF}, "inf and nan": {5: INF, 6: NAN}, "nan first": {0: NAN},
}
ROWS, CHANNELS = 40, 3
# Distance of the mean from 0 where the deviation is about 1, and the batch: n, channels, height and width.
OFFSETS = [(offset, shape) for offset in (1e6, 1e7) for shape in ((64, 20, 8), (8, 64, 4), (4, 7, 16))]


def plain(tensor):
    """Numbers as JSON has them; NaN and infinities as words."""
    return [float(f"{value:.9g}") if math.isfinite(value) else str(value) for value in tensor.flatten().tolist()]


def normalize(x, dy, weight, bias, then=lambda y: y):
    """One training step of batch normalization [n, c, h, w], in the type of its arguments."""
    x, weight, bias = (tensor.clone().requires_grad_() for tensor in (x, weight, bias))
    mean, var = torch.zeros_like(weight).detach(), torch.ones_like(weight).detach()
    y = then(F.batch_norm(x, mean, var, weight, bias, True, 0.1, 1e-5))
    y.backward(dy)
    return {"y": y.detach(), "dx": x.grad, "dweight": weight.grad, "dbias": bias.grad, "running_mean": mean,
            "running_var": var}


def draw(name, shape, bound=1.0, middle=0.0):
    return torch.from_numpy(generated.uniform(0, name, shape, bound, middle))


def relu():
    x = torch.tensor([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, NAN, 2.0, 3.0, NAN], requires_grad=True)
    dy = torch.tensor([2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, INF, NAN, -INF, NAN])
    y = F.relu(x)
    y.backward(dy)
    return {name: plain(value) for name, value in {"x": x.detach(), "dy": dy, "y": y.detach(), "dx": x.grad}.items()}


def planted(rows, then):
    """Results [rows, channels] as here: pixels are rows."""
    x, dy, other = (draw(name, (ROWS, CHANNELS)) for name in ("x", "dy", "other"))
    for row, value in rows.items():
        x[row, 1] = value
    finish = {"nothing": lambda y: y, "relu": F.relu, "residual": lambda y: F.relu(y + pixels(other))}[then]
    pixels = lambda t: t.t().reshape(1, CHANNELS, ROWS, 1)
    got = normalize(pixels(x), pixels(dy), draw("weight", (CHANNELS,), 0.5, 1.0), draw("bias", (CHANNELS,)), finish)
    back = lambda t: t.reshape(CHANNELS, ROWS).t() if t.dim() == 4 else t
    return {name: plain(back(value)) for name, value in got.items()}


def far(offset, shape):
    """How far float32 lands from float64, as a share of the largest value: the worst, and the root of the mean square."""
    n, c, side = shape
    shape = (n, side, side, c)
    to = lambda t: t.permute(0, 3, 1, 2).contiguous()
    args = [to(draw("x", shape, math.sqrt(3.0), offset)), to(draw("dy", shape)), draw("weight", (c,), 0.5, 1.0),
            draw("bias", (c,))]
    got, wide = normalize(*args), normalize(*(tensor.double() for tensor in args))
    errors = {}
    for name in ("dx", "dweight", "running_var"):
        error = (got[name].double() - wide[name]).abs() / wide[name].abs().max()
        errors[name] = [float(error.max()), float(error.square().mean().sqrt())]
    return {"offset": offset, "rows": n * side * side, "channels": c, "errors": errors}


def main():
    torch.set_num_threads(1)
    lines = [f'"made_by": "special.py with PyTorch {torch.__version__}"', f'"relu": {json.dumps(relu())}']
    cases = [{"name": name, "then": then, "rows": {str(row): str(value) for row, value in rows.items()},
              **planted(rows, then)} for name, rows in PLANTED.items() for then in ("nothing", "relu", "residual")]
    lines.append('"planted": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]")
    lines.append('"far": [\n' + ",\n".join(json.dumps(far(*case)) for case in OFFSETS) + "\n]")
    OUT.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    print(f"{OUT}: {len(cases)} planted, {len(OFFSETS)} far, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
