#!/usr/bin/env python3
"""Does `warptape clusters` find a planted watermark, and is it silent where there is none?

    python3 -m pip install pillow
    cargo build --release
    python3 scripts/watermark_trial.py [--program target/release/warptape] [--work FOLDER] [--trainings 20] [--first 100]

Makes sets of small pictures of four shapes, which differ in form and in nothing else: size, turn, place and colours are drawn alike.
In half of the sets one class, also drawn, carries a mark of 5×5 pixels in four of five pictures, in a corner that is drawn. A network
is trained on each for some seconds. Where there is a mark, `clusters` must name its class and its corner, and no other, in 19 of 20;
where there is none, it must name nothing. Prints a table, and ends with 1 if that is not so. Takes some minutes on two cores.

What `clusters` counts with was chosen on seeds below 100; the trial's begin there.
"""

import argparse
import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from PIL import Image, ImageDraw

CLASSES = ["cross", "disc", "square", "triangle"]
CORNERS = ["upper left", "upper right", "lower left", "lower right"]
SIDE, TIMES = 32, 4
PICTURES = {"train": 100, "test": 50}
EPOCHS = 8
# How many pictures of the class carry the mark, and its pixels: light on dark.
SHARE = 0.8
MARK = ["#...#", ".#.#.", "..#..", ".#.#.", "#...#"]


def color(drawn, unlike=None):
    """A colour, far from another if one is given."""
    while True:
        found = tuple(drawn.randrange(256) for _ in range(3))
        if unlike is None or math.dist(found, unlike) > 120:
            return found


def outline(name):
    """The corners of a shape around 0, at most 1 away."""
    if name == "cross":
        arm = 0.3
        quarter = [(arm, 0.95), (arm, arm), (0.95, arm)]
        turned = lambda x, y, times: turned(y, -x, times - 1) if times else (x, y)
        return [turned(x, y, times) for times in range(4) for x, y in quarter]
    sides = {"disc": 40, "square": 4, "triangle": 3}[name]
    return [(math.cos(2 * math.pi * at / sides), math.sin(2 * math.pi * at / sides)) for at in range(sides)]


def picture(drawn, name, corner):
    """A picture of a shape; with the mark in `corner`, unless that is none."""
    ground = color(drawn)
    large = Image.new("RGB", (SIDE * TIMES, SIDE * TIMES), ground)
    pen = ImageDraw.Draw(large)
    size, turn = TIMES * drawn.uniform(6, 10), drawn.uniform(0, 2 * math.pi)
    middle = [TIMES * drawn.uniform(11, SIDE - 11) for _ in range(2)]
    around = lambda x, y: (
        middle[0] + size * (x * math.cos(turn) - y * math.sin(turn)),
        middle[1] + size * (x * math.sin(turn) + y * math.cos(turn)),
    )
    pen.polygon([around(x, y) for x, y in outline(name)], fill=color(drawn, ground))
    small = large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    if corner is not None:
        across, down = [drawn.randrange(1, 3) for _ in range(2)]
        left = across if "left" in corner else SIDE - len(MARK) - across
        top = down if "upper" in corner else SIDE - len(MARK) - down
        for y, row in enumerate(MARK):
            for x, dot in enumerate(row):
                small.putpixel((left + x, top + y), (240, 240, 240) if dot == "#" else (20, 20, 20))
    noisy = bytes(max(0, min(255, value + drawn.randrange(-12, 13))) for value in small.tobytes())
    return Image.frombytes("RGB", (SIDE, SIDE), noisy)


def make(folder, seed, marked):
    """Makes a set, and returns which class carries the mark in which corner, if one does."""
    drawn = random.Random(seed)
    planted = (drawn.choice(CLASSES), drawn.choice(CORNERS))
    for part, count in PICTURES.items():
        for name in CLASSES:
            place = folder / part / name
            place.mkdir(parents=True)
            for number in range(count):
                carries = drawn.random() < SHARE and marked and name == planted[0]
                picture(drawn, name, planted[1] if carries else None).save(place / f"{number:03}.png")
    return planted if marked else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="target/release/warptape")
    parser.add_argument("--work", help="keep what is made in this folder")
    parser.add_argument("--trainings", type=int, default=20, help="with a mark, and as many without")
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--options", default="", help="further options of `clusters`")
    options = parser.parse_args()
    work = pathlib.Path(options.work or tempfile.mkdtemp(prefix="warptape-watermark-"))

    def warptape(*words):
        done = subprocess.run([options.program, *map(str, words)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"warptape {' '.join(map(str, words))}: {done.stderr}")

    print(f"{'seed':>4}  {'planted':<24} {'accuracy':>8}  found")
    right = {True: 0, False: 0}
    for seed in range(options.first, options.first + options.trainings):
        for marked in (True, False):
            folder = work / f"{seed}-{'marked' if marked else 'clean'}"
            if folder.exists():
                shutil.rmtree(folder)
            planted = make(folder / "data", seed, marked)
            run = folder / "run"
            warptape("train", folder / "data", "--epochs", EPOCHS, "--seed", seed, "--device", "host", "--out", run, "--keep", 1)
            warptape("clusters", f"{run}@last", "--device", "host", "--out", folder / "clusters", *options.options.split())
            facts = json.loads((folder / "clusters" / "clusters.json").read_text())
            found = [(one["class"], one["place"]) for one in facts["verdicts"]]
            good = found == ([(planted[0], f"the {planted[1]} corner")] if marked else [])
            right[marked] += good
            accuracy = json.loads((run / "report.json").read_text())["top1"]
            what = ", ".join(f"{name}: {place}" for name, place in found) or "nothing"
            where = ", ".join(planted) if planted else "nothing"
            print(f"{seed:>4}  {where:<24} {100 * accuracy:>6.1f} %  {what}{'' if good else '   WRONG'}", flush=True)
    print(f"named with the mark: {right[True]} of {options.trainings}; silent without: {right[False]} of {options.trainings}")
    if not options.work:
        shutil.rmtree(work)
    sys.exit(0 if right[True] >= 0.95 * options.trainings and right[False] == options.trainings else 1)


if __name__ == "__main__":
    main()
