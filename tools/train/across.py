#!/usr/bin/env python3
"""Trains a classifier of single cells on the cells of many laboratories (cells.py): six outputs, five classes and `other`.

across.py cells128/ --network teacher --imagenet resnet50_imagenet_folded.npz --out runs/teacher
across.py cells224/ --network classifier --teacher runs/teacher/model.pt --init start.pt --out runs/alexnet
across.py cells128/ --network teacher --leave-out krd ...          without this laboratory

The teacher is a ResNet-50, the classifier AlexNet. With --teacher the classifier learns to say what the teacher says of the
same augmented picture, and the label. Beside model.pt stands five.pt, the same without the output `other`.
"""

import csv
import pathlib
import re

import numpy as np
import torch
from torch.nn import functional as F

from augment import Augmenter
from imagenet import unfold
from laboratories import CLASSES, OTHER
from loop import Training, normalise, write_atomically
from networks import FineTuned, alexnet
from options import parser_of, prepare
from sampling import chances, drawn

KINDS = (*CLASSES, OTHER)
NETWORKS = {"teacher": FineTuned, "classifier": alexnet}
SIDES = {"teacher": 128, "classifier": 224}
TEACHER_SHARE, TEMPERATURE = 0.7, 2.0  # of the loss; at which both networks' outputs are compared


def read_table(folder):
    with open(folder / "cells.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def kept_for_training(rows, leave_out, fold, keep_out):
    """Indices of the rows that are neither of this laboratory, nor of this fold, nor of one of these images."""
    keep = lambda row: row["laboratory"] != leave_out and row["image"] not in keep_out
    return [i for i, row in enumerate(rows) if keep(row) and (fold is None or int(row["fold"]) != fold)]


def pictures(crops, indices):
    """{n,3,s,s} of 0..1."""
    return torch.from_numpy(np.stack([crops[i] for i in indices])).permute(0, 3, 1, 2).float() / 255


def without_other(state):
    """The state_dict less the last row of the last layer."""
    last = [key for key, value in state.items() if len(value.shape) and len(value) == len(KINDS)][-2:]
    return {key: value[: len(CLASSES)].clone() if key in last else value for key, value in state.items()}


def load_start(network, path):
    """A state_dict; a last layer of fewer classes fills the first rows, the others stay random."""
    state, own = torch.load(path, map_location="cpu"), network.state_dict()
    state = state.get("average", state)
    for key, value in state.items():
        if value.shape != own[key].shape:
            value = torch.cat([value.float(), own[key][len(value) :]])
        own[key] = value.float() if value.is_floating_point() else value
    network.load_state_dict(own)


def load_teacher(path):
    teacher = FineTuned(len(KINDS))
    load_start(teacher, path)
    return teacher.eval().requires_grad_(False)


def distilled(logits, soft, labels, smoothing):
    """Cross-entropy with the label, and with what the teacher says."""
    hard = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    alike = F.kl_div((logits / TEMPERATURE).log_softmax(1), (soft / TEMPERATURE).softmax(1), reduction="batchmean")
    return (1 - TEACHER_SHARE) * hard + TEACHER_SHARE * TEMPERATURE**2 * alike


def main():
    parser = parser_of("classifier", __doc__)
    parser.set_defaults(recipe="laboratories", precision="fp32")
    parser.add_argument("cells", type=pathlib.Path, help="folder that cells.py wrote, for the side of this network")
    parser.add_argument("--network", choices=sorted(NETWORKS), required=True)
    parser.add_argument("--imagenet", type=pathlib.Path, help="folded ResNet-50 that the teacher starts from")
    parser.add_argument("--teacher", type=pathlib.Path, help="model.pt of a teacher")
    parser.add_argument("--leave-out", help="laboratory that is kept out of training")
    parser.add_argument("--keep-out", type=pathlib.Path, help="list of images that are kept out of training, one a line")
    parser.add_argument("--draws", type=int, default=1024, help="cells an epoch shows (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    recipe = prepare(options.network, options)
    rows = read_table(options.cells)
    keep_out = set(options.keep_out.read_text().split()) if options.keep_out else set()
    mine = kept_for_training(rows, options.leave_out, options.fold, keep_out)
    rows = [rows[i] for i in mine]
    crops = np.load(options.cells / "cells.npy", mmap_mode="r")
    labels = torch.tensor([KINDS.index(row["class"]) for row in rows])
    chance = chances([(row["laboratory"], row["class"]) for row in rows])
    counts = torch.bincount(labels, minlength=len(KINDS)).tolist()
    print(f"{len(rows)} cells:", dict(zip(KINDS, counts)), flush=True)

    side = SIDES[options.network]
    network = NETWORKS[options.network](len(KINDS))
    settings = {
        "network": options.network,
        "recipe": options.recipe,
        "recipe_values": re.sub(r"epochs=\d+, ", "", repr(recipe)),
        "leave_out": options.leave_out,
        "fold": options.fold,
        "cells": counts,
        "init": options.init.name if options.init else None,
        "teacher": options.teacher.parent.name if options.teacher else None,
        "epochs": recipe.epochs,
        "draws": options.draws,
        "batch": options.batch,
        "seed": options.seed,
        "precision": options.precision,
        "device": options.device,
        "threads": options.threads,
    }
    if not (options.out / "state.pt").exists():
        if options.imagenet:
            first = drawn(chance, 192, 192, 0, options.seed)[0]
            augmenter = Augmenter(recipe.augmentation, f"{options.seed}:start")
            x, _ = augmenter.warp(pictures(crops, [mine[i] for i in first]), None, (side, side))
            unfold(network.body, options.imagenet, normalise(augmenter.colour(x)))
        if options.init:
            load_start(network, options.init)
    training = Training(options.out, network, recipe, settings, options.minutes)
    device = training.device
    labels = labels.to(device)
    teacher = load_teacher(options.teacher).to(device) if options.teacher else None

    def loss_of(network, indices, epoch, step):
        augmenter = Augmenter(recipe.augmentation, f"{options.seed}:{step}")
        x = pictures(crops, [mine[i] for i in indices]).to(device)
        x, _ = augmenter.warp(x, None, (side, side))
        x = normalise(augmenter.colour(x))
        with training.autocast():
            logits = network(x).float()
        if teacher is None:
            return F.cross_entropy(logits, labels[indices], label_smoothing=recipe.label_smoothing)
        with torch.no_grad(), training.autocast():
            small = F.interpolate(x, size=(SIDES["teacher"],) * 2, mode="bilinear", antialias=True, align_corners=False)
            soft = teacher(small).float()
        return distilled(logits, soft, labels[indices], recipe.label_smoothing)

    training.run(options.draws, loss_of, lambda count, size, epoch, seed: drawn(chance, count, size, epoch, seed))
    five = without_other(torch.load(options.out / "model.pt"))
    write_atomically(options.out / "five.pt", lambda path: torch.save(five, path))


if __name__ == "__main__":
    main()
