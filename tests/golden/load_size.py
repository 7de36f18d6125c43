#!/usr/bin/env python3
"""Write load_size.safetensors: what torchvision loads in one size and cuts another out of.

    python3 -m pip install torch torchvision numpy safetensors
    python3 tests/golden/load_size.py

Keys say what was done to picture `tall`, `wide` or `odd`: `wide crop 24 14` is Resize(24), which brings the shorter side to 24, then
CenterCrop(14); `squash` is Resize((24, 24)); `pad` is Pillow's ImageOps.pad. `at 1 2` in their end is RandomCrop where it drew
this row and column. All by Lanczos, on bytes; stored as float32, [H, W, 3]. The longer sides of `tall` and `wide` become whole
pixels by themselves, that of `odd` is rounded.
"""

import pathlib
import sys

try:
    import numpy as np
    import torch
    from PIL import Image, ImageOps
    from safetensors.numpy import save_file
    from torchvision.transforms import CenterCrop, InterpolationMode, Resize
    from torchvision.transforms import functional as F
except ImportError as missing:
    sys.exit(f"load_size.py needs PyTorch, torchvision, Pillow and safetensors ({missing}): "
             "python3 -m pip install torch torchvision numpy safetensors")

OUT = pathlib.Path(__file__).with_suffix(".safetensors")
LANCZOS = InterpolationMode.LANCZOS
# Halves of odd margins are rounded to even numbers.
PARTS = (14, 13, 11, 9)


def photograph(rows, columns):
    """A photograph's like: waves, and a disc with a soft edge, within the range of bytes everywhere."""
    y, x = np.mgrid[0:rows, 0:columns]
    waves = [120 + 60 * np.sin(0.12 * (c + 1) * x + 0.2 * y + c) for c in range(3)]
    disc = 1 / (1 + np.exp((np.hypot(y - 0.4 * rows, x - 0.6 * columns) - 6) * 1.5))
    return np.stack([wave + disc * (50 - 20 * c) for c, wave in enumerate(waves)], -1).round().astype(np.uint8)


def loaded(picture, fit):
    if fit == "crop":
        return Resize(24, interpolation=LANCZOS)(picture)
    if fit == "squash":
        return Resize((24, 24), interpolation=LANCZOS)(picture)
    return ImageOps.pad(picture, (24, 24), Image.Resampling.LANCZOS)


def main():
    found = {}

    def keep(key, picture):
        found[key] = np.asarray(picture).astype(np.float32)

    for name, rows, columns in (("tall", 48, 36), ("wide", 30, 40), ("odd", 31, 45)):
        picture = Image.fromarray(photograph(rows, columns))
        keep(name, picture)
        for fit in ("crop", "squash", "pad"):
            whole = loaded(picture, fit)
            for part in PARTS if fit == "squash" else PARTS[:1]:
                keep(f"{name} {fit} 24 {part}", CenterCrop(part)(whole))
    for row, column in ((0, 0), (1, 2), (2, 0), (2, 2)):
        keep(f"wide squash 24 22 at {row} {column}", F.crop(loaded(Image.fromarray(photograph(30, 40)), "squash"), row, column, 22, 22))
    save_file(found, OUT, metadata={"torch": torch.__version__})
    print(f"{OUT.name}: {len(found)} tensors, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
