#!/usr/bin/env python3
"""Fields in which white cells touch, made of fields in which each lies alone, with the truth cell by cell.

    paste.py FIELDS -o OUT [--count 60] [--cells 2-5] [--overlap 0-0.15] [--seed 1]

FIELDS holds images/ and masks/ of the same names (a cell is where a mask is not 0) and, if there is one, labels.csv. Taken
are fields with one cell that lies wholly inside. Into each, cells of other fields are pasted so that each touches one that is
there: mirrored and turned by quarters at random, in the field's stain, over it or, every other time, under it. --overlap is
the part of the smaller of the two cells' areas that both have; of 0 they just touch.

OUT receives images/NAME.png, labels/NAME.png (16 bits: 0 background, 1..N the cells, as they are seen), labels.csv, which
`giemsa eval` reads, and pasted.csv with what was pasted where. The same seed gives the same files. Needs NumPy and Pillow.
"""

import argparse
import csv
import math
import pathlib
import random
import sys
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
SOFTNESS = 1.0  # pixels over which a pasted cell's rim is blended


@dataclass(frozen=True)
class Field:
    name: str
    image: pathlib.Path
    mask: pathlib.Path
    classes: str


@dataclass(frozen=True)
class Cut:
    """A cell cut out of its field: its tight box, and the colours of the ground around it."""

    name: str
    classes: str
    pixels: np.ndarray  # float (h, w, 3)
    mask: np.ndarray  # bool (h, w)
    ground: np.ndarray  # (3,)


def files_by_stem(folder):
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}


def read_fields(folder):
    """The fields of a folder that have a mask, by name."""
    images, masks = files_by_stem(folder / "images"), files_by_stem(folder / "masks")
    classes = {}
    if (folder / "labels.csv").exists():
        with open(folder / "labels.csv", newline="") as file:
            for row in csv.DictReader(file):
                classes[pathlib.Path(row["image"]).stem] = row.get("classes") or row.get("class") or ""
    return [Field(stem, images[stem], masks[stem], classes.get(stem, "")) for stem in sorted(images) if stem in masks]


def components(mask):
    """(labels, count) of the 8-connected components: runs of rows, joined with those they touch in the row above."""
    parent, runs, above = [], [], []

    def find(run):
        while parent[run] != run:
            run = parent[run]
        return run

    for y, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.view(np.int8), [0]))))
        here = []
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist()):
            run = len(parent)
            parent.append(run)
            here.append((begin, end, run))
            runs.append((y, begin, end))
            for other_begin, other_end, other in above:
                if other_begin <= end and begin <= other_end:
                    one, two = find(other), find(run)
                    parent[max(one, two)] = min(one, two)
        above = here
    roots = sorted({find(run) for run in range(len(parent))})
    number = {root: i + 1 for i, root in enumerate(roots)}
    labels = np.zeros(mask.shape, np.int32)
    for run, (y, begin, end) in enumerate(runs):
        labels[y, begin:end] = number[find(run)]
    return labels, len(roots)


def ground_of(pixels, mask):
    """The colour of the clear ground: the median of the brighter half of what is no cell."""
    outside = pixels[~mask]
    brightness = outside.sum(1)
    return np.maximum(np.median(outside[brightness >= np.median(brightness)], axis=0), 1)


def read_single(field, least=200):
    """(pixels, mask) of a field with one cell of at least `least` pixels, wholly inside; else None."""
    mask = np.asarray(Image.open(field.mask).convert("L")) > 0
    # No cell reaches the edge, and what is not its component is specks.
    if not mask.any() or mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any():
        return None
    labels, count = components(mask)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    if (areas >= least).sum() != 1:
        return None
    return np.asarray(Image.open(field.image).convert("RGB"), np.float64), labels == 1 + int(areas.argmax())


def cut(field, pixels, mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Cut(field.name, field.classes, pixels[box], mask[box], ground_of(pixels, mask))


def turned(piece, chance):
    """Mirrored and turned by quarters at random."""
    quarters, mirrored = chance.randrange(4), chance.random() < 0.5
    turn = lambda array: np.rot90(array[:, ::-1] if mirrored else array, quarters)
    return Cut(piece.name, piece.classes, turn(piece.pixels), turn(piece.mask), piece.ground)


def shared(mask, piece, top, left):
    """How many pixels of a cell lie on `mask` when its box stands there, wherever that is."""
    h, w = piece.shape
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + h, mask.shape[0]), min(left + w, mask.shape[1])
    if y0 >= y1 or x0 >= x1:
        return 0
    return int((mask[y0:y1, x0:x1] & piece[y0 - top : y1 - top, x0 - left : x1 - left]).sum())


def place(mask, piece, angle, overlap):
    """(top, left, overlap reached) where the cell, coming in along the ray of `angle`, first shares that part."""
    rows, columns = np.nonzero(mask)
    own_rows, own_columns = np.nonzero(piece)
    smaller = min(len(rows), len(own_rows))
    top0, left0 = rows.mean() - own_rows.mean(), columns.mean() - own_columns.mean()
    at = lambda far: (round(top0 + far * math.sin(angle)), round(left0 + far * math.cos(angle)))
    near, far = 0, int(np.hypot(*mask.shape)) + max(piece.shape)
    while far - near > 1:  # shares at `near`, less than asked for at `far`
        middle = (near + far) // 2
        common = shared(mask, piece, *at(middle))
        if common > 0 and common >= overlap * smaller:
            near = middle
        else:
            far = middle
    top, left = at(far if overlap == 0 else near)
    return top, left, shared(mask, piece, top, left) / smaller


