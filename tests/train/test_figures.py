"""Statistics and drawings of a cross validation: analysis of variance, box plots, tables of raw results."""

import csv
import json
import math
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as xml

import support  # noqa: F401
from accuracy_report import Report
from anova import f_survival, incomplete_beta, one_way
from boxplot import axis_ticks, box_plot, five_numbers, quantile
from results import accuracy, class_figures, mean_and_deviation, pooled_confusion


class AnalysisOfVariance(unittest.TestCase):
    # NIST Statistical Reference Datasets, SiRstv: resistivity of silicon, five instruments.
    SIRSTV = [
        [196.3052, 196.1240, 196.1890, 196.2569, 196.3403],
        [196.3042, 196.3825, 196.1669, 196.3257, 196.0422],
        [196.1303, 196.2005, 196.2889, 196.0343, 196.1811],
        [196.2795, 196.1748, 196.1494, 196.1485, 195.9885],
        [196.2119, 196.1051, 196.1850, 196.0052, 196.2090],
    ]

    def test_certified(self):
        """Values of 7 digits around 196 lose about three of double precision's sixteen when their mean is taken away."""
        found = one_way(self.SIRSTV)
        self.assertEqual((found.groups_freedom, found.residual_freedom), (4, 20))
        for got, certified in (
            (found.between, 5.11462616000000e-02),
            (found.within, 2.16636560000000e-01),
            (found.f, 1.18046237440255),
        ):
            self.assertLess(abs(got / certified - 1), 1e-11)

    def test_by_hand(self):
        # Means 5, 9, 10 of 6 values each, overall 8: between 6 * (9 + 1 + 4) = 84, within 16 + 24 + 28 = 68.
        found = one_way([[6, 8, 4, 5, 3, 4], [8, 12, 9, 11, 6, 8], [13, 9, 11, 8, 7, 12]])
        self.assertAlmostEqual(found.between, 84)
        self.assertAlmostEqual(found.within, 68)
        self.assertAlmostEqual(found.f, 42 / (68 / 15))

    def test_probability_in_closed_form(self):
        """P(F >= f) is (1 + 2 f / n) ** (-n / 2) for 2 and n degrees of freedom, and 1 - 2/pi atan(sqrt(f)) for 1 and 1."""
        for f in (0.01, 0.5, 1, 3.68, 42):
            for n in (1, 7, 15, 400):
                self.assertLess(abs(f_survival(f, 2, n) / (1 + 2 * f / n) ** (-n / 2) - 1), 1e-10)
            self.assertLess(abs(f_survival(f, 1, 1) - (1 - 2 / math.pi * math.atan(math.sqrt(f)))), 1e-12)

    def test_beta_at_the_ends(self):
        self.assertEqual((incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)), (0, 1))
        self.assertAlmostEqual(incomplete_beta(4, 4, 0.5), 0.5, places=14)

    def test_groups_that_cannot_be_compared(self):
        for groups in ([[1, 2, 3]], [[1], [2]], [[1, 2], []]):
            with self.assertRaises(ValueError):
                one_way(groups)

    def test_no_variation_within(self):
        self.assertEqual(one_way([[1, 1], [2, 2]]).p, 0)
        self.assertTrue(math.isnan(one_way([[1, 1], [1, 1]]).f))


class BoxPlot(unittest.TestCase):
    def test_quantiles(self):
        self.assertEqual(quantile([1, 2, 3, 4], 0.25), 1.75)
        self.assertEqual(quantile([5], 0.9), 5)

    def test_whiskers_end_before_outliers(self):
        # Quartiles 3.25 and 7.75: the reach is 6.75 beyond them, and 40 lies outside.
        self.assertEqual(five_numbers([1, 2, 3, 4, 5, 6, 7, 8, 9, 40]), (1, 3.25, 5.5, 7.75, 9))

    def test_ticks_cover_the_range_in_round_steps(self):
        for found, expected in zip(axis_ticks(0.81, 0.97), [0.8, 0.85, 0.9, 0.95, 1.0]):
            self.assertAlmostEqual(found, expected)
        for low, high in ((0.5, 0.5), (-3, 17), (0, 0), (1e-4, 3e-4), (0.2, 0.99)):
            ticks = axis_ticks(low, high)
            self.assertLessEqual(ticks[0], low + 1e-12)
            self.assertGreaterEqual(ticks[-1], high - 1e-12)
            self.assertLessEqual(len(ticks), 9)

    def test_is_well_formed_and_within_the_picture(self):
        groups = [("a & b", [0.91, 0.95, 0.93, 0.4]), ("<c>", [0.9]), ("equal", [0.8, 0.8])]
        root = xml.fromstring(box_plot(groups, 'IoU "held out"', "fold", "IoU"))
        svg = "{http://www.w3.org/2000/svg}"
        self.assertEqual(root.tag, svg + "svg")
        words = [node.text for node in root.iter(svg + "text")]
        for label in ('IoU "held out"', "fold", "IoU", "a & b", "<c>", "n=4"):
            self.assertIn(label, words)
        dots = list(root.iter(svg + "circle"))
        self.assertEqual(len(dots), 7)
        for dot in dots:
            self.assertTrue(0 <= float(dot.get("cx")) <= float(root.get("width")))
            self.assertTrue(0 <= float(dot.get("cy")) <= float(root.get("height")))
        # A larger value is drawn higher up.
        self.assertLess(float(dots[1].get("cy")), float(dots[3].get("cy")))

    def test_nothing_to_draw(self):
        for groups in ([], [("a", [])]):
            with self.assertRaises(ValueError):
                box_plot(groups, "", "", "")


