#!/usr/bin/env python3
"""Writes the image fixtures of tests/io: synthetic pictures encoded by Pillow, beside what Pillow decodes from them.

    python3 tools/image_fixtures.py tests/io/fixtures
"""

import math
import pathlib
import sys

from PIL import Image


def quadrants():
    """32 x 16: red, green / blue, white, each quadrant whole JPEG blocks."""
    image = Image.new("RGB", (32, 16))
    for x, y, color in ((0, 0, "red"), (16, 0, "lime"), (0, 8, "blue"), (16, 8, "white")):
        image.paste(color, (x, y, x + 16, y + 8))
    return image


def smear(width=28, height=19):
    """A purple disc on a pink gradient; odd sides, so that blocks and chroma samples overhang."""
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            inside = max(0.0, min(1.0, 7 - math.hypot(x - 13, y - 9)))
            background = (230 - x, 190 + y, 200 + (x + y) // 2)
            nucleus = (110 + 2 * y, 60 + x, 150)
            image.putpixel((x, y), tuple(round(b + (n - b) * inside) for b, n in zip(background, nucleus)))
    return image


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        quadrants().save(folder / f"orientation_{orientation}.jpg", quality=95, subsampling=0, exif=exif)

    picture = smear()
    jpegs = {
        "444": (picture, {"subsampling": 0}),
        "422": (picture, {"subsampling": 1}),
        "420": (picture, {"subsampling": 2}),
        "progressive": (picture, {"subsampling": 2, "progressive": True}),
        "grey": (picture.convert("L"), {}),
        "cmyk": (picture.convert("CMYK"), {}),
    }
    pngs = {
        "rgb": picture,
        "rgba": picture.convert("RGBA"),
        "palette": picture.quantize(16),
        "grey": picture.convert("L"),
        "bilevel": picture.convert("1"),
    }
    for name, (image, options) in jpegs.items():
        image.save(folder / f"{name}.jpg", quality=85, **options)
        expect(folder / f"{name}.jpg")
    for name, image in pngs.items():
        image.save(folder / f"{name}.png", optimize=True)
        expect(folder / f"{name}.png")


def expect(file):
    """What Pillow reads: raw RGB bytes of the 28 x 19 pixels."""
    with Image.open(file) as image:
        file.with_name(file.name + ".rgb").write_bytes(image.convert("RGB").tobytes())


if __name__ == "__main__":
    main()
