#!/usr/bin/env python3
"""Makes the classifier's data set: the engine finds the cells, the labels say what they are.

    crops.py --giemsa build/giemsa --fields fields/ --cells crops-pbc/ --out crops/

Runs `giemsa run --crops` over both, and writes crops.csv (source, image, x, y, w, h, class, fold): the tight boxes that the
classifier will also get at inference. Of a field, only a cell whose class is certain is taken: labels.csv names one cell,
and a box was found whose intersection over union with the mask's is half or more. Of an image in a class's folder, the
found cell nearest the middle. Folds: see folds.py. What was left out is counted on stderr.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys

from PIL import Image

from boxes import best_match, nearest_middle
from folds import class_folders, deal, read_labels

COLUMNS = ("source", "image", "x", "y", "w", "h", "class", "fold")


def find_cells(options, images, out):
    """{path of the image: its result} by the engine."""
    command = [
        options.giemsa,
        "run",
        images,
        "--out",
        out,
        "--crops",
        "--quiet",
        "--device",
        options.device,
        "--precision",
        options.precision,
    ]
    command += ["--segmenter", options.segmenter] if options.segmenter else []
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return {pathlib.Path(image["file"]): image for image in results["images"] if image["ok"]}


def crops_of_fields(options):
    found = find_cells(options, options.fields / "images", options.out / "fields")
    by_name = {path.stem: (path, image) for path, image in found.items()}
    left_out = {"class unknown or several cells": 0, "not found": 0}
    for name, classes, fold in read_labels(options.fields):
        if len(classes) != 1:
            left_out["class unknown or several cells"] += 1
            continue
        path, image = by_name[name]
        mask = Image.open(options.fields / "masks" / f"{name}.png").convert("L")
        left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
        boxes = [cell["box"] for cell in image["cells"]]
        match = best_match(boxes, (left, top, right - left, bottom - top))
        if match is None:
            left_out["not found"] += 1
            continue
        yield ("fields", f"images/{path.name}", *boxes[match], classes[0], fold)
    print("fields left out:", left_out, file=sys.stderr)


def crops_of_cells(options):
    found = find_cells(options, options.cells, options.out / "cells")
    folds, missing = deal(class_folders(options.cells)), 0
    for path, image in sorted(found.items()):
        kind = path.parent.name
        boxes = [cell["box"] for cell in image["cells"]]
        match = nearest_middle(boxes, image["width"], image["height"])
        if match is None:
            missing += 1
            continue
        yield ("cells", f"{kind}/{path.name}", *boxes[match], kind, folds[kind, path.name])
    print(f"cells left out, none found: {missing}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--giemsa", type=pathlib.Path, required=True)
    parser.add_argument("--segmenter", type=pathlib.Path, help="default: the shipped one")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--fields", type=pathlib.Path)
    parser.add_argument("--cells", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    rows = (list(crops_of_fields(options)) if options.fields else []) + (
        list(crops_of_cells(options)) if options.cells else []
    )
    with open(options.out / "crops.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    print(f"{len(rows)} crops in {options.out / 'crops.csv'}")


if __name__ == "__main__":
    main()
