"""Classify a picture by a folder that `warptape export RUN --out FOLDER` made; nothing of warptape is needed:

    python3 -m pip install onnxruntime numpy pillow
    python3 examples/run_exported.py FOLDER PICTURE
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def resized(pixels, kind, height, width, ribbon, **_):
    """`pixels` [rows, columns, 3] in another size; the filter works on floats, as warptape's does, and the result is bytes again."""
    rows, columns, _ = pixels.shape
    if kind == "crop":  # of a ribbon of a picture only what is near the middle counts
        pixels = middle(pixels, min(rows, -(columns * height // -width) * ribbon), min(columns, -(rows * width // -height) * ribbon))
        rows, columns, _ = pixels.shape
    tall = rows * width > columns * height
    size = {"squash": (height, width),
            "crop": (rows * width // columns, width) if tall else (height, columns * height // rows),
            "pad": (height, max(1, int(columns * height / rows + 0.5))) if tall else (max(1, int(rows * width / columns + 0.5)), width)}
    planes = [Image.fromarray(plane).resize(size[kind][::-1], Image.Resampling.LANCZOS) for plane in np.moveaxis(pixels, -1, 0)]
    return middle(np.stack(planes, -1).round().clip(0, 255), height, width)


def middle(pixels, height, width):
    """The middle of `pixels`, or they in the middle of black."""
    for axis, side in enumerate((height, width)):
        more = pixels.shape[axis] - side
        start = round(abs(more) / 2)
        if more > 0:
            pixels = pixels.take(range(start, start + side), axis)
        else:
            pixels = np.pad(pixels, [(start, -more - start) if axis == at else (0, 0) for at in range(3)])
    return pixels


folder = pathlib.Path(sys.argv[1])
how = json.loads((folder / "preprocessing.json").read_text(encoding="utf-8"))
labels = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()
rgba = np.asarray(ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGBA"), np.float32)
over_white = np.floor((rgba[..., :3] * rgba[..., 3:] + 255 * (255 - rgba[..., 3:]) + 127) / 255)
seen = middle(resized(over_white, **how["resize"]), how["crop"]["height"], how["crop"]["width"])
x = ((seen / 255 - how["mean"]) / how["std"]).astype(np.float32).transpose(2, 0, 1)
logits = onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"input": x[None]})[0][0]
probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
for label in probabilities.argsort()[::-1][:5]:
    print(f"{100 * probabilities[label]:8.4f} %  {labels[label]}")
