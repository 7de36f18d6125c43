#!/usr/bin/env python3
"""Write options.json: what PyTorch's layers compute when they are told otherwise than usual, in float64.

    python3 -m pip install torch numpy
    python3 tests/golden/options.py

README.md beside this file describes the fields.
"""

import itertools
import json
import pathlib
import sys

try:
    import torch
    from torch import nn
    from generated import labels, uniform
except ImportError as missing:
    sys.exit(f"options.py needs PyTorch ({missing}): python3 -m pip install torch numpy")

OUT = pathlib.Path(__file__).with_suffix(".json")


def drawn(name, *shape):
    """Generated numbers in [-1, 1), as float64."""
    return torch.from_numpy(uniform(0, name, shape, 1.0)).double()


def numbers(tensor):
    """Its elements in nine digits, which float32 has not; null where they are not a number."""
    return [None if value != value else float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def layers():
    """A convolution that is not square, a normalization whose weight is fixed, GELU, a linear layer without bias."""
    net = nn.Sequential()
    net.add_module("conv", nn.Conv2d(3, 4, (3, 5), stride=(2, 1), padding=(1, 2), bias=False))
    net.add_module("norm", nn.BatchNorm2d(4, eps=1e-12, momentum=0.4))
    net.add_module("gelu", nn.GELU())
    net.add_module("flatten", nn.Flatten())
    net.add_module("fc", nn.Linear(4 * 3 * 6, 3, bias=False))
    net.double()
    net.norm.weight.requires_grad = False
    with torch.no_grad():
        for name, value in net.named_parameters():
            if value.requires_grad:
                value.copy_(drawn(name, *value.shape))
    x, wanted = drawn("images", 5, 3, 5, 6), torch.from_numpy(labels(0, 5, 3))
    logits = net(x)
    loss = nn.functional.cross_entropy(logits, wanted)
    loss.backward()
    gradients = {name: numbers(value.grad) for name, value in net.named_parameters() if value.requires_grad}
    after = {name: numbers(value) for name, value in net.named_buffers() if value.is_floating_point()}
    return {"logits": numbers(logits), "loss": loss.item(), "gradients": gradients, "after": after,
            "logits_eval": numbers(net.eval()(x))}


def convolutions():
    """In groups: depthwise, more filters than channels with steps and gaps, ResNeXt's. Gradients are those of Σ y · upstream."""
    cases = []
    for name, channels, filters, size, settings in [
        ("depthwise", 6, 6, (3, 3), {"padding": 1, "groups": 6}),
        ("multiplied", 4, 12, (3, 2), {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2), "groups": 4}),
        ("resnext", 8, 16, (3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    ]:
        x = drawn(f"{name}.x", 2, channels, 6, 5).requires_grad_()
        weight = drawn(f"{name}.weight", filters, channels // settings["groups"], *size).requires_grad_()
        bias = drawn(f"{name}.bias", filters).requires_grad_()
        y = nn.functional.conv2d(x, weight, bias, **settings)
        (y * drawn(f"{name}.upstream", *y.shape)).sum().backward()
        cases.append({"name": name, "settings": settings, "x": list(x.shape), "weight": list(weight.shape),
                      "y": numbers(y), "shape": list(y.shape), "dx": numbers(x.grad), "dweight": numbers(weight.grad),
                      "dbias": numbers(bias.grad)})
    return cases


def pooling():
    """Maxima of halves, many of which are equal, with a NaN among them; means of the same without. Gradients are those of
    Σ y · upstream."""
    cases = []
    for kind, size, settings in [
        ("max", (3, 2), {"stride": (2, 3), "padding": (1, 1), "ceil_mode": True}),
        ("max", (2, 3), {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 3)}),
        ("max", (3, 3), {"stride": (3, 2), "padding": (1, 1), "dilation": (2, 1), "ceil_mode": True}),
        ("max", (2, 2), {"stride": (3, 3), "padding": (1, 1), "ceil_mode": True}),
        ("avg", (3, 2), {"stride": (2, 3), "padding": (1, 1), "ceil_mode": True}),
        ("avg", (3, 2), {"stride": (2, 3), "padding": (1, 1), "ceil_mode": True, "count_include_pad": False}),
        ("avg", (3, 3), {"stride": (2, 1), "padding": (1, 0), "count_include_pad": False}),
        ("avg", (4, 3), {"stride": (3, 3), "padding": (0, 0), "ceil_mode": True}),
        ("adaptive_max", (3, 2), {}),
        ("adaptive_max", (9, 11), {}),
    ]:
        x = (drawn("pooling.x", 2, 3, 7, 8) * 4).round() / 2
        if "max" in kind:
            x.flatten()[100] = float("nan")
        x.requires_grad_()
        y = getattr(nn.functional, f"{kind}_pool2d")(x, size, **settings)
        (y * drawn("pooling.upstream", *y.shape)).sum().backward()
        cases.append({"kind": kind, "size": size, "settings": settings, "shape": list(y.shape), "y": numbers(y),
                      "dx": numbers(x.grad)})
    return cases


def losses():
    """Cross entropy of 6 rows and 4 classes: every reduction with and without weights, smoothing and a class that is ignored;
    then with nothing left. The gradients are those of the loss, of rows of their sum with `upstream`."""
    weight, upstream = torch.tensor([0.5, 2.0, 0.25, 1.0]).double(), torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0, 0.25]).double()
    cases = []
    rows = [([2, 0, -100, 3, 2, 1], -100), ([2, 0, 1, 3, 2, 1], 2), ([1] * 6, 1)]
    options = itertools.product(rows, [None, weight], [0.0, 0.25], ["mean", "sum", "none"])
    for (labels, ignored), weights, smoothing, reduction in options:
        x = (4.0 * drawn("logits", 6, 4)).requires_grad_()
        loss = nn.functional.cross_entropy(x, torch.tensor(labels), weight=weights, ignore_index=ignored,
                                           reduction=reduction, label_smoothing=smoothing)
        (loss * upstream).sum().backward() if reduction == "none" else loss.backward()
        cases.append({"labels": labels, "ignore": ignored, "weighted": weights is not None, "smoothing": smoothing,
                      "reduction": reduction, "loss": numbers(loss), "gradient": numbers(x.grad)})
    return {"weight": numbers(weight), "upstream": numbers(upstream), "cases": cases}


def main():
    golden = {"made_by": f"options.py with PyTorch {torch.__version__}", "layers": layers(), "losses": losses(),
              "convolutions": convolutions(), "pooling": pooling()}
    OUT.write_text(json.dumps(golden) + "\n", encoding="utf-8")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
