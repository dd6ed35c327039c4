#!/usr/bin/env python3
"""Holds results of `giemsa run --out` to those of a first: the same cells, boxes, classes and pixels.

    compare_runs.py FIRST OTHER...      folders

Boxes may differ by a pixel or two, and a pixel in a thousand, where a probability is on the edge of the threshold; where boxes
are equal, classes must be too, but for a tie. Exit status: 0 all agree, 1 one does not, 4 an OTHER is not there.
"""

import json
import pathlib
import struct
import sys
import zlib

BOX_PIXELS = 2  # how far an edge may be off
PIXEL_SHARE = 0.999  # of an image, cell or background alike
PROBABILITY = 0.02  # a change of a class's, for equal boxes


def read_grey16_png(file):
    """All samples, row by row, of a 16-bit grey PNG without interlacing."""
    data = file.read_bytes()
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if (depth, colour) != (16, 0):
        raise ValueError(f"{file}: not a 16-bit grey PNG")
    packed, at = b"", 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    raw, stride, rows = zlib.decompress(packed), 2 * width, []
    above = bytes(stride)
    for y in range(height):
        filtering, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        if filtering == 2:  # each byte less the one above
            line = bytearray((a + b) & 255 for a, b in zip(line, above)) if any(line) else bytearray(above)
        elif filtering:
            for i in range(stride):
                left, up, corner = (line[i - 2], above[i], above[i - 2]) if i > 1 else (0, above[i], 0)
                estimate = left + up - corner
                paeth = min((left, up, corner), key=lambda value: abs(estimate - value))
                line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[filtering]) & 255
        rows.append(bytes(line))
        above = line
    return struct.unpack(f">{width * height}H", b"".join(rows))


def load(folder):
    """Images by file name: their entry of results.json, and which pixels are a cell's."""
    images = {}
    for image in json.loads((folder / "results.json").read_text(encoding="utf-8"))["images"]:
        labels = folder / "labels" / f"{image.get('name', '')}.png"
        cell = [label > 0 for label in read_grey16_png(labels)] if labels.is_file() else []
        images[pathlib.Path(image["file"]).name] = image, cell
    return images


def near(box, other):
    """Whether no edge is more than BOX_PIXELS off. Boxes are {x, y, w, h}."""
    edges = [[b[0], b[1], b[0] + b[2], b[1] + b[3]] for b in (box, other)]
    return all(abs(a - b) <= BOX_PIXELS for a, b in zip(*edges))


def compare(first, other):
    """What is wrong, a line each, and the figures."""
    problems, equal, cells, change, least_share = [], 0, 0, 0.0, 1.0
    for file, (image, pixels) in first.items():
        if file not in other:
            problems.append(f"{file}: no result")
            continue
        image2, pixels2 = other[file]
        cells += len(image["cells"])
        if len(image["cells"]) != len(image2["cells"]):
            problems.append(f"{file}: {len(image2['cells'])} cells, not {len(image['cells'])}")
        else:
            for a, b in zip(image["cells"], image2["cells"]):
                if not near(a["box"], b["box"]):
                    problems.append(f"{file}: box {b['box']}, not {a['box']}")
                if a["box"] == b["box"]:
                    equal += 1
                    change = max(change, abs(a["probability"] - b["probability"]))
                    if a["probability"] - a["probabilities"][b["class"]] > PROBABILITY:
                        problems.append(f"{file}: {b['class']}, not {a['class']}, at {a['box']}")
        if len(pixels) != len(pixels2):
            problems.append(f"{file}: label images of different sizes")
        elif pixels:
            share = sum(a == b for a, b in zip(pixels, pixels2)) / len(pixels)
            least_share = min(least_share, share)
            if share < PIXEL_SHARE:
                problems.append(f"{file}: {share:.5f} of the pixels agree")
    if change > PROBABILITY:
        problems.append(f"a probability differs by {change:.4f}")
    if cells == 0:
        problems.append("no cell was found: nothing to compare")
    figures = (f"{cells} cells, {equal} of the same box, largest change of a probability {change:.1e}, "
               f"least share of pixels that agree {least_share:.6f}")
    return problems, figures


def main():
    first_folder, *folders = map(pathlib.Path, sys.argv[1:])
    missing = [folder.name for folder in folders if not (folder / "results.json").is_file()]
    if missing:
        print(f"no results in {', '.join(missing)}")
        return 4
    first, wrong = load(first_folder), 0
    for folder in folders:
        problems, figures = compare(first, load(folder))
        print("".join(f"{folder.name}: {problem}\n" for problem in problems)
              + f"{folder.name} against {first_folder.name}: {'DIFFERENT' if problems else 'the same'}: {figures}")
        wrong += len(problems)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
