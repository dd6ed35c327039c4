#!/usr/bin/env python3
"""Identifies the white blood cells of every image in a folder: a table with a row per cell, and how many of each class.

    folder_to_table.py FOLDER TABLE.csv
"""

import sys

import pandas

import giemsa
from giemsa.files import find_images


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, table = sys.argv[1:]
    files = find_images(folder)
    if not files:
        sys.exit(f"{folder}: no images")

    frames = []
    with giemsa.Engine() as engine:
        print(f"{len(files)} images on {engine.device}")
        for cells in engine.identify_files(files, errors="keep"):
            if cells.error:
                print(cells.error, file=sys.stderr)
            frames.append(cells.filter(at_edge=False).to_pandas())  # cells that are cut are hard to name

    cells = pandas.concat(frames, ignore_index=True)
    cells.to_csv(table, index=False)
    print(cells["class"].value_counts().to_string())


if __name__ == "__main__":
    main()
