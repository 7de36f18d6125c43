#!/usr/bin/env python3
"""Train networks for a step, draw weights anew, export them, and compare what onnxruntime, PyTorch and torchvision make of the folder with `predict`.

    python3 -m pip install torch torchvision onnx onnxruntime numpy safetensors pillow scikit-image scikit-learn
    cargo build --release && python3 scripts/export_trial.py [--sizes 32,224] [--pictures] [SPEC ...]

For each SPEC (all that `warptape models` lists, and torchvision's own forms, unless named) and each size: onnx.checker must like the
graph; onnxruntime's logits for one picture and for three must lie within TOLERANCE of `warptape predict`'s, relative to the largest
logit; model.pth (weights_only) and model.safetensors must hold the same state, and where torchvision has the network, load into its
class strictly and give the same logits. With --pictures: photographs of several shapes by `examples/run_exported.py` and by `predict`,
for every way to resize, must get the same probabilities to NEAR of its ending. Exits with 0 if all do, 1 if one does not, 2 if something is missing.
"""

import argparse
import contextlib
import gzip
import json
import pathlib
import re
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime
    import torch
    import torchvision
    from PIL import Image
    from safetensors import safe_open
    from safetensors.numpy import save_file
    from safetensors.torch import load_file
except ImportError as missing:
    print(f"export_trial.py needs what its first lines install ({missing})", file=sys.stderr)
    sys.exit(2)

from trial import ROOT, TOLERANCE as ONE_SIDE, parsed, run

TORCHVISION = ["resnet18:stem=imagenet", "resnet34:stem=imagenet", "resnet50:stem=imagenet", "vgg11_bn:head=imagenet",
               "vgg16_bn:head=imagenet", "vgg16:head=imagenet"]
LEAST = {"mynetpro": 63}
# Of either side's float32.
TOLERANCE = 2 * ONE_SIDE
# Sums of a filter in another order now and then round to another byte; decoders of JPEG differ by a step or two in many pixels.
NEAR = {".png": 1e-3, ".jpg": 1e-2}
WAYS = {
    "squash": ["--image-size", "64"],
    "crop": ["--image-size", "64", "--resize", "crop"],
    "pad": ["--image-size", "48x64", "--resize", "pad"],
    "crop of load size": ["--load-size", "80", "--image-size", "64", "--resize", "crop"],
    "squash of load size": ["--load-size", "72x90", "--image-size", "64"],
    "pad of load size": ["--load-size", "81", "--image-size", "64", "--resize", "pad"],
}


def records():
    """Pictures of the emoji, [N, 32, 32, 3], and their classes."""
    data = np.frombuffer(gzip.decompress((ROOT / "assets/emoji/train.bin.gz").read_bytes()), np.uint8).reshape(-1, 3073)
    return data[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), data[:, 0]


def write_data(folder, each):
    """A folder of pictures of three classes: `each` to train on, one to test."""
    pixels, labels = records()
    for label in (1, 3, 8):
        for number, picture in enumerate(pixels[labels == label][: each + 1]):
            path = folder / ("train" if number < each else "test") / f"class {label}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)


def pictures(folder, size):
    """Three pictures in the network's size, so that nothing is resized."""
    files, (pixels, labels) = [], records()
    for number, label in enumerate((1, 3, 8)):
        files.append(folder / f"{number}.png")
        Image.fromarray(pixels[labels == label][40]).resize((size, size), Image.Resampling.BICUBIC).save(files[-1])
    return files


def inputs(files, how):
    pixels = np.stack([np.asarray(Image.open(file).convert("RGB"), np.float64) for file in files])
    return ((pixels / 255 - how["mean"]) / how["std"]).transpose(0, 3, 1, 2)


def apart(a, b):
    return float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).max() / np.abs(b).max())


def redraw(path, other):
    """Another checkpoint like that of `path`, whose weights and statistics let pictures through to the last layer."""
    with safe_open(path, "np") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    draw = np.random.default_rng(0)
    for name, tensor in tensors.items():
        if tensor.ndim > 1:
            drawn = draw.normal(0, (2 / tensor[0].size) ** 0.5, tensor.shape)
        elif tensor.ndim == 1 and name.endswith(("weight", "running_var")):
            drawn = draw.uniform(0.5, 1.5, tensor.shape)
        elif tensor.ndim == 1:
            drawn = draw.normal(0, 0.1, tensor.shape)
        else:
            continue
        tensors[name] = drawn.astype(tensor.dtype)
    save_file(tensors, other, metadata)


