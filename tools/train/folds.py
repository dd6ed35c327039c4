"""Which image belongs to which fold. Free of torch.

Fields bring theirs in labels.csv. Folders of single cells do not: within each class, the images in the order of the SHA-256
of `class/file name` are dealt to the folds in turn, going on where the class before stopped. So folds are stratified (sizes
per class differ by at most one), the same on every machine, and independent of the order of directories.
"""

import csv
import hashlib
import pathlib

FOLDS = 10


def read_labels(folder):
    """Rows of labels.csv: (image, classes as a tuple, fold as an int or None)."""
    with open(pathlib.Path(folder) / "labels.csv", newline="", encoding="utf-8") as file:
        rows = []
        for row in csv.DictReader(file):
            names = row.get("classes", row.get("class")) or ""
            fold = row.get("fold")
            rows.append((row["image"], tuple(filter(None, names.split(";"))), int(fold) if fold else None))
        return rows


def deal(names_by_class, folds=FOLDS):
    """{class: [file name]} -> {(class, file name): fold}."""
    assigned, turn = {}, 0
    for kind in sorted(names_by_class):
        digest = lambda name: hashlib.sha256(f"{kind}/{name}".encode()).hexdigest()
        for name in sorted(names_by_class[kind], key=digest):
            assigned[kind, name] = turn % folds
            turn += 1
    return assigned


def class_folders(folder):
    """{class: [file name]} of a folder of class folders."""
    folders = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir())
    return {path.name: sorted(file.name for file in path.iterdir() if file.is_file()) for path in folders}
