#!/usr/bin/env python3
"""Trains AlexNet on cells: crops.csv by crops.py, or a folder of synthetic smears (boxes.csv).

classifier.py smears/ --out runs/classifier-synthetic
classifier.py crops/crops.csv --fields fields/ --cells crops-pbc/ --fold 3 --init smears/model.pt --out runs/fold3
"""

import csv
import pathlib

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from augment import Augmenter
from boxes import grown
from laboratories import CLASSES
from loop import Training, normalise
from networks import alexnet
from options import load_init, parser_of, prepare
from recipes import median_frequency_weights

SIDE = 224
MARGIN = 0.2  # of the box's sides, kept around it so that the augmentation has something to show there


def read_crops(path, roots):
    """(image file, box, class, fold) of each row of crops.csv."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            box = tuple(int(row[key]) for key in "xywh")
            yield roots[row["source"]] / row["image"], box, row["class"], int(row["fold"])


def read_smears(folder):
    with open(folder / "boxes.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield folder / "images" / f"{row['image']}.png", tuple(int(row[key]) for key in "xywh"), row["class"], None


def cut(image, box, width=SIDE):
    """The box and its margin, resized without keeping the aspect so that the box is `width` wide and high; u8 {3,s,s}.

    Outside of the image its edge pixels are repeated.
    """
    side = round(width * (1 + 2 * MARGIN))
    left, top, right, bottom = (round(value) for value in grown(box, MARGIN))
    pixels = np.asarray(image)
    rows = np.arange(top, bottom).clip(0, image.height - 1)
    columns = np.arange(left, right).clip(0, image.width - 1)
    part = Image.fromarray(pixels[rows][:, columns])
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def load_cells(cells):
    images, labels, opened = [], [], (None, None)
    for path, box, kind, _ in cells:
        if opened[0] != path:
            opened = (path, Image.open(path).convert("RGB"))
        images.append(cut(opened[1], box))
        labels.append(CLASSES.index(kind))
    if not images:
        raise SystemExit("no cells to train on")
    return torch.from_numpy(np.stack(images)), torch.tensor(labels)


def main():
    parser = parser_of("classifier", __doc__)
    parser.add_argument("data", type=pathlib.Path, help="crops.csv, or a folder that giemsa-samples wrote")
    parser.add_argument("--fields", type=pathlib.Path, help="where the crops' fields are")
    parser.add_argument("--cells", type=pathlib.Path, help="where the crops' single cells are")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    recipe = prepare("classifier", options)
    roots = {"fields": options.fields, "cells": options.cells}
    cells = list(read_smears(options.data) if options.data.is_dir() else read_crops(options.data, roots))
    cells = [cell for cell in cells if options.fold is None or cell[3] != options.fold]
    images, labels = load_cells(cells)
    counts = torch.bincount(labels, minlength=len(CLASSES)).tolist()
    print(f"{len(cells)} cells:", dict(zip(CLASSES, counts)), flush=True)

    network = alexnet(len(CLASSES))
    load_init(network, options.init)
    settings = {
        "network": "classifier",
        "recipe": options.recipe,
        "recipe_values": repr(recipe),
        "fold": options.fold,
        "cells": counts,
        "init": options.init.parent.name if options.init else None,
        "epochs": recipe.epochs,
        "batch": options.batch,
        "seed": options.seed,
        "precision": options.precision,
        "device": options.device,
        "threads": options.threads,
    }
    training = Training(options.out, network, recipe, settings, options.minutes)
    device = training.device
    images, labels = images.to(device), labels.to(device)
    weights = median_frequency_weights(counts, [len(cells)] * len(CLASSES)) if recipe.class_weights else None
    weights = torch.tensor(weights, device=device) if weights else None

    def loss_of(network, indices, epoch, step):
        augmenter = Augmenter(recipe.augmentation, f"{options.seed}:{step}")
        x, _ = augmenter.warp(images[indices].float() / 255, None, (SIDE, SIDE))
        x = normalise(augmenter.colour(x))
        with training.autocast():
            logits = network(x)
        return F.cross_entropy(logits.float(), labels[indices], weights, label_smoothing=recipe.label_smoothing)

    training.run(len(cells), loss_of)


if __name__ == "__main__":
    main()
