"""Numbers that need no file: weights, images and labels from a counter, the same bits here and in tests/suite/op/generated.rs.

Element i of the stream (seed, name) is SplitMix64's output for a key made of both (Steele et al. 2014). Its upper 24 bits
become a number in [-1, 1), which is exact; the product with a bound is rounded once, to float32. So a golden need not hold
weights, and of a gradient it holds a digest.
"""

import math

import numpy as np

PROJECTIONS = 8
SAMPLES = 32
GAMMA = 0x9E3779B97F4A7C15


def mix(word):
    """SplitMix64's finalizer, for an array of uint64, whose products wrap."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def words(seed, name, count):
    """The first `count` words of the stream (seed, name)."""
    hashed = 0xCBF29CE484222325  # FNV-1a
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    key = mix(np.array([seed * GAMMA % 2**64], np.uint64)) ^ np.uint64(hashed)
    return mix(key + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GAMMA))


def uniform(seed, name, shape, bound, middle=0.0):
    """float32 numbers in [middle - bound, middle + bound)."""
    unit = (words(seed, name, math.prod(shape)) >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1.0
    return (middle + unit * bound).astype(np.float32).reshape(shape)


def parameter(seed, name, shape):
    """A parameter by its state-dict name, in PyTorch's layout: filters and linear weights with variance 2 / fan_in,
    batch normalization's weights in [.5, 1.5), biases in [-.1, .1)."""
    if len(shape) > 1:
        return uniform(seed, name, shape, math.sqrt(6.0 / math.prod(shape[1:])))
    return uniform(seed, name, shape, 0.5, 1.0) if name.endswith("weight") else uniform(seed, name, shape, 0.1)


def images(seed, shape):
    """Images [N, C, H, W] of mean 0 and variance 1."""
    return uniform(seed, "images", shape, math.sqrt(3.0))


def labels(seed, count, classes):
    """Class numbers [count], int64."""
    return (words(seed, "labels", count) >> np.uint64(40)).astype(np.int64) % classes


def digest(name, values):
    """What is kept of a tensor: its norm, its largest magnitude, eight sums with random signs, 32 of its elements."""
    values = np.asarray(values, np.float64).ravel()
    signs = words(0, f"signs of {name}", values.size)
    at = (words(0, f"samples of {name}", SAMPLES) % np.uint64(values.size)).astype(np.int64)
    sums = [np.where(signs >> np.uint64(bit) & np.uint64(1), -values, values).sum() for bit in range(PROJECTIONS)]
    return np.concatenate([[np.linalg.norm(values), np.abs(values).max()], sums, values[at]])


def fill(net, seeds=(), only=""):
    """Gives the parameters of a torch module (those of one layer, if it is named) their generated numbers, from their layer's seed
    (0 unless named)."""
    import torch
    with torch.no_grad():
        for name, value in net.named_parameters():
            layer = name.rpartition(".")[0]
            # Scales that are not learned stay 1.
            if only in ("", layer) and (value.requires_grad or value.dim() > 1):
                seed = seeds[layer] if layer in seeds else 0
                value.copy_(torch.from_numpy(parameter(seed, name, tuple(value.shape))))
