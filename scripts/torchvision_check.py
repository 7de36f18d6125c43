#!/usr/bin/env python3
"""Train networks with warptape, load their checkpoints into torchvision's classes, compare what both say of pictures.

    python3 -m pip install torch torchvision numpy safetensors pillow
    cargo build --release && python3 scripts/torchvision_check.py [SPEC ...]

For each SPEC (resnet18:stem=imagenet, …; a few unless named) warptape trains one short epoch on its emoji. Every tensor
of the checkpoint must find its place in torchvision's network (strict loading), and the logits of `warptape predict` must
lie within TOLERANCE of those that torchvision computes in float64 from the same pixels, relative to the largest logit.
Exits with 0 if all do, 1 if one does not, 2 if something is missing.
"""

import argparse
import gzip
import json
import pathlib
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torchvision
    from PIL import Image
    from safetensors import safe_open
except ImportError as missing:
    print(f"torchvision_check.py needs PyTorch, torchvision, NumPy, safetensors and Pillow ({missing}): "
          "python3 -m pip install torch torchvision numpy safetensors pillow", file=sys.stderr)
    sys.exit(2)

from trial import ROOT, compared, parsed, run

SPECS = ["resnet18:stem=imagenet", "resnet34:stem=imagenet", "resnet50:stem=imagenet", "vgg11:head=imagenet",
         "vgg11_bn:head=imagenet"]
PICTURES = 16


def write_pictures(folder):
    """Some of the test set's pictures, 32 x 32 as the networks take them, so that nothing is resized."""
    records = np.frombuffer(gzip.decompress((ROOT / "assets/emoji/test.bin.gz").read_bytes()), np.uint8).reshape(-1, 3073)
    files = []
    for number, record in enumerate(records[:: len(records) // PICTURES][:PICTURES]):
        files.append(folder / f"{number:02}.png")
        Image.fromarray(record[1:].reshape(3, 32, 32).transpose(1, 2, 0)).save(files[-1])
    return files


def theirs(checkpoint, files):
    """torchvision's logits for the pictures, in float64 and in float32."""
    with safe_open(checkpoint, "pt") as file:
        meta = json.loads(file.metadata()["warptape"])
        state = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("optimizer.")}
    name = meta["config"]["model"].split(":")[0]
    net = getattr(torchvision.models, name)(num_classes=len(meta["classes"]))
    net.load_state_dict(state, strict=True)
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    assert list(pixels.shape[1:]) == [*meta["input"], 3], f"pictures of {pixels.shape}, the network takes {meta['input']}"
    images = (torch.from_numpy(pixels).double() / 255 - torch.tensor(meta["mean"])) / torch.tensor(meta["std"])
    images = images.permute(0, 3, 1, 2)
    with torch.no_grad():
        return net.double().eval()(images).numpy(), net.float()(images.float()).numpy(), len(state)


def check(warptape, spec, device, folder, files):
    """Whether warptape and torchvision agree about `spec`."""
    out = folder / "run"
    # Plain SGD keeps no moments, so that a checkpoint of VGG is half a gigabyte and not one and a half.
    run([warptape, "train", "--model", spec, "--device", device, "--epochs", 1, "--train-fraction", 0.08, "--batch-size", 32,
         "--optim", "sgd", "--momentum", 0, "--lr", 0.01, "--out", out])
    report = json.loads(run([warptape, "predict", f"{out}@last", *files, "--device", device, "--json"]))
    ours = np.array([picture["logits"] for picture in report])
    exact, rounded, tensors = theirs(out / "checkpoints/last.safetensors", files)
    good, largest, difference, own = compared(ours, exact, rounded)
    print(f"{spec}: {tensors} tensors loaded; logits up to {largest:.3g}, spread over pictures {exact.std(0).max():.2g}, "
          f"largest difference {difference:.1e} (torchvision's own float32: {own:.1e}): {'agrees' if good else 'DIFFERS'}",
          flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", default=SPECS, metavar="SPEC", help="networks (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="device that warptape computes on")
    options = parsed(parser)
    good = True
    with tempfile.TemporaryDirectory() as root:
        files = write_pictures(pathlib.Path(root))
        for spec in options.specs:
            with tempfile.TemporaryDirectory(dir=root) as folder:
                good &= check(options.warptape, spec, options.device, pathlib.Path(folder), files)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
