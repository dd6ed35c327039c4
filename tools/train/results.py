"""Reads what cross_validate left in its work folder. Free of torch."""

import csv
import json
import pathlib
import re
import statistics


def read_evaluations(work):
    """{name: eval.json}, without the paths of the machine that made it."""
    found = {}
    for file in sorted((pathlib.Path(work) / "eval").glob("*.json")):
        evaluation = json.loads(file.read_text(encoding="utf-8"))
        for model in evaluation["models"].values():
            model["file"] = pathlib.Path(model["file"]).name
        evaluation["dataset"]["folder"] = pathlib.Path(evaluation["dataset"]["folder"]).name
        found[file.stem] = evaluation
    return found


def by_fold(evaluations, prefix):
    """{fold: evaluation} of those called PREFIX-foldN, in the order of the folds."""
    matches = ((re.fullmatch(rf"{prefix}-fold(\d+)", name), one) for name, one in evaluations.items())
    return dict(sorted((int(match[1]), one) for match, one in matches if match))


def value(evaluation, path):
    """The figure at "segmentation.mean_iou"; keys with a point in them are written in full. None where it is undefined."""
    node = evaluation
    for key in path:
        node = node[key]
    return node["value"]


def mean_and_deviation(values):
    """ "0.912 ± 0.021": mean and sample standard deviation over folds."""
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    mean = statistics.fmean(values)
    return f"{mean:.4f} ± {statistics.stdev(values):.4f}" if len(values) > 1 else f"{mean:.4f}"


def read_table(work, name, table):
    """Rows of eval/NAME/TABLE.csv."""
    with open(pathlib.Path(work) / "eval" / name / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pooled_confusion(evaluations):
    """(classes, summed counts) over folds: rows are the truth."""
    matrices = [one["classification"]["confusion"] for one in evaluations]
    classes = matrices[0]["classes"]
    if any(matrix["classes"] != classes for matrix in matrices):
        raise ValueError("the folds' classes differ")
    size = range(len(classes))
    return classes, [[sum(matrix["counts"][i][j] for matrix in matrices) for j in size] for i in size]


def class_figures(counts):
    """[(precision, recall, F1, specificity)] of each class of a confusion matrix; None where it is undefined."""
    total = sum(map(sum, counts))
    figures = []
    for i, row in enumerate(counts):
        hit, truth, called = row[i], sum(row), sum(other[i] for other in counts)
        precision = hit / called if called else None
        recall = hit / truth if truth else None
        f1 = 2 * hit / (truth + called) if truth + called else None
        specificity = (total - truth - called + hit) / (total - truth) if total > truth else None
        figures.append((precision, recall, f1, specificity))
    return figures


def accuracy(counts):
    return sum(row[i] for i, row in enumerate(counts)) / sum(map(sum, counts))
