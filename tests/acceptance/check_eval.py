#!/usr/bin/env python3
"""Recomputes every figure of `giemsa eval` from the predictions that it wrote, and compares.

    tests/acceptance/check_eval.py --giemsa build/giemsa DATASET [--options "--cells found"]
    tests/acceptance/check_eval.py --evaluated DIR DATASET

The first runs `giemsa eval DATASET --out` into a folder of its own, the second takes one that is there. From it are
read the names in images.csv, the predicted masks/*.png and the classes, probabilities and boxes in cells.csv; the truth
comes from the data set. Erosion, distances and components are SciPy's and scikit-image's, percentiles NumPy's, and what
scikit-learn has of classification is compared with it too. Needs numpy, scipy, scikit-image, scikit-learn and PIL.
Exits 1 where a figure, an end of an interval, a count or a value in images.csv differs by more than 1e-6, or where
eval.json has a figure that is not recomputed here.
"""

import argparse
import collections
import csv
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.ndimage
import skimage.measure
import sklearn.metrics
from PIL import Image
from scipy.optimize import linear_sum_assignment

TOLERANCE = 1e-6
IOUS = [0.5, 0.7]
INSTANCE_IOUS = [0.5, 0.75, 0.9]
PLUS = scipy.ndimage.generate_binary_structure(2, 1)
KINDS = ["precision", "recall", "f1", "specificity"]

np.seterr(divide="ignore", invalid="ignore")  # 0 / 0 is a figure without a value, here as there