def paste(pixels, labels, ground, piece, top, left, number, over):
    """The cell becomes part of the field: over what is there, or under it."""
    h, w = piece.mask.shape
    box = np.s_[top : top + h, left : left + w]
    visible = piece.mask if over else piece.mask & (labels[box] == 0)
    soft = np.asarray(Image.fromarray(np.uint8(255 * visible)).filter(ImageFilter.GaussianBlur(SOFTNESS)), np.float64) / 255
    soft = np.where(piece.mask, soft, 0)[..., None]  # outside its mask the cut shows the other field's ground
    stained = np.clip(piece.pixels * (ground / piece.ground), 0, 255)
    pixels[box] = pixels[box] * (1 - soft) + stained * soft
    labels[box][visible] = number


def make_field(base, cuts, wanted, overlaps, chance):
    """(pixels, labels, classes, rows of pasted.csv), or None where there is no room."""
    pixels, mask, field = base
    pixels, labels, ground = pixels.copy(), mask.astype(np.uint16), ground_of(pixels, mask)
    whole = [mask]  # each cell as if none lay over it
    classes, rows = [field.classes], []
    for number in range(2, wanted + 1):
        for _ in range(40):
            piece = turned(cuts[chance.randrange(len(cuts))], chance)
            if piece.name == field.name:
                continue
            beside = chance.randrange(len(whole))
            target = chance.uniform(*overlaps)
            top, left, reached = place(whole[beside], piece.mask, chance.uniform(0, 2 * math.pi), target)
            h, w = piece.mask.shape
            inside = top > 0 and left > 0 and top + h < mask.shape[0] and left + w < mask.shape[1]
            if not inside or abs(reached - target) > 0.02:
                continue
            others = [other for i, other in enumerate(whole) if i != beside]
            area = piece.mask.sum()
            if any(shared(other, piece.mask, top, left) > overlaps[1] * min(area, other.sum()) for other in others):
                continue
            over = chance.random() < 0.5
            paste(pixels, labels, ground, piece, top, left, number, over)
            own = np.zeros_like(mask)
            own[top : top + h, left : left + w] = piece.mask
            whole.append(own)
            classes.append(piece.classes)
            rows.append([piece.name, number, beside + 1, top, left, f"{reached:.4f}", "over" if over else "under"])
            break
        else:
            return None
    return pixels, labels, classes, rows


def write(out, name, pixels, labels):
    Image.fromarray(np.uint8(np.rint(pixels))).save(out / "images" / f"{name}.png")
    Image.fromarray(labels.astype(np.uint16)).save(out / "labels" / f"{name}.png")


def numbers(text, kind):
    low, _, high = text.partition("-")
    return kind(low), kind(high or low)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fields", type=pathlib.Path, metavar="FIELDS")
    parser.add_argument("-o", "--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=60, help="fields to make")
    parser.add_argument("--cells", default="2-5", help="cells that touch, in each: N or LOW-HIGH")
    parser.add_argument("--overlap", default="0-0.15", help="of the smaller of two cells: P or LOW-HIGH")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    cells, overlaps = numbers(a.cells, int), numbers(a.overlap, float)
    if not 2 <= cells[0] <= cells[1] or not 0 <= overlaps[0] <= overlaps[1] <= 0.5:
        parser.error("--cells counts from 2, --overlap lies between 0 and 0.5")

    chance = random.Random(a.seed)
    fields = read_fields(a.fields)
    chance.shuffle(fields)
    singles = []
    for field in fields:
        read = read_single(field)
        if read is not None:
            singles.append((*read, field))
        if len(singles) >= 4 * a.count:
            break
    if len(singles) < 2:
        sys.exit(f"paste.py: {a.fields} has {len(singles)} fields of one cell that lies wholly inside, two are needed")
    cuts = [cut(field, pixels, mask) for pixels, mask, field in singles]

    for folder in ("images", "labels"):
        (a.out / folder).mkdir(parents=True, exist_ok=True)
    labels_csv, pasted_csv = [["image", "classes", "fold"]], [
        ["image", "base", "donor", "number", "beside", "top", "left", "overlap", "order"]]
    made = 0
    for attempt in range(20 * a.count):
        if made == a.count:
            break
        base = singles[attempt % len(singles)]
        result = make_field(base, cuts, chance.randint(*cells), overlaps, chance)
        if result is None:
            continue
        pixels, labels, classes, rows = result
        name = f"pasted-{made:04d}"
        write(a.out, name, pixels, labels)
        labels_csv.append([name, ";".join(classes) if all(classes) else "", made % 10])
        pasted_csv += [[name, base[2].name, *row] for row in rows]
        made += 1
    for file, table in (("labels.csv", labels_csv), ("pasted.csv", pasted_csv)):
        with open(a.out / file, "w", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(table)
    print(f"{a.out}: {made} fields of {cells[0]} to {cells[1]} cells that touch, of {len(singles)} single cells")
    if made < a.count:
        sys.exit(f"paste.py: there was room for {made} of {a.count}")


if __name__ == "__main__":
    main()
