"""The cells of every laboratory's data set, as one list: where each lies, what it is, who made it. Free of torch.

The sets differ in what they tell. `fields` has masks and a class for each white cell, `krd` and `chula` a box and a class,
`raabin` boxes with classes named by eye, `draaslan` boxes alone; of `crops-pbc` and `pbc-more` only the class is known,
and the box is the one that the engine finds (`giemsa run`, its results.json). What the engine finds where no white cell
was marked is what a classifier must learn to refuse: such a box is a cell of the class `other`.

Immature granulocytes (`ig`) are left out. They are white cells, so `other` would be wrong, and none of the five classes
is right.
"""

import csv
import hashlib
import json
import pathlib
from typing import NamedTuple

from boxes import intersection, nearest_middle
from folds import FOLDS, class_folders, read_labels

CLASSES = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")
OTHER = "other"
NOT_WHITE = {"erythroblast": OTHER, "platelet": OTHER, "red_cell": OTHER}
# Each set's laboratory: both of PBC's sets are from Barcelona, so they are left out together.
LABORATORY = {
    "fields": "bccd",
    "crops-pbc": "pbc",
    "pbc-more": "pbc",
    "krd": "krd",
    "chula": "chula",
    "raabin": "raabin",
    "draaslan": "draaslan",
}
RED_CELLS_KEPT = 12  # one in so many: there are thousands


class Cell(NamedTuple):
    laboratory: str
    image: str  # from the folder that holds all sets
    box: tuple  # (x, y, w, h)
    kind: str
    fold: int


def fold_of(*what):
    """By SHA-256, so the same everywhere; what must not be parted (a slide) gives the same."""
    return int(hashlib.sha256("/".join(what).encode()).hexdigest(), 16) % FOLDS


def read_rows(folder):
    with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def box_of(row):
    left, top, right, bottom = (int(float(row[key])) for key in ("xmin", "ymin", "xmax", "ymax"))
    return left, top, right - left, bottom - top


def read_found(file):
    """{name of the image: (boxes, width, height)} of a results.json; empty where there is none."""
    if not file.exists():
        return {}
    images = json.loads(file.read_text(encoding="utf-8"))["images"]
    return {
        pathlib.Path(one["file"]).name: ([tuple(cell["box"]) for cell in one["cells"]], one["width"], one["height"])
        for one in images
        if one["ok"]
    }


def inside(box, width, height):
    """Whether the box keeps clear of the image's edge: there a white cell may be unmarked."""
    x, y, w, h = box
    return x > 1 and y > 1 and x + w < width - 1 and y + h < height - 1


def mask_boxes(path):
    """The box of all that is marked in a mask, and the marked share of any box."""
    from PIL import Image

    mask = Image.open(path).convert("L").point(lambda level: 255 if level else 0)
    left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)

    def share(box):
        x, y, w, h = box
        return mask.crop((x, y, x + w, y + h)).histogram()[255] / (w * h)

    return (left, top, right - left, bottom - top), share


def fields(folder, found):
    """Of a field only a cell whose class is certain: one is marked, one is named."""
    names = {path.stem: path.name for path in (folder / "images").iterdir()}
    for stem, kinds, fold in read_labels(folder):
        box, share = mask_boxes(folder / "masks" / f"{stem}.png")
        if len(kinds) == 1:
            yield f"images/{names[stem]}", box, kinds[0], fold
        boxes, width, height = found.get(names[stem], ([], 0, 0))
        for one in boxes:
            if inside(one, width, height) and share(one) < 0.02:
                yield f"images/{names[stem]}", one, OTHER, fold


def single_cells(folder, found, kinds_of):
    """Images of one cell in the middle: the box that the engine found there."""
    for name, kind in kinds_of:
        boxes, width, height = found.get(pathlib.Path(name).name, ([], 0, 0))
        nearest = nearest_middle(boxes, width, height)
        kind = NOT_WHITE.get(kind, kind)
        if nearest is not None and kind in (*CLASSES, OTHER):
            yield name, boxes[nearest], kind, None


def class_folder_names(folder):
    return [(f"{kind}/{name}", kind) for kind, names in class_folders(folder).items() for name in names]


def labelled_boxes(folder, found):
    """A box and a class a row; with a slide where the set tells it. `white_cell_by_eye` names white cells without one."""
    rows = read_rows(folder)
    white = {}
    for row in rows:
        if row["class"] not in NOT_WHITE:
            white.setdefault(row["image"], []).append(box_of(row))
    clear = lambda image, box: all(intersection(box, one) < 0.1 * box[2] * box[3] for one in white.get(image, []))
    for i, row in enumerate(rows):
        kind = row.get("white_cell_by_eye") or NOT_WHITE.get(row["class"], row["class"])
        image, box = row["image"], box_of(row)
        if kind == OTHER and (not clear(image, box) or (row["class"] == "red_cell" and i % RED_CELLS_KEPT)):
            continue
        if kind in (*CLASSES, OTHER):
            fold = fold_of(folder.name, row["slide"]) if row.get("slide") else None
            yield f"images/{image}", box, kind, fold
    for image, (boxes, width, height) in sorted(found.items()):
        for box in boxes:
            if image in white and inside(box, width, height) and all(not intersection(box, w) for w in white[image]):
                yield f"images/{image}", box, OTHER, None


def read_set(folder, found):
    """(image, box, class, fold or None) of each cell of a set; `found` as by read_found."""
    if folder.name == "fields":
        return fields(folder, found)
    if folder.name == "crops-pbc":
        return single_cells(folder, found, class_folder_names(folder))
    if folder.name == "pbc-more":
        rows = read_rows(folder)
        return single_cells(folder, found, [(f"images/{row['image']}", row["class"]) for row in rows])
    return labelled_boxes(folder, found)


def read_cells(data, found, sets=tuple(LABORATORY)):
    """All cells of the sets in the folder `data`; found/SET/results.json is what the engine found."""
    cells = []
    for name in sets:
        for image, box, kind, fold in read_set(data / name, read_found(found / name / "results.json")):
            if box[2] < 8 or box[3] < 8:
                continue
            fold = fold_of(name, image) if fold is None else fold
            cells.append(Cell(LABORATORY[name], f"{name}/{image}", box, kind, fold))
    return cells
