#!/usr/bin/env python3
"""Try how pictures are read: photographs in every kind of file, whole and damaged, beside Pillow and torchvision.

    python3 -m pip install pillow torch torchvision scikit-image scikit-learn matplotlib
    cargo build --release && python3 scripts/picture_trial.py [--warptape target/release/warptape] [--keep DIR]

The photographs are those that scikit-image, scikit-learn and matplotlib bring along. Each kind of file is a class. A row tells
what is expected of it and what it got; of lossless files every pixel must equal Pillow's (by the digests in a run's split.csv),
of lossy ones mean and deviation of each channel. Last, what a network sees of photographs in their own shapes, loaded in one size
and cut out in another, beside torchvision. Exit code 1 if anything differs from what is expected.
"""

import argparse
import csv
import hashlib
import io
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
    from PIL import Image, ImageOps
    import matplotlib
    import skimage
    import sklearn
    from torchvision import transforms
    from torchvision.datasets.folder import default_loader
except ImportError as missing:
    sys.exit(f"picture_trial.py lacks a package ({missing}); the first lines of this file name all")

SIDE = 256
PHOTOS = {
    skimage: ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "hubble_deep_field.jpg", "retina.jpg", "ihc.png",
              "motorcycle_left.png"],
    sklearn: ["china.jpg", "flower.jpg"],
    matplotlib: ["grace_hopper.jpg"],
}
# Mean and deviation of a channel may differ by so much of full intensity where decoders round differently.
LOSSY = 1.5 / 255
# What is loaded and what is seen of it; by how much of 255 a picture may differ on average: Pillow rounds between its two passes.
LOAD, SEEN, APART = 256, 224, 0.5


def originals():
    for package, names in PHOTOS.items():
        root = pathlib.Path(package.__file__).parent
        for name in names:
            path = next(root.rglob(name))
            yield path.stem, Image.open(path).convert("RGB")


def photographs():
    for name, picture in originals():
        yield name, ImageOps.fit(picture, (SIDE, SIDE))


def saved(picture, kind, **how):
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def oriented(number):
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def with_alpha(picture):
    fade = np.tile(np.arange(SIDE, dtype=np.uint8), (SIDE, 1))
    picture = picture.copy()
    picture.putalpha(Image.fromarray(fade))
    return picture


def deep(picture):
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


def box(brand):
    return struct.pack(">I4s4sI4s", 20, b"ftyp", brand, 0, brand) + bytes(1000)


def frames(picture):
    return dict(save_all=True, append_images=[ImageOps.invert(picture)])


