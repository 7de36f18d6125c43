#!/usr/bin/env python3
"""Make the sample set "emoji": real pictures, small enough to live in the repository.

    python3 -m pip install pillow
    python3 scripts/make_emoji.py                     # writes assets/emoji/*.bin.gz and classes.txt
    python3 scripts/make_emoji.py --folder data/emoji # and a 64x64 class-folder copy of the same split

The pictures come from two npm packages, fetched with `npm pack` (about 136 MB) unless `--twitter` and
`--google` name folders that already hold them (the folder with `emoji.json` and `img/` inside).
assets/emoji/LICENSE.md says who drew them and under which licenses.

What ends up in the set, for each emoji and vendor: the base picture and, where the emoji comes in skin
tones, one of those. RGBA over white, Lanczos to 32x32, stored as CIFAR-10's binary records (1 label byte,
then 1024 red, 1024 green, 1024 blue bytes, row by row) so that the CIFAR reader reads this set too.

The same inputs always give the same bytes: every choice is a hash of the emoji's code points (no random
generator whose stream could change), and the gzip header carries no time. The compressed bytes may still
differ between zlib versions, so the printed checksums are of the records, not of the .gz files.
"""

import argparse
import collections
import gzip
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

try:
    from PIL import Image
except ImportError:
    sys.exit("make_emoji.py needs Pillow: python3 -m pip install pillow")

VERSION = "16.0.0"
VENDORS = ("twitter", "google")
# Label order. It is Unicode's own order of groups; the tenth group, Component (five skin-tone
# swatches), is no picture of anything and stays out.
CLASSES = (
    "Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places",
    "Activities", "Objects", "Symbols", "Flags",
)
SEED = "warptape emoji 1"
TEST_SHARE = 0.2
SIDE = 32
FACING_RIGHT = "-200D-27A1-FE0F"

# One picture of the set. `key` names it in hashes and in file names: code points, lower case.
Picture = collections.namedtuple("Picture", "key vendor label path")


