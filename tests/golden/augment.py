#!/usr/bin/env python3
"""Write augment.safetensors: what torchvision's transforms make of small pictures with given parameters.

    python3 -m pip install torch torchvision numpy safetensors
    python3 tests/golden/augment.py

Keys say what was done: `rotate -45`, `resized-crop 2 3 8 9` (top, left, height, width), `crop -4 3` (the picture's row and
column at the upper left corner), several joined by ` + `. All was computed in float64 in [0, 1] by torchvision.transforms.v2's
functions, bilinear, antialias=False, fill=0, and stored as float32, [H, W, 3]. README.md beside this file lists the rest.
"""

import pathlib
import sys

try:
    import numpy as np
    import torch
    from safetensors.numpy import save_file
    from torchvision.transforms import InterpolationMode, v2
    from torchvision.transforms.v2 import functional as F
except ImportError as missing:
    sys.exit(f"augment.py needs PyTorch, torchvision and safetensors ({missing}): "
             "python3 -m pip install torch torchvision numpy safetensors")

OUT = pathlib.Path(__file__).with_suffix(".safetensors")
BILINEAR = InterpolationMode.BILINEAR
SINGLE = """
    resized-crop 0 0 13 17, resized-crop 2 3 8 9, resized-crop 0 0 1 1, resized-crop 5 4 8 13, resized-crop 3 0 10 17,
    crop -4 -4, crop 4 3, crop 0 -2, crop-reflect -4 -4, crop-reflect 4 3, crop-reflect 0 -2, flip,
    rotate 0, rotate 3, rotate 17.5, rotate -45, rotate 90, rotate -90, rotate 179, rotate 180,
    grey, brightness 0, brightness 0.625, brightness 1.75, contrast 0, contrast 0.625, contrast 1.75,
    saturation 0, saturation 0.625, saturation 1.75, hue -0.5, hue -0.25, hue 0, hue 0.0625, hue 0.4375, hue 0.5,
    cutout 2 3 4 5, cutout 0 10 6 7, cutout 3 3 0 0
"""
# Chains: where a transform samples what another has sampled, one map is not the same.
CHAINS = """
    crop -3 2 + flip + rotate 30, crop-reflect 4 -4 + rotate -60, rotate 20 + crop 4 4, flip + rotate 12.5 + crop-reflect -2 4,
    brightness 1.5 + contrast 0.5 + saturation 1.75 + hue 0.25 + grey,
    resized-crop 4 6 20 16 + flip + rotate 30, resized-crop 0 3 28 25 + rotate -10, rotate 45 + resized-crop 8 8 16 16
"""


def transform(image, text):
    """One transform of image [3, H, W], as a key names it."""
    name, *numbers = text.split()
    numbers = [float(number) for number in numbers]
    height, width = image.shape[-2:]
    whole = [int(number) for number in numbers]
    if name == "resized-crop":
        return F.resized_crop(image, *whole, [height, width], interpolation=BILINEAR, antialias=False)
    if name == "crop":
        return F.crop(image, *whole, height, width)
    if name == "crop-reflect":
        padded = F.pad(image, [4, 4, 4, 4], padding_mode="reflect")
        return F.crop(padded, whole[0] + 4, whole[1] + 4, height, width)
    if name == "cutout":
        top, left, rows, columns = whole
        return F.erase(image, top, left, rows, columns, torch.zeros(3, 1, 1, dtype=image.dtype))
    if name == "rotate":
        return F.rotate(image, numbers[0], interpolation=BILINEAR, fill=0)
    simple = {
        "flip": F.horizontal_flip,
        "grey": lambda image: F.rgb_to_grayscale(image, num_output_channels=3),
        "brightness": F.adjust_brightness,
        "contrast": F.adjust_contrast,
        "saturation": F.adjust_saturation,
        "hue": F.adjust_hue,
    }
    return simple[name](image, *numbers)


def keys(text):
    return [key.strip() for key in text.replace("\n", " ").split(",")]


def channels_last(image):
    return image.movedim(-3, -1).contiguous().numpy().astype(np.float32)


def main():
    generator = np.random.default_rng(7)
    noise = generator.integers(0, 256, (3, 13, 17, 3)).astype(np.uint8)
    # A photograph's like: a bright disc on slow waves.
    rows, columns = np.mgrid[0:32, 0:32]
    waves = [128 + 90 * np.sin(0.1 * (c + 2) * columns + 0.17 * rows + c) for c in range(3)]
    disc = ((rows - 14) ** 2 + (columns - 19) ** 2 < 64)[..., None]
    smooth = np.where(disc, [250, 210, 60], np.stack(waves, -1)).round().astype(np.uint8)
    found = {"pictures": noise.astype(np.float32), "photograph": smooth.astype(np.float32)}
    planes = lambda picture: torch.from_numpy(picture).movedim(-1, -3).double() / 255

    for key in keys(SINGLE):
        found[key] = channels_last(transform(planes(noise[0]), key))
    for key in keys(CHAINS):
        image = planes(smooth)
        for one in key.split(" + "):
            image = transform(image, one)
        found[key] = channels_last(image)

    # Mixing: the batch of three pictures, and the loss of some logits against the labels that the transform makes.
    batch, labels = planes(noise), torch.tensor([0, 3, 1])
    logits = torch.from_numpy(generator.normal(size=(3, 5)).astype(np.float32)).double()
    found["logits"] = logits.numpy().astype(np.float32)
    mixings = {
        "mixup 0.375": (v2.MixUp(num_classes=5), {"lam": 0.375}),
        "cutmix 2 5 9 17": (v2.CutMix(num_classes=5), {"box": (5, 2, 17, 9), "lam_adjusted": 1 - 12 * 7 / (13 * 17)}),
    }
    for key, (mixing, parameters) in mixings.items():
        parameters |= {"labels": labels, "batch_size": 3}
        found[key] = channels_last(mixing.transform(batch, parameters))
        target = mixing.transform(labels, parameters).double()
        own = logits.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(own, target, label_smoothing=0.125)
        loss.backward()
        found[f"loss of {key}"] = np.array([loss.item()], dtype=np.float32)
        found[f"gradient of {key}"] = own.grad.numpy().astype(np.float32)
    save_file(found, OUT, metadata={"torch": torch.__version__})
    print(f"{OUT.name}: {len(found)} tensors, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