# Kind: ending, how bytes are made of a photograph, what is expected: "exact", "lossy", "broken" or "named".
READ = {
    "jpeg": ("jpg", lambda p: saved(p, "JPEG", quality=90), "lossy"),
    "jpeg progressive": ("JPEG", lambda p: saved(p, "JPEG", progressive=True), "lossy"),
    "jpeg grey": ("jpg", lambda p: saved(p.convert("L"), "JPEG"), "lossy"),
    "jpeg cmyk": ("jpg", lambda p: saved(p.convert("CMYK"), "JPEG"), "lossy"),
    "jfif": ("jfif", lambda p: saved(p, "JPEG"), "lossy"),
    "png": ("png", lambda p: saved(p, "PNG"), "exact"),
    "png alpha": ("png", lambda p: saved(with_alpha(p), "PNG"), "exact"),
    "png palette": ("png", lambda p: saved(p.quantize(64), "PNG"), "exact"),
    "png 16 bits": ("png", lambda p: saved(deep(p), "PNG"), "exact"),
    "png one bit": ("png", lambda p: saved(p.convert("1"), "PNG"), "exact"),
    "bmp": ("bmp", lambda p: saved(p, "BMP"), "exact"),
    "tga": ("tga", lambda p: saved(p, "TGA"), "exact"),
    "ppm": ("ppm", lambda p: saved(p, "PPM"), "exact"),
    "webp": ("webp", lambda p: saved(p, "WEBP", quality=80), "lossy"),
    "webp lossless": ("webp", lambda p: saved(p, "WEBP", lossless=True), "exact"),
    "webp animated": ("webp", lambda p: saved(p, "WEBP", lossless=True, **frames(p)), "exact"),
    "gif": ("gif", lambda p: saved(p.quantize(128), "GIF"), "exact"),
    "gif animated": ("gif", lambda p: saved(p.quantize(128), "GIF", **frames(p)), "exact"),
    "tiff": ("tif", lambda p: saved(p, "TIFF", compression="tiff_lzw"), "exact"),
    "tiff pages": ("tiff", lambda p: saved(p, "TIFF", **frames(p)), "exact"),
    "png without ending": ("", lambda p: saved(p, "PNG"), "exact"),
    "jpeg turned 6": ("jpg", lambda p: saved(p, "JPEG", exif=oriented(6)), "lossy"),
    "png turned 3": ("png", lambda p: saved(p, "PNG", exif=oriented(3)), "exact"),
    "webp turned 8": ("webp", lambda p: saved(p, "WEBP", lossless=True, exif=oriented(8)), "exact"),
    "tiff turned 5": ("tif", lambda p: saved(p, "TIFF", tiffinfo={0x0112: 5}), "exact"),
}
UNREAD = {
    "jpeg less a byte": ("jpg", lambda p: saved(p, "JPEG")[:-1], "broken"),
    "jpeg half": ("jpg", lambda p: half(saved(p, "JPEG")), "broken"),
    "png half": ("png", lambda p: half(saved(p, "PNG")), "broken"),
    "webp half": ("webp", lambda p: half(saved(p, "WEBP")), "broken"),
    "tiff half": ("tif", lambda p: half(saved(p, "TIFF")), "broken"),
    "empty": ("png", lambda p: b"", "broken"),
    "text": ("jpg", lambda p: b"<html>404</html>" * 50, "broken"),
    "heic": ("heic", lambda p: box(b"heic"), "named"),
    "avif": ("avif", lambda p: box(b"avif"), "named"),
}


