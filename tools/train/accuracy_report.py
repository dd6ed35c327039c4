#!/usr/bin/env python3
"""Makes tables, box plots and raw results of a cross validation, from what cross_validate left in its work folder.

accuracy_report.py runs/ --out bench/results/accuracy/
"""

import argparse
import csv
import json
import pathlib

from anova import one_way
from boxplot import box_plot
from folds import FOLDS
from results import (
    accuracy,
    by_fold,
    class_figures,
    mean_and_deviation,
    pooled_confusion,
    read_evaluations,
    read_table,
    value,
)

SEGMENTER_FIGURES = [
    ("global accuracy", ("segmentation", "global_accuracy")),
    ("mean accuracy", ("segmentation", "mean_accuracy")),
    ("mean IoU", ("segmentation", "mean_iou")),
    ("weighted IoU", ("segmentation", "weighted_iou")),
    ("cell IoU", ("segmentation", "iou", "cell")),
    ("mean BF", ("segmentation", "mean_bf_score")),
    ("AP@0.5", ("detection", "iou_0.5", "average_precision")),
    ("AP@0.7", ("detection", "iou_0.7", "average_precision")),
    ("precision@0.5", ("detection", "iou_0.5", "precision")),
    ("recall@0.5", ("detection", "iou_0.5", "recall")),
]
CLASSIFIER_FIGURES = [("accuracy", ("classification", "accuracy"))] + [
    (f"macro {name}", ("classification", "macro", name)) for name in ("precision", "recall", "f1", "specificity")
]
ACCURACY = ("classification", "accuracy")


def cell(number):
    return "-" if number is None else f"{number:.4f}"


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines) + "\n"


def fold_table(folds, figures, counted):
    """A row a fold, and mean and deviation below."""
    rows = [[fold, one["dataset"][counted]] + [cell(value(one, path)) for _, path in figures] for fold, one in folds.items()]
    summary = [mean_and_deviation([value(one, path) for one in folds.values()]) for _, path in figures]
    total = sum(one["dataset"][counted] for one in folds.values())
    return table(["fold", counted] + [name for name, _ in figures], rows + [["**mean ± sd**", total] + summary])


def confusion_tables(folds):
    classes, counts = pooled_confusion(list(folds.values()))
    rows = [
        [f"**{name}**", *row] + [cell(x) for x in figures]
        for name, row, figures in zip(classes, counts, class_figures(counts))
    ]
    return f"All folds together: {accuracy(counts):.4f} of {sum(map(sum, counts))} cells.\n\n" + table(
        ["truth \\ called", *classes, "precision", "recall", "F1", "specificity"], rows
    )


def images_by_fold(work, folds, name):
    """[(fold, rows of images.csv that went well)]"""
    return [
        (fold, [row for row in read_table(work, f"{name}-fold{fold}", "images") if row["ok"] == "true"]) for fold in folds
    ]


def true_class_probabilities(work, folds, name):
    """[(fold, [(cell, truth, called, probability given to the truth)])] of the cells whose class is known."""
    found = []
    for fold in folds:
        rows = [row for row in read_table(work, f"{name}-fold{fold}", "cells") if row["truth_class"]]
        found.append(
            (fold, [(row["name"], row["truth_class"], row["class"], float(row["p_" + row["truth_class"]])) for row in rows])
        )
    return found


def anova_row(what, groups):
    if len(groups) < 2:
        return [what, len(groups), sum(map(len, groups)), "-", "-", "-"]
    a = one_way(groups)
    return [
        what,
        len(groups),
        sum(map(len, groups)),
        f"{a.groups_freedom}, {a.residual_freedom}",
        f"{a.f:.3f}",
        f"{a.p:.3g}",
    ]