def rank(*words):
    """A fixed pseudo-random number for these words, the same on every machine and Python."""
    text = " ".join((SEED,) + words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def fetch(vendor, folder):
    """Download and unpack one package with npm, which checks it against the registry's digest."""
    spec = f"emoji-datasource-{vendor}@{VERSION}"
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(f"npm is not installed; install it, or unpack {spec} and give its folder with --{vendor}")
    print(f"fetching {spec} ...", file=sys.stderr)
    done = subprocess.run([npm, "pack", "--silent", spec], cwd=folder, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"npm pack {spec} failed with exit code {done.returncode}")
    target = folder / vendor
    wanted = ("package/emoji.json", f"package/img/{vendor}/64/")
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        for member in archive:
            # The sprite sheets, half of the package, stay packed.
            if member.isfile() and member.name.startswith(wanted):
                archive.extract(member, target, filter="data")
    return target / "package"


def read_emoji(package, vendor):
    """The package's list of emoji: those of our nine classes, in the package's order."""
    listing = package / "emoji.json"
    if not listing.is_file():
        sys.exit(f"{listing} is missing: is {package} the unpacked emoji-datasource-{vendor}?")
    emoji = json.loads(listing.read_text(encoding="utf-8"))
    return [e for e in emoji if e["category"] in CLASSES]


def pictures_of(emoji, packages):
    """Base and one skin tone of one emoji, from both vendors (the same tone from both)."""
    chosen = [emoji]
    tones = emoji.get("skin_variations", {})
    if tones:
        keys = sorted(tones)
        chosen.append(tones[keys[rank("tone", emoji["unified"]) % len(keys)]])
    label = CLASSES.index(emoji["category"])
    return [
        Picture(item["unified"].lower(), vendor, label, packages[vendor] / "img" / vendor / "64" / item["image"])
        for item in chosen
        for vendor in VENDORS
        if item.get(f"has_img_{vendor}")
    ]


def load(path):
    """A picture as 64x64 RGB over white. Blending comes before resizing, so that the color that
    hides under transparent pixels cannot bleed into the edges."""
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def families(emoji, pictures, images):
    """Group emoji that must not be parted by the split, as a map from code points to the group's name.

    Some emoji are drawn alike, to the pixel: the flags of Norway, Svalbard and Bouvet Island, ten of
    Twemoji's families, and arrows that are each other's mirror image (which a horizontal flip, the usual
    augmentation, makes equal). "Facing right" emoji are the mirrored ones of their base. With one of them
    in training, the other one is no test.
    """
    parent = {e["unified"]: e["unified"] for e in emoji}

    def root(name):
        while parent[name] != name:
            name = parent[name]
        return name

    def join(a, b):
        a, b = sorted((root(a), root(b)))
        parent[b] = a

    seen = {}
    for e in emoji:
        name = e["unified"]
        base = name.replace(FACING_RIGHT, "")
        # Emoji 13 and older write the base with a variation selector, emoji 15 without.
        for candidate in (base, base + "-FE0F"):
            if candidate != name and candidate in parent:
                join(name, candidate)
        for picture in pictures[name]:
            image = images[picture]
            mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            join(name, seen.setdefault(min(image.tobytes(), mirrored.tobytes()), name))
    return {name: root(name) for name in parent}


def split(emoji, family):
    """Code points of the test emoji: a fifth of each class, whole families at a time."""
    test = set()
    for label in CLASSES:
        members = collections.defaultdict(list)
        for e in emoji:
            if e["category"] == label:
                members[family[e["unified"]]].append(e["unified"])
        wanted = round(TEST_SHARE * sum(len(m) for m in members.values()))
        for name in sorted(members, key=lambda n: rank("split", n)):
            if len(members[name]) <= wanted:
                test.update(members[name])
                wanted -= len(members[name])
    return test


def records(pictures, images):
    """CIFAR-10 binary records, shuffled once and for all so that any prefix is a fair sample."""
    out = bytearray()
    for picture in sorted(pictures, key=lambda p: rank("order", p.key, p.vendor)):
        small = images[picture].resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        out.append(picture.label)
        for plane in small.split():
            out += plane.tobytes()
    return bytes(out)


def write_gzip(path, data):
    # An empty file name and time 0 keep the header the same on every run.
    with open(path, "wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(data)


def write_folder(root, side, pictures, images):
    """The split as class folders. Note that readers of such folders sort the names, so labels there
    follow the alphabet and not CLASSES."""
    for picture in pictures:
        folder = root / side / CLASSES[picture.label]
        folder.mkdir(parents=True, exist_ok=True)
        images[picture].save(folder / f"{picture.key}_{picture.vendor}.png", optimize=True)


def make(packages, out, folder):
    emoji = read_emoji(packages[VENDORS[0]], VENDORS[0])
    pictures = {e["unified"]: pictures_of(e, packages) for e in emoji}
    images = {p: load(p.path) for group in pictures.values() for p in group}
    test = split(emoji, families(emoji, pictures, images))

    out.mkdir(parents=True, exist_ok=True)
    (out / "classes.txt").write_text("".join(f"{c}\n" for c in CLASSES), encoding="utf-8")
    for side in ("train", "test"):
        chosen = [p for name, group in pictures.items() if (name in test) == (side == "test") for p in group]
        data = records(chosen, images)
        path = out / f"{side}.bin.gz"
        write_gzip(path, data)
        if folder is not None:
            write_folder(folder, side, chosen, images)
        counts = collections.Counter(p.label for p in chosen)
        print(f"{path}: {len(chosen)} pictures, {path.stat().st_size} bytes")
        print(f"  per class {' '.join(str(counts[i]) for i in range(len(CLASSES)))}")
        print(f"  sha256 of the records {hashlib.sha256(data).hexdigest()}")


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Make the sample set emoji from two npm packages.")
    for vendor in VENDORS:
        parser.add_argument(f"--{vendor}", type=pathlib.Path, metavar="DIR",
                            help=f"folder of the unpacked emoji-datasource-{vendor}; fetched if not given")
    parser.add_argument("--out", type=pathlib.Path, default=here / "assets" / "emoji", metavar="DIR",
                        help="where the records go (default: assets/emoji)")
    parser.add_argument("--folder", type=pathlib.Path, metavar="DIR",
                        help="also write DIR/train/<class>/*.png and DIR/test/<class>/*.png, 64x64")
    args = parser.parse_args()
    if args.folder is not None and args.folder.exists() and any(args.folder.iterdir()):
        # Pictures left there by another split would silently mix training and test.
        sys.exit(f"{args.folder} is not empty; remove it or name another folder")
    with tempfile.TemporaryDirectory() as scratch:
        packages = {v: getattr(args, v) or fetch(v, pathlib.Path(scratch)) for v in VENDORS}
        make(packages, args.out, args.folder)


if __name__ == "__main__":
    main()
