#!/usr/bin/env python3
"""Cuts the cells of all laboratories out and adds artefacts: the data set of a classifier across laboratories.

    cells.py --data data/ --found found/ --side 224 --out cells/

found/SET/results.json is what `giemsa run --out found/SET` found in each set (laboratories.py says what for). Writes
cells.npy, {n, s, s, 3} of bytes, and cells.csv (laboratory, image, x, y, w, h, class, fold), a row for each. Every box fills
a square of the network's side, with the margin around it that classifier.py keeps.
"""

import argparse
import csv
import pathlib

import numpy as np
from PIL import Image

from artefacts import artefacts
from classifier import MARGIN, cut
from laboratories import LABORATORY, OTHER, Cell, read_cells

COLUMNS = ("laboratory", "image", "x", "y", "w", "h", "class", "fold")


def cut_all(data, cells, side):
    opened = (None, None)
    for cell in cells:
        if opened[0] != cell.image:
            opened = (cell.image, Image.open(data / cell.image).convert("RGB"))
        yield cut(opened[1], cell.box, side).transpose(1, 2, 0)


def with_artefacts(cells, crops, share, seed):
    """Adds artefacts to each laboratory and fold, made of its own cells, so that nothing of one is in another."""
    for key in sorted({(cell.laboratory, cell.fold) for cell in cells}):
        mine = [i for i, cell in enumerate(cells) if (cell.laboratory, cell.fold) == key]
        white = [i for i in mine if cells[i].kind != OTHER]
        # Of `other`, those whose file says so: pbc-more names its images after what they show.
        platelets = [crops[i] for i in mine if cells[i].kind == OTHER and "/PLATELET" in cells[i].image]
        if not white:
            continue
        sources, count = [crops[i] for i in white], round(share * len(white))
        for picture, source in artefacts(sources, platelets, count, MARGIN, [seed, *map(ord, f"{key}")]):
            crops.append(picture)
            image = "clump" if source is None else cells[white[source]].image
            cells.append(Cell(key[0], image, (0, 0, 0, 0), OTHER, key[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--found", type=pathlib.Path, required=True)
    parser.add_argument("--sets", default=",".join(LABORATORY), help="(default: %(default)s)")
    parser.add_argument("--side", type=int, required=True, help="of the network's input")
    parser.add_argument("--artefacts", type=float, default=0.25, help="for each white cell (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    cells = read_cells(options.data, options.found, options.sets.split(","))
    crops = list(cut_all(options.data, cells, options.side))
    with_artefacts(cells, crops, options.artefacts, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    np.save(options.out / "cells.npy", np.stack(crops))
    with open(options.out / "cells.csv", "w", newline="", encoding="utf-8") as file:
        rows = [(cell.laboratory, cell.image, *cell.box, cell.kind, cell.fold) for cell in cells]
        csv.writer(file).writerows([COLUMNS, *rows])
    print(f"{len(cells)} cells in {options.out / 'cells.csv'}")


if __name__ == "__main__":
    main()
