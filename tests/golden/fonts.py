#!/usr/bin/env python3
"""Write fonts.tar.gz: two made fonts, in the folders where a machine would have them.

    python3 -m pip install fonttools
    python3 tests/golden/fonts.py

`usr/share/fonts/truetype/tifinagh-regular.ttf` has TrueType outlines, `home/.fonts/cherokee.otc` is a collection of one face with
PostScript's. Each has a square of half an em for one letter that the program's own faces lack: ⴰ (U+2D30), and Ꭰ (U+13A0).
`usr/share/fonts/broken.ttf` is no font.
"""

import io
import sys

try:
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.t2CharStringPen import T2CharStringPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import TTCollection
except ImportError as missing:
    sys.exit(f"fonts.py needs fonttools ({missing}): python3 -m pip install fonttools")

import archive

EM, SIDE = 1000, 500


def square(pen):
    pen.moveTo((0, 0))
    for point in ((0, SIDE), (SIDE, SIDE), (SIDE, 0)):
        pen.lineTo(point)
    pen.closePath()
    return pen


def font(letter, postscript):
    builder = FontBuilder(EM, isTTF=not postscript)
    names = [".notdef", "letter"]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): "letter"})
    if postscript:
        glyphs = {name: square(T2CharStringPen(SIDE, None)).getCharString() for name in names}
        builder.setupCFF("Made", {}, glyphs, {})
    else:
        builder.setupGlyf({name: square(TTGlyphPen(None)).glyph() for name in names})
    builder.setupHorizontalMetrics({name: (SIDE, 0) for name in names})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200)
    builder.setupNameTable({"familyName": "Made", "styleName": "Regular"})
    builder.setupPost()
    # No times: the same bytes every time.
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    return builder.font


def saved(font):
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def main():
    collection = TTCollection()
    collection.fonts = [font("Ꭰ", True)]
    archive.write(__file__, {
        "usr/share/fonts/truetype/tifinagh-regular.ttf": saved(font("ⴰ", False)),
        "home/.fonts/cherokee.otc": saved(collection),
        "usr/share/fonts/broken.ttf": b"no font",
    })


if __name__ == "__main__":
    main()