class Report:
    def __init__(self, work, out):
        self.work, self.out = work, out
        self.evaluations = read_evaluations(work)
        self.segmenter = by_fold(self.evaluations, "segmenter-fields")
        self.cells = by_fold(self.evaluations, "classifier-cells")
        self.fields = by_fold(self.evaluations, "classifier-fields")
        self.anova, self.plots = [], []

    def plot(self, name, groups, title, x_label, y_label):
        (self.out / f"{name}.svg").write_text(box_plot(groups, title, x_label, y_label), encoding="utf-8")
        self.plots.append(f"![{title}]({name}.svg)\n\n")

    def statistics(self):
        """Draws, and compares the folds' means: of each image's IoU, and of what each cell's true class was given."""
        if self.segmenter:
            images = images_by_fold(self.work, self.segmenter, "segmenter-fields")
            groups = [(f"fold {fold}", [float(row["cell_iou"]) for row in rows if row["cell_iou"]]) for fold, rows in images]
            self.plot("segmenter-iou", groups, "IoU of white cells on held-out fields", "one dot a field", "IoU")
            self.anova.append(anova_row("IoU of white cells in a field", [group for _, group in groups]))
        if self.cells:
            cells = true_class_probabilities(self.work, self.cells, "classifier-cells")
            groups = [[probability for *_, probability in rows] for _, rows in cells]
            self.anova.append(anova_row("probability of a cell's true class", groups))
            names = [name for name, _ in CLASSIFIER_FIGURES]
            figures = [[value(one, path) for one in self.cells.values()] for _, path in CLASSIFIER_FIGURES]
            drawn = [(name, [x for x in group if x is not None]) for name, group in zip(names, figures)]
            self.plot("classifier-figures", drawn, "Classification of held-out cells", "one dot a fold", "")
            classes, _ = pooled_confusion(list(self.cells.values()))
            by_class = [(kind, [p for _, rows in cells for _, truth, _, p in rows if truth == kind]) for kind in classes]
            self.plot(
                "classifier-probability",
                [(kind[:10], group) for kind, group in by_class if group],
                "Probability given to the true class",
                "one dot a held-out cell",
                "probability",
            )

    def beside_the_paper(self):
        over = lambda folds, path: mean_and_deviation([value(one, path) for one in folds.values()]) if folds else "-"
        count = lambda folds: f"{len(folds)} of {FOLDS}"
        rows = [
            [
                "average precision of localisation, IoU 0.7",
                "0.9842",
                over(self.segmenter, ("detection", "iou_0.7", "average_precision")),
                f"fields, {count(self.segmenter)} folds",
            ],
            [
                "classification accuracy, five classes",
                "0.9887 ± 0.01",
                over(self.cells, ACCURACY),
                f"single cells, {count(self.cells)} folds",
            ],
            ["", "", over(self.fields, ACCURACY), f"cells of fields, {count(self.fields)} folds"],
        ]
        both = {fold: one for fold, one in self.segmenter.items() if "fold" in one["models"]["classifier"]["file"]}
        rows.append(["", "", over(both, ACCURACY), f"cells of fields, neither network saw the field, {count(both)} folds"])
        return table(["", "paper", "here, mean ± sd over folds", "on"], rows)

    def unseen(self):
        figures = [SEGMENTER_FIGURES[i] for i in (2, 4, 5, 6, 7, 8, 9)] + [("accuracy", ACCURACY)]
        rows = []
        for name, one in self.evaluations.items():
            if name.startswith(("shipped-", "final-", "fold")):
                rows.append(
                    [one["dataset"]["folder"], name.partition("-")[0], one["dataset"]["images"]]
                    + [cell(value(one, path)) for _, path in figures]
                )
        return table(["data", "networks", "images"] + [name for name, _ in figures], sorted(rows)) if rows else ""

    def trainings(self):
        """What each training was, from its own log."""
        rows = []
        for settings_file in sorted(self.work.glob("*/*/settings.json")):
            settings = json.loads(settings_file.read_text(encoding="utf-8"))
            with open(settings_file.with_name("log.csv"), newline="", encoding="utf-8") as file:
                log = list(csv.DictReader(file))
            samples = settings.get("fields", sum(settings.get("cells", [])))
            rows.append(
                [
                    f"{settings['network']}/{settings_file.parent.name}",
                    settings["recipe"],
                    samples,
                    settings["epochs"],
                    settings["batch"],
                    settings["seed"],
                    f"{sum(float(row['cpu_seconds']) for row in log):.0f}",
                    f"{sum(float(row['seconds']) for row in log):.0f}",
                    log[-1]["loss"],
                ]
            )
        return table(["training", "recipe", "samples", "epochs", "batch", "seed", "CPU s", "s", "last loss"], rows)

    def save_raw(self):
        folder = self.out / "folds"
        folder.mkdir(exist_ok=True)
        for name, evaluation in self.evaluations.items():
            (folder / f"{name}.json").write_text(json.dumps(evaluation, indent=1) + "\n", encoding="utf-8")
        columns = (
            "fold",
            "name",
            "cell_iou",
            "mean_iou",
            "bf_score",
            "cells",
            "found",
            "found_at_iou_0.5",
            "found_at_iou_0.7",
        )
        with open(folder / "segmenter-fields-images.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for fold, rows in images_by_fold(self.work, self.segmenter, "segmenter-fields"):
                writer.writerows([fold] + [row[key] for key in columns[1:]] for row in rows)
        with open(folder / "classifier-cells.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("fold", "name", "truth", "called", "probability_of_truth"))
            for fold, rows in true_class_probabilities(self.work, self.cells, "classifier-cells"):
                writer.writerows((fold, *row) for row in rows)

    def write(self):
        self.out.mkdir(parents=True, exist_ok=True)
        self.statistics()
        text = "# Figures of the cross validation\n\nMade by `tools/train/accuracy_report.py`. "
        text += "How they came about is in [README.md](README.md).\n\n"
        text += "## Beside the paper\n\n" + self.beside_the_paper()
        if self.segmenter:
            text += "## Segmenter, on each fold's held-out fields\n\n" + fold_table(
                self.segmenter, SEGMENTER_FIGURES, "images"
            )
        if self.cells:
            text += "## Classifier, on each fold's held-out single cells\n\n" + fold_table(
                self.cells, CLASSIFIER_FIGURES, "cells"
            )
            text += confusion_tables(self.cells)
        if self.fields:
            text += "## Classifier, on each fold's held-out fields\n\n" + fold_table(
                self.fields, CLASSIFIER_FIGURES, "cells_of_known_class"
            )
            text += confusion_tables(self.fields)
        text += "## Data that nothing was trained on\n\n" + self.unseen()
        text += (
            "## Do the folds differ?\n\nOne-way analysis of variance, groups are the folds.\n\n"
            + table(["", "folds", "values", "degrees of freedom", "F", "p"], self.anova)
            + "".join(self.plots)
        )
        text += "## Trainings\n\n" + self.trainings()
        (self.out / "figures.md").write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        self.save_raw()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    Report(options.work, options.out).write()


if __name__ == "__main__":
    main()
