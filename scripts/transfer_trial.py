#!/usr/bin/env python3
"""Transfer on real pictures: what a network that was trained on some classes is worth for others, of which there are few pictures.

    python3 scripts/transfer_trial.py [--program target/release/warptape] [--work FOLDER] [--write]

Five of the nine classes of the emoji set train a ResNet18; the other four, 10 pictures of each, are learned from scratch and from
its weights: by a new last layer alone, with layer4, and by the whole network. Three seeds, of the first training as of the second.
Prints the table; --write puts it into recipes/README.md. Takes about 20 minutes on two cores. Needs nothing but Python.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess

FIRST = ["Animals & Nature", "Flags", "Food & Drink", "Objects", "People & Body"]
SECOND = ["Activities", "Smileys & Emotion", "Symbols", "Travel & Places"]
SEEDS = [0, 1, 2]
FEW = 10
JUDGED = 60  # test pictures of each class at most
BEGIN, END = "<!-- transfer:begin -->", "<!-- transfer:end -->"

BOTH = ["--model", "resnet18", "--optim", "adamw", "--weight-decay", "0.01"]
PRETRAIN = ["--epochs", "8", "--batch-size", "32", "--lr", "1e-3", "--augment", "crop2"]
FEW_PICTURES = ["--epochs", "20", "--batch-size", "8", "--limit-per-class", str(FEW)]
# A new layer alone can take a higher rate; the others have the same.
WAYS = {
    "from scratch": ["--lr", "1e-3", "--augment", "crop2"],
    "new head alone": ["--lr", "3e-3", "--augment", "none", "--train-only", "fc"],
    "layer4 and head": ["--lr", "1e-3", "--augment", "crop2", "--train-only", "layer4,fc"],
    "whole network": ["--lr", "1e-3", "--augment", "crop2"],
}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", default="target/release/warptape")
    options.add_argument("--work", default="runs/transfer", type=pathlib.Path)
    options.add_argument("--write", action="store_true")
    options = options.parse_args()
    work = options.work
    work.mkdir(parents=True, exist_ok=True)
    pictures = work / "pictures"

    def warptape(*words):
        subprocess.run([options.program, *map(str, words)], check=True)

    if not pictures.exists():
        warptape("data", "augment", "emoji", "--to", work / "all", "--augment", "none", "--copies", "1")
        for part in ["train", "test"]:
            for name, classes in [("first", FIRST), ("second", SECOND)]:
                for label in classes:
                    to = pictures / name / part / label
                    to.mkdir(parents=True)
                    files = [file for file in sorted((work / "all" / part / label).iterdir()) if "copy" not in file.name]
                    for file in files if part == "train" else files[:JUDGED]:
                        shutil.copy(file, to)

    def trained(name, *words):
        run = work / name
        if not (run / "report.json").exists():
            warptape("train", *BOTH, *words, "--out", run)
        return run, json.loads((run / "report.json").read_text())

    found = {way: [] for way in WAYS}
    for seed in SEEDS:
        first, _ = trained(f"first-{seed}", pictures / "first", *PRETRAIN, "--seed", seed)
        for way, words in WAYS.items():
            begin = [] if way == "from scratch" else ["--weights", first, "--head", "replace"]
            name = f"{way.replace(' ', '-')}-{seed}"
            _, report = trained(name, pictures / "second", *FEW_PICTURES, *words, *begin, "--seed", seed)
            found[way].append(100 * report["top1"])

    lines = [f"| from {FEW} pictures a class | test accuracy, mean ± standard deviation of three seeds |", "| --- | ---: |"]
    figures = {way: (statistics.mean(all), statistics.stdev(all)) for way, all in found.items()}
    lines += [f"| {way} | {mean:.1f} ± {deviation:.1f} % |" for way, (mean, deviation) in figures.items()]
    scratch, *others = figures.values()
    best = max(others)
    gain, noise = best[0] - scratch[0], best[1] + scratch[1]
    verdict = "exceeds" if gain > noise else "does not exceed"
    lines += ["", f"The best transfer is {gain:.1f} points above scratch, which {verdict} the sum of their deviations, {noise:.1f}."]
    text = "\n".join(lines)
    print(text)
    if options.write:
        page = pathlib.Path("recipes/README.md")
        before, rest = page.read_text().split(BEGIN)
        page.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


main()
