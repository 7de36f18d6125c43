#!/usr/bin/env python3
"""What a training reaches here and in PyTorch: the same recipe, the same pictures, seeds of their own.

    python3 -m pip install torch torchvision
    python3 scripts/make_emoji.py --folder data/emoji
    python3 scripts/recipe_trial.py data/emoji [--program target/release/warptape] [--work FOLDER] [--only NAME] [--write]

ResNet18 with ImageNet's stem at 64×64, three seeds, and VGG16 with batch normalization at 32×32, one: test accuracy after the last
epoch. The recipes are recipes/emoji-*.toml, which this script reads. What is done is kept in FOLDER, and not done again. --write puts
the table into recipes/README.md. Takes about an hour on two cores.
"""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRIALS = {"emoji-resnet18": [0, 1, 2], "emoji-vgg16": [0]}
BEGIN, END = "<!-- parity:begin -->", "<!-- parity:end -->"


def pytorch(recipe, data, seed):
    """Test accuracy of PyTorch's training, percent."""
    import torch
    import torchvision
    from torch.nn import functional as F
    from torchvision.transforms import v2

    sys.path.insert(0, str(ROOT / "benches/pytorch"))
    import networks

    def read(part):
        size = int(recipe["image_size"])
        # Pillow's Lanczos, as here
        pictures = torchvision.datasets.ImageFolder(data / part, lambda one: one.resize((size, size), 1))
        bytes_of = [v2.functional.pil_to_tensor(picture) for picture, _ in pictures]
        return torch.stack(bytes_of), torch.tensor(pictures.targets), len(pictures.classes)

    torch.manual_seed(seed)
    (images, labels, classes), (test, test_labels, _) = read("train"), read("test")
    unit = images.double() / 255
    mean, deviation = (unit.mean((0, 2, 3)).tolist(), unit.std((0, 2, 3), correction=0).tolist())
    normalize = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, deviation)])
    if recipe["augment"] != "crop4+flip":
        sys.exit(f"recipe_trial: augment = {recipe['augment']} has no counterpart here")
    augment = v2.Compose([v2.RandomCrop(images.shape[-1], padding=4), v2.RandomHorizontalFlip()])
    networks.CLASSES = classes
    build = {
        "resnet18:stem=imagenet": lambda: torchvision.models.resnet18(num_classes=classes),
        "vgg16_bn": networks.vgg16_bn,
    }
    net = build[recipe["model"]]()
    net = net.to(memory_format=torch.channels_last)
    size = recipe["batch_size"]
    steps = len(images) // size
    optimizer = {"adam": torch.optim.Adam}[recipe["optim"]](net.parameters(), lr=recipe["lr"])
    rates = {"onecycle": torch.optim.lr_scheduler.OneCycleLR}[recipe["schedule"]]
    rate = rates(optimizer, recipe["lr"], total_steps=steps * recipe["epochs"], cycle_momentum=False)
    for epoch in range(recipe["epochs"]):
        net.train()
        for batch in torch.randperm(len(images))[: steps * size].split(size):
            x = torch.stack([normalize(augment(images[i])) for i in batch]).to(memory_format=torch.channels_last)
            loss = F.cross_entropy(net(x), labels[batch], label_smoothing=recipe["label_smoothing"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
        print(f"PyTorch {recipe['model']} seed {seed} epoch {epoch + 1}: loss {loss.item():.3f}", file=sys.stderr, flush=True)
    net.eval()
    with torch.no_grad():
        right = sum((net(normalize(x)).argmax(1) == y).sum().item() for x, y in zip(test.split(64), test_labels.split(64)))
    return 100 * right / len(test)


def ours(program, file, data, out, seed):
    """Test accuracy of our training, percent."""
    command = [program, "train", data, "--config", file, "--seed", seed, "--out", out]
    subprocess.run(list(map(str, command)), check=True)
    rows = [row for row in csv.DictReader((out / "metrics.csv").open()) if row["split"] == "test"]
    return 100 * float(rows[-1]["top1"])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=pathlib.Path)
    options.add_argument("--program", default=ROOT / "target/release/warptape", type=pathlib.Path)
    options.add_argument("--work", default="runs/recipe-trial", type=pathlib.Path)
    options.add_argument("--only", choices=TRIALS)
    options.add_argument("--write", action="store_true")
    options = options.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    lines = ["| recipe | here | PyTorch | difference |", "| --- | ---: | ---: | ---: |"]
    for name, seeds in TRIALS.items():
        if options.only not in (None, name):
            continue
        file = ROOT / f"recipes/{name}.toml"
        recipe = tomllib.loads(file.read_text())
        reached = {"here": [], "PyTorch": []}
        for seed in seeds:
            for who, train in [
                ("here", lambda: ours(options.program, file, options.data, options.work / f"{name}-{seed}", seed)),
                ("PyTorch", lambda: pytorch(recipe, options.data, seed)),
            ]:
                kept = options.work / f"{name}-{who}-{seed}.json"
                if not kept.exists():
                    kept.write_text(json.dumps(train()))
                reached[who].append(json.loads(kept.read_text()))
        told = {who: ", ".join(f"{one:.1f}" for one in all) for who, all in reached.items()}
        means = {who: statistics.mean(all) for who, all in reached.items()}
        cells = [f"{told[who]} (mean {means[who]:.1f})" if len(seeds) > 1 else told[who] for who in reached]
        lines.append(f"| `{name}.toml` | {' | '.join(cells)} | {means['here'] - means['PyTorch']:+.1f} |")
    text = "\n".join(lines)
    print(text)
    if options.write:
        page = ROOT / "recipes/README.md"
        before, rest = page.read_text().split(BEGIN)
        page.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


main()
