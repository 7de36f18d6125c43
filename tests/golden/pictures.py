#!/usr/bin/env python3
"""Write pictures.tar.gz: small pictures of unusual kinds, and beside each the RGB bytes that Pillow makes of it.

    python3 tests/golden/pictures.py      # needs Pillow

CMYK as Adobe's programs store it (inks inverted) and the same file marked as YCCK; CMYK without Adobe's mark; palettes
with and without a transparent entry; one bit; grey with alpha; CMYK in TIFF; TGA; a camera's note on which side is up in
JPEG, PNG, WebP and TIFF, of all eight kinds in PNG; animations and pages, of which the first counts.
"""

import io

from PIL import Image, ImageOps

import archive

WIDTH, HEIGHT = 24, 16
ADOBE = b"\xff\xee\x00\x0eAdobe"


def encoded(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def over_white(data):
    with Image.open(io.BytesIO(data)) as image:
        rgba = ImageOps.exif_transpose(image).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (255,) * 4), rgba).convert("RGB").tobytes()


def noted(side):
    exif = Image.Exif()
    exif[0x112] = side
    return exif


def main():
    size = (WIDTH, HEIGHT)
    ramps = [Image.new("L", size) for _ in range(4)]
    for plane, (across, down) in zip(ramps, ((8, 2), (1, 12), (4, 4), (2, 5))):
        plane.putdata([(x * across + y * down) % 256 for y in range(HEIGHT) for x in range(WIDTH)])
    color = Image.merge("RGB", ramps[:3])
    cmyk = encoded(Image.merge("CMYK", ramps), "JPEG", quality=95)
    mark = cmyk.index(ADOBE)
    transform = mark + len(ADOBE) + 6
    assert cmyk[transform] == 0, "Pillow writes CMYK, not YCCK"
    palette = color.quantize(16)
    files = {
        "cmyk.jpg": cmyk,
        "ycck.jpg": cmyk[:transform] + b"\x02" + cmyk[transform + 1:],
        "cmyk-unmarked.jpg": cmyk[:mark] + cmyk[mark + 16:],
        "cmyk.tiff": encoded(Image.merge("CMYK", ramps), "TIFF"),
        "palette.png": encoded(palette, "PNG"),
        "palette-clear.png": encoded(palette, "PNG", transparency=3),
        "palette.bmp": encoded(palette, "BMP"),
        "bits.png": encoded(ramps[0].convert("1"), "PNG"),
        "grey-alpha.png": encoded(Image.merge("LA", ramps[:2]), "PNG"),
        "grey.jpg": encoded(ramps[0], "JPEG", quality=95),
        "progressive.jpg": encoded(color, "JPEG", quality=95, progressive=True),
    }
    palette_gif = color.quantize(16)
    hole = palette_gif.copy()
    hole.info["transparency"] = 3
    files |= {
        "palette.gif": encoded(palette_gif, "GIF"),
        "clear.gif": encoded(hole, "GIF", transparency=3),
        "color.tga": encoded(color, "TGA"),
        "packed.tga": encoded(color, "TGA", compression="tga_rle"),
    }
    for name, form, options in (("jpg", "JPEG", {"quality": 95}), ("webp", "WEBP", {"lossless": True}), ("tiff", "TIFF", {})):
        files[f"turned.{name}"] = encoded(color, form, exif=noted(6), **options)
    for side in range(1, 9):
        files[f"side-{side}.png"] = encoded(color, "PNG", exif=noted(side))
    other = ImageOps.invert(color)
    for name, form, options in (
        ("gif", "GIF", {}), ("webp", "WEBP", {"lossless": True}), ("png", "PNG", {}), ("tiff", "TIFF", {}),
    ):
        pages = [color.quantize(16), other.quantize(16)] if form == "GIF" else [color, other]
        files[f"two.{name}"] = encoded(pages[0], form, save_all=True, append_images=pages[1:], **options)
    files |= {f"{name}.rgb": over_white(data) for name, data in files.items()}
    archive.write(__file__, files)


if __name__ == "__main__":
    main()
