#!/usr/bin/env python3
"""A laboratory's set as a folder of fields, for segmenter.py and paste.py: images/, masks/ and labels.csv with a fold each.

    field_set.py SET -o OUT [--found RESULTS] [--fold N | --without N] [--limit N]

SET is one of those that README.md lists. Where it has no masks, RESULTS, what `giemsa run` wrote for it, gives them, of the
images alone in which every found cell is a marked white cell and every marked white cell was found: so a segmenter is held to
what an older one does in laboratories that drew no masks. Needs NumPy and
Pillow.
"""

import argparse
import csv
import pathlib
import shutil

import numpy as np
from PIL import Image

from boxes import best_match
from laboratories import CLASSES, fold_of, read_found, read_set

LEAST_IOU = 0.6  # of a found and a marked box


def agrees(found, marked):
    """Whether found and marked boxes are the same cells."""
    return 0 < len(found) == len(marked) and all(best_match(found, box, LEAST_IOU) is not None for box in marked)


def images_of(folder, found):
    """(image, classes, fold) of the set's images with white cells, by name; `found` is empty where the set has masks."""
    cells = {}
    for image, box, kind, fold in read_set(folder, found):
        if kind in CLASSES:
            cells.setdefault(image, []).append((box, kind, fold_of(folder.name, image) if fold is None else fold))
    for image, marked in sorted(cells.items()):
        boxes = found.get(pathlib.Path(image).name, ([], 0, 0))[0]
        if not found or agrees(boxes, [box for box, _, _ in marked]):
            yield image, [kind for _, kind, _ in marked], marked[0][2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=pathlib.Path, metavar="SET")
    parser.add_argument("-o", "--out", type=pathlib.Path, required=True)
    parser.add_argument("--found", type=pathlib.Path, help="what `giemsa run --out` wrote for SET")
    parser.add_argument("--fold", type=int, help="only this fold")
    parser.add_argument("--without", type=int, help="all but this fold")
    parser.add_argument("--limit", type=int, help="at most so many images, evenly from all")
    options = parser.parse_args()
    masked = (options.set / "masks").is_dir()
    if not masked and not options.found:
        parser.error(f"{options.set} has no masks, so --found is needed")

    found = {} if masked else read_found(options.found / "results.json")
    wanted = lambda fold: options.fold in (None, fold) and fold != options.without
    images = [one for one in images_of(options.set, found) if wanted(one[2])]
    if options.limit and options.limit < len(images):
        images = [images[i * len(images) // options.limit] for i in range(options.limit)]
    for folder in ("images", "masks"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    rows = [["image", "classes", "fold"]]
    for image, classes, fold in images:
        path = options.set / image
        shutil.copy(path, options.out / "images")
        if masked:
            source = options.set / "masks" / f"{path.stem}.png"
        else:
            source = options.found / "labels" / pathlib.Path(image.removeprefix("images/")).with_suffix(".png")
        cells = np.asarray(Image.open(source)) > 0
        Image.fromarray(np.uint8(255 * cells)).save(options.out / "masks" / f"{path.stem}.png")
        rows.append([path.stem, ";".join(classes), fold])
    with open(options.out / "labels.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{options.out}: {len(images)} fields")


if __name__ == "__main__":
    main()