def read_csv(file):
    with open(file, newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


# Segmentation

def pixel_confusion(truth, predicted):
    return np.bincount(2 * truth.ravel() + predicted.ravel(), minlength=4).reshape(2, 2)


def boundary(mask):
    return mask & ~scipy.ndimage.binary_erosion(mask, PLUS, border_value=1)


def share_near(points, others):
    """Share of `points` whose nearest of `others` is nearer than 0.75 % of the diagonal, in whole numbers."""
    height, width = points.shape
    if not points.any():
        return np.nan
    if not others.any():
        return 0.0
    rows, columns = scipy.ndimage.distance_transform_edt(~others, return_distances=False, return_indices=True)
    y, x = np.nonzero(points)
    squared = (rows[y, x].astype(np.int64) - y) ** 2 + (columns[y, x].astype(np.int64) - x) ** 2
    return float(np.mean(squared * 400 ** 2 < 9 * (height ** 2 + width ** 2)))  # 0.75 % is 3 / 400


def boundary_f1(truth, predicted):
    a, b = boundary(truth), boundary(predicted)
    if not a.any() and not b.any():
        return np.nan
    if not a.any() or not b.any():
        return 0.0
    precision, recall = share_near(b, a), share_near(a, b)
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def mean_defined(values):
    values = [value for value in values if not np.isnan(value)]
    return float(np.mean(values)) if values else np.nan


def segmentation(pixels):
    truths, predictions, right = pixels.sum(1), pixels.sum(0), np.diag(pixels)
    iou = right / (truths + predictions - right)
    return {
        ("global_accuracy",): right.sum() / pixels.sum(),
        ("mean_accuracy",): mean_defined(right / truths),
        ("mean_iou",): mean_defined(iou),
        ("weighted_iou",): np.nansum(iou * truths) / pixels.sum(),
        ("iou", "background"): iou[0],
        ("iou", "cell"): iou[1],
    }


# Detection

def box_iou(a, b):
    w = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    h = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def match(images, limit):
    """Greedily over the whole data set at once; for each image the true box of each of its detections, or None."""
    every = [(-cell["score"], i, d) for i, image in enumerate(images) for d, cell in enumerate(image["cells"])]
    matches = [[None] * len(image["cells"]) for image in images]
    taken = set()
    for _, i, d in sorted(every):
        ious = [(box_iou(box, images[i]["cells"][d]["box"]), -t) for t, box in enumerate(images[i]["boxes"])
                if (i, t) not in taken]
        best = max(ious, default=(0, 0))
        if best[0] >= limit:
            matches[i][d] = -best[1]
            taken.add((i, -best[1]))
    return matches


def detection(scores, hits, present):
    hits = hits[np.argsort(-scores, kind="stable")]
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    right = hits.sum()
    return {
        "average_precision": np.float64(precision[hits].sum()) / present,
        "precision": np.float64(right) / len(hits),
        "recall": np.float64(right) / present,
        "f1": np.float64(2 * right) / (len(hits) + present),
    }


# Classification

def classification(cells):
    """Per class, macro, micro: from a confusion matrix."""
    total, truths, called, right = cells.sum(), cells.sum(1), cells.sum(0), np.diag(cells)
    negatives = total - truths
    classes = np.array([right / called, right / truths, 2 * right / (truths + called),
                        (negatives - (called - right)) / negatives])
    present = truths > 0
    averaged = np.vstack([np.nan_to_num(classes[0], nan=0.0), classes[1:]])[:, present]
    macro = [mean_defined(row) for row in averaged]
    wrong = total - right.sum()
    micro = [np.float64(right.sum()) / total] * 3 + [1 - np.float64(wrong) / negatives.sum()]
    return classes, macro, micro


def check_against_sklearn(truth, called, classes, figures):
    """The point values once more, by scikit-learn."""
    if not truth:
        return []
    wrong = []
    matrix = sklearn.metrics.confusion_matrix(truth, called, labels=classes)
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(
        truth, called, labels=classes, zero_division=0)
    present = [name for name, count in zip(classes, support) if count]
    expected = {("classification", "accuracy"): sklearn.metrics.accuracy_score(truth, called)}
    if len(set(truth) | set(called)) > 1:
        expected["classification", "kappa"] = sklearn.metrics.cohen_kappa_score(truth, called)
    for k, name in enumerate(classes):
        if matrix[:, k].sum():
            expected["classes", name, "precision"] = precision[k]
        if matrix[k].sum():
            expected["classes", name, "recall"] = recall[k]
        if matrix[:, k].sum() + matrix[k].sum():
            expected["classes", name, "f1"] = f1[k]
    for average, labels in [("macro", present), ("micro", classes)]:
        values = sklearn.metrics.precision_recall_fscore_support(
            truth, called, labels=labels, average=average, zero_division=0)
        for kind, value in zip(KINDS[:3], values):
            expected["classification", average, kind] = value
    for path, value in expected.items():
        if not abs(figures[path] - value) <= TOLERANCE:
            wrong.append(f"{'/'.join(path)}: {figures[path]} here, {value} by scikit-learn")
    return wrong


# The data set

def class_of_cells(listed, boxes):
    return listed[0] if len(set(listed)) == 1 and boxes <= len(listed) else None


def read_images(dataset, out, document):
    """What is known and what was predicted of each image that did not fail."""
    fields = document["dataset"]["kind"] == "fields"
    found = collections.defaultdict(list)
    for row in read_csv(out / "cells.csv"):
        found[row["name"]].append({"id": int(row["cell"]), "class": row["class"], "score": float(row["probability"]),
                                   "box": [int(row[key]) for key in "xywh"]})
    listed = {}
    if fields:
        for row in read_csv(dataset / "labels.csv"):
            names = row.get("classes") or row.get("class") or ""
            listed[pathlib.PurePath(row["image"]).stem] = [name for name in names.split(";") if name]
    images = []
    for row in read_csv(out / "images.csv"):
        if row["ok"] != "true":
            continue
        image = {"row": row, "cells": found[row["name"]]}
        if fields:
            numbered = dataset / "labels" / f"{row['name']}.png"
            if numbered.exists():
                cells = np.array(Image.open(numbered)).astype(np.int64)
                truth = cells > 0
            else:
                truth = np.array(Image.open(dataset / "masks" / f"{row['name']}.png").convert("L")) > 0
                cells = skimage.measure.label(truth, connectivity=2)
            predicted = np.array(Image.open(out / "masks" / f"{row['name']}.png")) > 0
            regions = skimage.measure.regionprops(cells)
            labels = np.array(Image.open(out / "labels" / f"{row['name']}.png")).astype(np.int64)
            labels[np.isin(labels, [cell["id"] for cell in image["cells"] if cell["class"] == "other"])] = 0
            image["instances"] = instance_counts(cells, labels)
            image["boxes"] = [(x0, y0, x1 - x0, y1 - y0) for y0, x0, y1, x1 in (region.bbox for region in regions)]
            image["pixels"] = pixel_confusion(truth, predicted)
            image["boundary"] = mean_defined([boundary_f1(truth, predicted), boundary_f1(~truth, ~predicted)])
            image["class"] = class_of_cells(listed[row["name"]], len(image["boxes"]))
        else:
            image["boxes"] = [None]
            image["class"] = row["name"].split("/")[0]
        images.append(image)
    return images


def instance_counts(truth, found):
    """What one image adds to the figures of cells one by one, from two label images."""
    areas = lambda labels: dict(zip(*np.unique(labels[labels > 0], return_counts=True)))
    true_areas, found_areas = areas(truth), areas(found)
    names, others = list(true_areas), list(found_areas)
    shared = np.array([[((truth == t) & (found == f)).sum() for f in others] for t in names]).reshape(len(names), len(others))
    sums = np.array([[true_areas[t] + found_areas[f] for f in others] for t in names]).reshape(shared.shape)
    iou = shared / np.maximum(sums - shared, 1)
    pairs = lambda weights: [(i, j) for i, j in zip(*linear_sum_assignment(-weights)) if weights[i, j] > 0]
    paired = pairs(iou)
    common = sum(int(shared[i, j]) for i, j in paired)
    neighbours = set()
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        one = truth[: truth.shape[0] - dy, max(0, -dx) : truth.shape[1] - max(0, dx)]
        other = truth[dy:, max(0, dx) : truth.shape[1] + min(0, dx)]
        touch = (one > 0) & (other > 0) & (one != other)
        neighbours |= {tuple(sorted(pair)) for pair in zip(one[touch].tolist(), other[touch].tolist())}
    touching = {name for pair in neighbours for name in pair}
    inside = [sum(2 * shared[i, j] > found_areas[f] for j, f in enumerate(others)) for i in range(len(names))]
    cover = [[j for j in range(len(others)) if 2 * shared[i, j] > true_areas[t]] for i, t in enumerate(names)]
    at = {name: i for i, name in enumerate(names)}
    missed = sum(bool(set(cover[at[a]]) & set(cover[at[b]])) for a, b in neighbours)
    single = [i for i, name in enumerate(names) if name not in touching]
    return np.array([len(names), len(others), *(len(pairs((iou >= t).astype(float))) for t in INSTANCE_IOUS),
                     (iou > 0.5).sum(), iou[iou > 0.5].sum(), common,
                     sum(true_areas.values()) + sum(found_areas.values()) - common, len(single),
                     sum(inside[i] > 1 for i in single), len(neighbours), missed, abs(len(names) - len(others))], np.float64)


def instance_figures(sums):
    truths, found, *matches, panoptic, iou, common, union, single, false_splits, pairs, missed, error = sums
    halves = (truths + found) / 2
    figures = {f"ap_{t}": m / (truths + found - m) for t, m in zip(INSTANCE_IOUS, matches)}
    return figures | {"panoptic_quality": iou / halves, "segmentation_quality": iou / panoptic,
                      "recognition_quality": panoptic / halves, "aji_plus": common / union,
                      "false_splits_per_100": 100 * false_splits / single, "missed_splits_per_100": 100 * missed / pairs,
                      "count_error": error / truths}


def match_images(images, fields):
    """Adds `hits` for each limit and `pairs` (truth, called) to each image."""
    matches = [match(images, limit) for limit in IOUS] if fields else None
    for i, image in enumerate(images):
        if fields:
            image["hits"] = [[m is not None for m in of_limit[i]] for of_limit in matches]
            named = [cell for cell, m in zip(image["cells"], matches[0][i]) if m is not None]
        else:
            named = image["cells"]
        image["pairs"] = [(image["class"], cell["class"]) for cell in named] if image["class"] else []
        image["labelled"] = len(image["boxes"]) if image["class"] else 0


class Figures:
    """All figures of any choice of images."""

    def __init__(self, images, classes, fields, identified):
        self.images, self.classes, self.fields, self.identified = images, classes, fields, identified
        index = {name: k for k, name in enumerate(classes)}
        self.confusions = np.zeros((len(images), len(classes), len(classes)), np.int64)
        for confusion, image in zip(self.confusions, images):
            for truth, called in image["pairs"]:
                confusion[index[truth], index[called]] += 1
        self.labelled = np.array([image["labelled"] for image in images])
        if fields:
            self.pixels = np.array([image["pixels"] for image in images])
            self.boundary = np.array([image["boundary"] for image in images])
            self.instances = np.array([image["instances"] for image in images])
            self.present = np.array([len(image["boxes"]) for image in images])
            self.scores = [np.array([cell["score"] for cell in image["cells"]]) for image in images]
            self.hits = [[np.array(image["hits"][k], bool) for image in images] for k in range(len(IOUS))]

    def of(self, which):
        figures = {}
        if self.fields:
            for path, value in segmentation(self.pixels[which].sum(0)).items():
                figures["segmentation", *path] = value
            figures["segmentation", "mean_bf_score"] = mean_defined(self.boundary[which])
            for name, value in instance_figures(self.instances[which].sum(0)).items():
                figures["instances", name] = value
            scores = np.concatenate([self.scores[i] for i in which])
            for k, limit in enumerate(IOUS):
                hits = np.concatenate([self.hits[k][i] for i in which])
                for name, value in detection(scores, hits, self.present[which].sum()).items():
                    figures["detection", f"iou_{limit}", name] = value
        cells = self.confusions[which].sum(0)
        right = np.float64(np.trace(cells))
        figures["classification", "accuracy"] = right / cells.sum()
        chance = (cells.sum(0) * cells.sum(1)).sum() / np.float64(cells.sum()) ** 2
        figures["classification", "kappa"] = (right / cells.sum() - chance) / (1 - chance)
        if self.identified:
            figures["classification", "identified"] = right / self.labelled[which].sum()
        classes, macro, micro = classification(cells)
        for kind, of_classes, of_macro, of_micro in zip(KINDS, classes, macro, micro):
            figures["classification", "macro", kind] = of_macro
            figures["classification", "micro", kind] = of_micro
            for name, value in zip(self.classes, of_classes):
                figures["classes", name, kind] = value
        return figures


# The bootstrap

def draws(images, replicates, seed):
    """Indices, a row a replicate: SplitMix64's upper halves scaled to the number of images."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, images * replicates + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(32)) * np.uint64(images) >> np.uint64(32)).astype(np.int64).reshape(replicates, images)


def intervals(figures, images, replicates, seed):
    drawn = [figures.of(which) for which in draws(images, replicates, seed)]
    ends = {}
    for path in drawn[0] if drawn else []:
        values = np.array([replicate[path] for replicate in drawn], np.float64)
        values = values[~np.isnan(values)]
        ends[path] = np.percentile(values, [2.5, 97.5]) if len(values) else (np.nan, np.nan)
    return ends


# The comparison

def leaves(node, path=()):
    """Every figure in eval.json: (path, {"value", "low", "high"})."""
    if isinstance(node, dict):
        if set(node) == {"value", "low", "high"}:
            yield path, node
        else:
            for key, child in node.items():
                yield from leaves(child, path + (key,))


def differs(said, value):
    if said is None or np.isnan(value):
        return (said is None) != bool(np.isnan(value))
    return not abs(said - value) <= TOLERANCE


def compare_images(images):
    wrong = []
    for image in images:
        row, pixels = image["row"], segmentation(image["pixels"])
        expected = {"global_accuracy": pixels["global_accuracy",], "mean_iou": pixels["mean_iou",],
                    "cell_iou": pixels["iou", "cell"], "bf_score": image["boundary"], "cells": len(image["boxes"]),
                    "found": len(image["cells"]), "named_right": sum(a == b for a, b in image["pairs"])}
        for limit, hits in zip(IOUS, image["hits"]):
            expected[f"found_at_iou_{limit}"] = sum(hits)
        for name, value in expected.items():
            if differs(float(row[name]) if row[name] else None, value):
                wrong.append(f"images.csv, {row['name']}, {name}: {row[name]}, expected {value}")
    return wrong


def compare(dataset, out):
    document = json.loads((out / "eval.json").read_text())
    fields = document["dataset"]["kind"] == "fields"
    images = read_images(dataset, out, document)
    match_images(images, fields)
    classes = document["classification"]["confusion"]["classes"]
    figures = Figures(images, classes, fields, "identified" in document["classification"])
    values = figures.of(np.arange(len(images)))
    ends = intervals(figures, len(images), document["bootstrap"]["replicates"], document["bootstrap"]["seed"])

    said = dict(leaves(document))
    wrong = [f"{'/'.join(path)}: not recomputed" for path in said if path not in values]
    wrong += [f"{'/'.join(path)}: not in eval.json" for path in values if path not in said]
    for path in values.keys() & said.keys():
        low, high = ends.get(path, (np.nan, np.nan))
        for name, value in [("value", values[path]), ("low", low), ("high", high)]:
            if differs(said[path][name], value):
                wrong.append(f"{'/'.join(path)}, {name}: {said[path][name]}, expected {value}")
    pairs = [pair for image in images for pair in image["pairs"]]
    wrong += check_against_sklearn([a for a, _ in pairs], [b for _, b in pairs], classes, values)
    counts = [(document["classification"]["confusion"]["counts"], figures.confusions.sum(0).tolist()),
              (document["dataset"]["cells"], sum(len(image["boxes"]) for image in images)),
              (document["dataset"]["cells_of_known_class"], int(figures.labelled.sum()))]
    if fields:
        counts.append((document["segmentation"]["confusion"]["counts"], figures.pixels.sum(0).tolist()))
        wrong += compare_images(images)
    wrong += [f"counts {said_count}, expected {count}" for said_count, count in counts if said_count != count]
    return wrong, len(images), 3 * len(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=pathlib.Path, metavar="DATASET")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--giemsa", help="the command to run")
    source.add_argument("--evaluated", type=pathlib.Path, metavar="DIR", help="what giemsa eval --out wrote")
    parser.add_argument("--options", default="", help="more options for giemsa eval")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        out = arguments.evaluated or pathlib.Path(folder)
        if arguments.giemsa:
            start = time.monotonic()
            subprocess.run([arguments.giemsa, "eval", arguments.dataset, "--out", out, "--quiet",
                            *shlex.split(arguments.options)], check=True)
            print(f"giemsa eval took {time.monotonic() - start:.1f} s")
        start = time.monotonic()
        wrong, images, numbers = compare(arguments.dataset, out)
    print("\n".join(wrong[:50]))
    print(f"{arguments.dataset}: {images} images, {numbers} values and interval ends, {len(wrong)} differ by more than "
          f"{TOLERANCE} ({time.monotonic() - start:.1f} s)")
    return int(bool(wrong) or numbers == 0 or images == 0)


if __name__ == "__main__":
    sys.exit(main())
