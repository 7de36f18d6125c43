#!/usr/bin/env python3
"""Have warptape read weights that PyTorch wrote, and compare what both say of pictures.

    python3 -m pip install torch torchvision numpy safetensors pillow
    cargo build --release && python3 scripts/weights_trial.py [SPEC ...]

For each SPEC (resnet18:stem=imagenet, …; six unless named) torchvision makes the network with random weights and with running
statistics of random pictures, and PyTorch saves it as .safetensors and as .pth in its two formats. `warptape weights diff` must
find all three alike, and `warptape train --weights` begin with them, which is stopped once it has written what it begins with:
the logits of `warptape predict RUN@0` must lie within TOLERANCE of those that torchvision computes in float64 from the same
pixels, relative to the largest logit: at 32x32 pixels from each file, at 224x224 from one. Exits with 0 if all do, 1 if one does
not, 2 if something is missing.
"""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    import torch
    import torchvision
    from PIL import Image
    from safetensors import safe_open
    from safetensors.torch import save_file
except ImportError as missing:
    print(f"weights_trial.py needs PyTorch, torchvision, NumPy, safetensors and Pillow ({missing}): "
          "python3 -m pip install torch torchvision numpy safetensors pillow", file=sys.stderr)
    sys.exit(2)

from trial import compared, parsed, run

SPECS = ["resnet18:stem=imagenet", "resnet34:stem=imagenet", "resnet50:stem=imagenet", "vgg11_bn:head=imagenet",
         "vgg16_bn:head=imagenet", "vgg16:head=imagenet"]
CLASSES = 1000
PICTURES = 4


def begin(command, first):
    """Runs a training until it has written its checkpoint `first`."""
    training = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while training.poll() is None and not first.exists():
        time.sleep(0.05)
    training.send_signal(signal.SIGINT)
    said = training.communicate()[0]
    if not first.exists():
        sys.exit(f"{' '.join(map(str, command))}\n{said.strip()}")


def noise(side, seed):
    """A picture with edges of every size, so that no layer sees a plain area."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((side, side, 3))
    for size in (1, 4, 16, 32):
        coarse = random.uniform(0, 255, (side // size, side // size, 3))
        pixels += coarse.repeat(size, 0).repeat(size, 1)
    return Image.fromarray((pixels / 4).astype(np.uint8))


def write_data(folder):
    """A table of one small picture for each class to train on, and a few for test."""
    lines = ["file,label,part"]
    for number in range(CLASSES + PICTURES):
        noise(32, number).resize((8, 8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{number % CLASSES:04},{'train' if number < CLASSES else 'test'}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


def network(spec):
    """torchvision's network, with running statistics that are its own."""
    torch.manual_seed(7)
    net = getattr(torchvision.models, spec.split(":")[0])(num_classes=CLASSES)
    with torch.no_grad():
        net.train()(torch.randn(4, 3, 64, 64))
    return net.eval()


def write_weights(net, folder):
    """The state dict in three formats."""
    state = net.state_dict()
    files = [folder / "net.safetensors", folder / "net.pth", folder / "net.legacy.pth"]
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, files[0])
    torch.save(state, files[1])
    torch.save({"epoch": 1, "state_dict": state}, files[2], _use_new_zipfile_serialization=False)
    return files


def theirs(net, checkpoint, files):
    """torchvision's logits for the pictures, in float64 and in float32."""
    with safe_open(checkpoint, "pt") as file:
        meta = json.loads(file.metadata()["warptape"])
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    assert list(pixels.shape[1:]) == [*meta["input"], 3], f"pictures of {pixels.shape}, the network takes {meta['input']}"
    images = (torch.from_numpy(pixels).double() / 255 - torch.tensor(meta["mean"])) / torch.tensor(meta["std"])
    images = images.permute(0, 3, 1, 2)
    with torch.no_grad():
        return net.double()(images).numpy(), net.float()(images.float()).numpy()


def check(warptape, spec, device, side, net, weights, data, folder):
    """Whether warptape, which begins with `weights`, and torchvision agree about pictures of `side`."""
    out = folder / "run"
    files = [folder / f"{number}.png" for number in range(PICTURES)]
    for number, file in enumerate(files):
        noise(side, 10_000 + number).save(file)
    first = out / "checkpoints/epoch-0000.safetensors"
    # Plain SGD keeps no moments, so that a checkpoint of VGG is half a gigabyte and not one and a half.
    begin([warptape, "train", data, "--model", spec, "--weights", weights, "--device", device, "--image-size", side,
           "--optim", "sgd", "--momentum", 0, "--schedule", "constant", "--out", out], first)
    report = json.loads(run([warptape, "predict", f"{out}@0", *files, "--device", device, "--json"]))
    ours = np.array([picture["logits"] for picture in report])
    exact, rounded = theirs(net, first, files)
    good, largest, difference, own = compared(ours, exact, rounded)
    print(f"{spec} at {side}x{side}, {weights.name}: logits up to {largest:.3g}, spread over pictures {exact.std(0).max():.2g}; "
          f"largest difference {difference / largest:.1e} of that (torchvision's own float32: {own / largest:.1e}): "
          f"{'agrees' if good else 'DIFFERS'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", default=SPECS, metavar="SPEC", help="networks (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="device that warptape computes on")
    options = parsed(parser)
    good = True
    with tempfile.TemporaryDirectory() as root:
        data = write_data(pathlib.Path(root))
        for turn, spec in enumerate(options.specs):
            with tempfile.TemporaryDirectory(dir=root) as folder:
                net = network(spec)
                files = write_weights(net, pathlib.Path(folder))
                for other in files[1:]:
                    said = run([options.warptape, "weights", "diff", files[0], other], (0, 1)).strip().splitlines()[-1]
                    alike = "equal, 0 differ in numbers, 0 in name or shape" in said
                    good &= alike
                    print(f"{spec}: {other.name} {'is' if alike else 'IS NOT'} {files[0].name}: {said}", flush=True)
                for side, file in [(32, files[0]), (32, files[1]), (32, files[2]), (224, files[turn % 3])]:
                    with tempfile.TemporaryDirectory(dir=folder) as place:
                        good &= check(options.warptape, spec, options.device, side, net, file, data, pathlib.Path(place))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