def check(warptape, spec, size, data):
    """Whether all agree about `spec` for pictures of `size`."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        out, exported = scratch / "run", scratch / "exported"
        # Plain SGD keeps no moments, so that checkpoints are small.
        run([warptape, "train", "--data", data, "--model", spec, "--image-size", size, "--device", "host", "--epochs", 1,
             "--batch-size", 6, "--optim", "sgd", "--momentum", 0, "--lr", 0.001, "--keep", 1, "--out", out])
        checkpoint = out / "checkpoints/redrawn.safetensors"
        redraw(out / "checkpoints/last.safetensors", checkpoint)
        run([warptape, "export", checkpoint, "--out", exported])
        files = pictures(scratch, size)
        ours = [p["logits"] for p in json.loads(run([warptape, "predict", checkpoint, *files, "--device", "host", "--json"]))]
        how = json.loads((exported / "preprocessing.json").read_text())
        x = inputs(files, how)

        graph = exported / "model.onnx"
        onnx.checker.check_model(str(graph), full_check=True)
        session = onnxruntime.InferenceSession(graph)
        three = session.run(["logits"], {"input": x.astype(np.float32)})[0]
        single = np.concatenate([session.run(None, {"input": x[i : i + 1].astype(np.float32)})[0] for i in range(3)])
        found = {"three": apart(three, ours), "one": apart(single, ours)}
        spread = np.ptp(np.asarray(ours), axis=0).max() / np.abs(ours).max()
        good = all(value <= TOLERANCE for value in found.values()) and spread > 1e-2

        state = torch.load(exported / "model.pth", weights_only=True)
        mapped = torch.load(exported / "model.pth", weights_only=True, mmap=True)
        other = load_file(exported / "model.safetensors")
        same = set(state) == set(other) and all(torch.equal(state[name], other[name]) and torch.equal(state[name], mapped[name])
                                                and state[name].dtype == other[name].dtype for name in state)
        good &= same
        note = f"{len(state)} tensors {'equal' if same else 'DIFFER'}"
        if spec in TORCHVISION:
            for weights in (state, other):
                net = getattr(torchvision.models, spec.split(":")[0])(num_classes=len(ours[0]))
                net.load_state_dict(weights, strict=True)
            with torch.no_grad():
                found["torchvision f64"] = apart(ours, net.double().eval()(torch.from_numpy(x)).numpy())
            good &= found["torchvision f64"] <= TOLERANCE
            note += ", strict"
        mib = graph.stat().st_size / 2**20
    texts = ", ".join(f"{name} {value:.1e}" for name, value in found.items())
    print(f"{spec} at {size}: {texts} (pictures {spread:.1g} apart); {note}; {mib:.1f} MiB: {'agrees' if good else 'DIFFERS'}",
          flush=True)
    return good


def photographs(folder):
    """Photographs of several shapes, and what else a picture may be."""
    import skimage.data
    from sklearn.datasets import load_sample_images

    china, flower = load_sample_images().images
    found = {"china.jpg": china, "flower.png": flower, "astronaut.png": skimage.data.astronaut(),
             "coffee.png": skimage.data.coffee(), "cat.jpg": skimage.data.chelsea(), "tall.png": flower[:, 200:330],
             "flat.png": china[150:200], "small.png": flower[100:130, 300:340], "grey.png": skimage.data.camera()}
    for name, pixels in found.items():
        Image.fromarray(pixels).save(folder / name)
    alpha = Image.fromarray(china).convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    alpha.save(folder / "alpha.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(flower).save(folder / "turned.jpg", exif=turned, quality=95)
    return sorted(folder.iterdir())


def compare_pictures(warptape, data):
    """Probabilities by run_exported.py and by predict, for each way to resize."""
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "photographs").mkdir()
        files = photographs(scratch / "photographs")
        for number, (way, options) in enumerate(WAYS.items()):
            out, exported = scratch / f"run{number}", scratch / f"exported{number}"
            run([warptape, "train", "--data", data, "--device", "host", "--epochs", 3, "--batch-size", 8, "--lr", 0.003,
                 "--out", out, *options])
            run([warptape, "export", out, "--out", exported])
            said = json.loads(run([warptape, "predict", out, *files, "--device", "host", "--json"]))
            worst, best = dict.fromkeys(NEAR, 0.0), []
            for file, ours in zip(files, said):
                lines = run([sys.executable, ROOT / "examples/run_exported.py", exported, file]).splitlines()
                theirs = {label: float(p) / 100 for p, label in (re.fullmatch(r"\s*([\d.]+) %  (.*)", line).groups() for line in lines)}
                ours = dict(zip(ours["classes"], ours["probabilities"]))
                assert theirs.keys() == ours.keys(), (theirs, ours)
                difference = max(abs(theirs[label] - ours[label]) for label in ours)
                worst[file.suffix] = max(worst[file.suffix], difference)
                best.append(max(ours.values()))
            agrees = all(worst[ending] <= NEAR[ending] for ending in NEAR)
            good &= agrees
            texts = ", ".join(f"{ending} {difference:.1e}" for ending, difference in worst.items())
            print(f"{way}: {len(files)} pictures, probabilities apart by at most {texts} (the best classes' are {min(best):.2f} to "
                  f"{max(best):.2f}): {'agrees' if agrees else 'DIFFERS'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="networks (default: all)")
    parser.add_argument("--sizes", default="32,224", help="of pictures (default: %(default)s)")
    parser.add_argument("--pictures", action="store_true", help="compare photographs instead of networks")
    options = parsed(parser)
    listed = [line.split()[0] for line in run([options.warptape, "models"]).splitlines() if re.match(r"[a-z0-9_-]+  +\S", line)]
    good = True
    with contextlib.ExitStack() as stack:
        data = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_data(data, 20 if options.pictures else 2)
        if options.pictures:
            return 0 if compare_pictures(options.warptape, f"folder:{data}") else 1
        for size in map(int, options.sizes.split(",")):
            for spec in options.specs or listed + TORCHVISION:
                good &= check(options.warptape, spec, max(size, LEAST.get(spec, 0)), f"folder:{data}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