def half(data):
    return data[:len(data) // 2]


def upright(path):
    """Pillow's picture: over white, 8 bits, the way up that the camera noted."""
    with Image.open(path) as opened:
        opened.load()
        picture = ImageOps.exif_transpose(opened)
        if picture.mode.startswith("I;16"):
            picture = Image.fromarray(((np.asarray(picture).astype(np.uint32) + 128) // 257).astype(np.uint8))
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            pixels = np.asarray(picture.convert("RGBA")).astype(np.uint32)
            alpha = pixels[..., 3:]
            return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
        return np.asarray(picture.convert("RGB"))


def outcome(read, path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(path)
    except Exception:
        return None


def digest(pixels):
    sides = struct.pack("<QQ", *pixels.shape[:2])
    return hashlib.sha256(sides + pixels.tobytes()).hexdigest()[:32]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--warptape", default="target/release/warptape")
    options.add_argument("--keep", help="folder for the files, made anew")
    options = options.parse_args()
    root = pathlib.Path(options.keep or tempfile.mkdtemp())
    shutil.rmtree(root, ignore_errors=True)

    def write(folder, kinds):
        for kind, (ending, make, _) in kinds.items():
            (root / folder / kind).mkdir(parents=True)
            for name, photo in photographs():
                file = root / folder / kind / (f"{name}.{ending}" if ending else name)
                file.write_bytes(make(photo))

    def warptape(*words, codes=(0,)):
        done = subprocess.run([options.warptape, *map(str, words)], capture_output=True, text=True)
        if done.returncode not in codes:
            sys.exit(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    write("read", READ)
    write("unread", UNREAD)
    # A class of nothing that can be read is refused; a photograph makes it one that loses some.
    for kind in UNREAD:
        next(iter(photographs()))[1].save(root / "unread" / kind / "whole.png")
    out = root / "run"
    warptape("train", root / "read", "--split", "1:0:1", "--image-size", 16, "--epochs", 1, "--out", out)
    rows = csv.DictReader((out / "split.csv").open(encoding="utf-8"))
    known = {row["file"]: row["pixels"] for row in rows}
    wrong, files = 0, 0
    print("| kind | files | expected | warptape | Pillow | torchvision | pixels |\n|---|---|---|---|---|---|---|")
    for kind, (_, _, expected) in READ.items():
        paths = sorted((root / "read" / kind).iterdir())
        ours = sum(str(path.relative_to(root / "read")) in known for path in paths)
        theirs = [outcome(upright, path) for path in paths]
        loaded = sum(outcome(default_loader, path) is not None for path in paths)
        pil = sum(pixels is not None for pixels in theirs)
        if expected == "exact":
            equal = [known.get(str(path.relative_to(root / "read"))) == digest(pixels) for path, pixels in zip(paths, theirs)]
            pixels, right = f"{sum(equal)} equal", all(equal)
        else:
            alone = root / "alone" / kind / "train"
            shutil.copytree(root / "read" / kind, alone / kind)
            shutil.copytree(root / "read" / kind, root / "alone" / kind / "test" / kind)
            info = json.loads(warptape("data", "info", f"folder:{alone.parent}", "--image-size", SIDE, "--json"))
            all_pixels = np.stack(theirs).reshape(-1, 3) / 255
            difference = max(abs(np.array(info["mean"]) - all_pixels.mean(0)).max(),
                             abs(np.array(info["std"]) - all_pixels.std(0)).max())
            pixels, right = f"mean and std to {255 * difference:.3f}/255", difference < LOSSY
        right = right and ours == pil == len(paths)
        wrong, files = wrong + (not right), files + len(paths)
        print(f"| {kind} | {len(paths)} | read | {ours} read | {pil} read | {loaded} read | {pixels} |{'' if right else ' WRONG'}")
    for kind, (ending, _, expected) in UNREAD.items():
        folder = root / "one" / kind
        shutil.copytree(root / "unread" / kind, folder / "train" / kind)
        (folder / "test" / kind).mkdir(parents=True)
        shutil.copy(root / "unread" / kind / "whole.png", folder / "test" / kind)
        info = json.loads(warptape("data", "info", f"folder:{folder}", "--json", codes=(0, 1)))
        paths = [path for path in sorted((root / "unread" / kind).iterdir()) if path.name != "whole.png"]
        pil, loaded = [sum(outcome(read, path) is None for path in paths) for read in (upright, default_loader)]
        broken = sum(f"/{kind}/" in entry["file"] for entry in info["broken"])
        named = any(f"{len(paths)} .{ending} " in warning for warning in info["warnings"])
        got = f"{broken} broken" if broken else "named" if named else "nothing said"
        right = broken == len(paths) == pil if expected == "broken" else named and not broken
        wrong, files = wrong + (not right), files + len(paths)
        print(f"| {kind} | {len(paths)} | {expected} | {got} | {pil} refused | {loaded} refused | |{'' if right else ' WRONG'}")
    lanczos = transforms.InterpolationMode.LANCZOS
    for fit, sizes in (("squash", (LOAD, LOAD)), ("crop", LOAD)):
        folder, to = root / "shapes" / fit, root / f"seen-{fit}"
        folder.mkdir(parents=True)
        seen = transforms.Compose([transforms.Resize(sizes, interpolation=lanczos), transforms.CenterCrop(SEEN)])
        for part in ("train", "test"):
            (folder / part / "photo").mkdir(parents=True)
            for name, picture in originals():
                picture.save(folder / part / "photo" / f"{name}.png")
        expected = [np.asarray(seen(picture)).astype(float) for _, picture in sorted(originals())]
        warptape("data", "augment", f"folder:{folder}", "--augment", "none", "--to", to, "--resize", fit, "--load-size", LOAD,
                 "--image-size", SEEN)
        paths = sorted((to / "test" / "photo").iterdir())
        distances = [abs(np.asarray(Image.open(path)).astype(float) - one).mean() for path, one in zip(paths, expected)]
        right = len(paths) == len(expected) and max(distances) < APART
        wrong, files = wrong + (not right), files + len(paths)
        told = f"apart by {np.mean(distances):.2f}/255, {max(distances):.2f}/255 at most"
        print(f"| {LOAD} {fit}, middle {SEEN} | {len(paths)} | seen | {len(paths)} seen | | {len(expected)} seen | {told} |{'' if right else ' WRONG'}")
    print(f"\n{files} files, {wrong} kinds other than expected")
    if not options.keep:
        shutil.rmtree(root)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
