#!/usr/bin/env python3
"""Writes state_dict.pth.gz: what torch.save makes of a small state dict.

    python3 pth.py        # with PyTorch 2.15

Enough tensors for the pickle's numbers to pass 256, and counts of elements of one, two and four bytes. Element i of tensor number
t is (t + i % 1000) / 8, an int64 counter holds 1000 t.
"""

import collections
import gzip
import io
import pathlib

import torch

SHAPES = {"conv.weight": (3, 2, 5, 5), "conv.bias": (3,), "wide": (70000,), "cube": (2, 300, 1), "one": (1, 1), "none": (0, 4)}
LAYERS = 14


def fill(number, shape):
    return ((number + torch.arange(torch.Size(shape).numel()) % 1000) / 8).reshape(shape)


def main():
    shapes = dict(SHAPES)
    for layer in range(LAYERS):
        shapes |= {f"layers.{layer}.weight": (2, 3), f"layers.{layer}.running_mean": (2,)}
    state = collections.OrderedDict((name, fill(t, shape)) for t, (name, shape) in enumerate(shapes.items()))
    state["bn.num_batches_tracked"] = torch.tensor(1000 * len(state))
    file = io.BytesIO()
    torch.save(state, file)
    pathlib.Path(__file__).with_name("state_dict.pth.gz").write_bytes(gzip.compress(file.getvalue(), mtime=0))
    file.seek(0)
    assert torch.load(file, weights_only=True).keys() == state.keys()


if __name__ == "__main__":
    main()