class Results(unittest.TestCase):
    COUNTS = [[8, 2, 0], [1, 9, 0], [0, 0, 0]]

    def test_class_figures(self):
        figures = class_figures(self.COUNTS)
        for got, expected in zip(figures[0], (8 / 9, 8 / 10, 16 / 19, 9 / 10)):
            self.assertAlmostEqual(got, expected)
        self.assertEqual(figures[2], (None, None, None, 1.0))
        self.assertAlmostEqual(accuracy(self.COUNTS), 17 / 20)

    def test_pooling(self):
        one = {"classification": {"confusion": {"classes": ["a", "b"], "counts": [[1, 2], [3, 4]]}}}
        self.assertEqual(pooled_confusion([one, one]), (["a", "b"], [[2, 4], [6, 8]]))
        other = {"classification": {"confusion": {"classes": ["b", "a"], "counts": [[1, 2], [3, 4]]}}}
        with self.assertRaises(ValueError):
            pooled_confusion([one, other])

    def test_mean_and_deviation(self):
        self.assertEqual(mean_and_deviation([0.9, None, 1.0]), "0.9500 ± 0.0707")
        self.assertEqual((mean_and_deviation([0.5]), mean_and_deviation([None])), ("0.5000", "-"))


class WholeReport(unittest.TestCase):
    """Two folds of four cells as `giemsa eval` writes them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work, self.out = pathlib.Path(folder.name) / "work", pathlib.Path(folder.name) / "out"
        for fold, counts in ((0, [[2, 0], [0, 2]]), (1, [[1, 1], [0, 2]])):
            self.add_fold(fold, counts)

    def add_fold(self, fold, counts):
        folder = self.work / "eval" / f"classifier-cells-fold{fold}"
        folder.mkdir(parents=True)
        figure = {"value": (counts[0][0] + counts[1][1]) / 4, "low": 0, "high": 1}
        evaluation = {
            "models": {"classifier": {"file": f"/secret/place/fold{fold}.safetensors"}},
            "dataset": {"folder": "/secret/cells", "cells": 4, "images": 4},
            "classification": {
                "accuracy": figure,
                "macro": dict.fromkeys(("precision", "recall", "f1", "specificity"), figure),
                "confusion": {"classes": ["a", "b"], "counts": counts},
            },
        }
        folder.with_suffix(".json").write_text(json.dumps(evaluation))
        with open(folder / "cells.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("name", "class", "p_a", "p_b", "truth_class"))
            writer.writerows(
                [
                    ("1", "a", 0.9, 0.1, "a"),
                    ("2", "ab"[counts[0][1]], 0.6, 0.4, "a"),
                    ("3", "b", 0.2, 0.8, "b"),
                    ("4", "b", 0.1, 0.9, "b"),
                ]
            )

    def test_tables_and_raw_results(self):
        Report(self.work, self.out).write()
        text = (self.out / "figures.md").read_text()
        self.assertIn("| **mean ± sd** | 8 | 0.8750 ± 0.1768 |", text)
        self.assertIn("All folds together: 0.8750 of 8 cells.", text)
        self.assertIn("| **a** | 3 | 1 | 1.0000 | 0.7500 |", text)
        self.assertIn("| probability of a cell's true class | 2 | 8 | 1, 6 |", text)
        xml.parse(self.out / "classifier-figures.svg")
        raw = json.loads((self.out / "folds/classifier-cells-fold1.json").read_text())
        self.assertEqual(raw["models"]["classifier"]["file"], "fold1.safetensors")
        self.assertEqual(len((self.out / "folds/classifier-cells.csv").read_text().splitlines()), 9)

    def test_the_machines_paths_stay_out(self):
        Report(self.work, self.out).write()
        for file in self.out.rglob("*.*"):
            self.assertNotIn("secret", file.read_text(), file.name)


if __name__ == "__main__":
    unittest.main()
