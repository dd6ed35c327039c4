"""What bench/frameworks holds contestants to: limits on logits and labels, who reaches the finals, what the tables say."""

import math
import pathlib
import sys
import unittest
from array import array

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "frameworks"))
import contest
import images
import report
import verify

SEGMENT = contest.Case("segmenter", "seg", 4, 3, 1, 2)
CLASSIFY = contest.Case("classifier", "cls", 8, 8, 1, 40)


class Limits(unittest.TestCase):
    def test_error_is_relative_to_the_largest_logit(self):
        reference = array("f", [0.0, -4.0, 2.0])
        self.assertEqual(verify.relative_error(array("f", [0.0, -4.0, 2.5]), reference), 0.125)
        self.assertEqual(verify.relative_error(reference, reference), 0)

    def test_what_is_not_finite_or_of_another_size_never_passes(self):
        reference = array("f", [1.0, 2.0])
        for logits in ([1.0, math.nan], [math.inf, 2.0], [math.inf, -math.inf], [1.0], [1.0, 2.0, 3.0]):
            with self.subTest(logits):
                self.assertEqual(verify.relative_error(array("f", logits), reference), math.inf)

    def test_labels_are_the_largest_logits(self):
        two = array("f", [0, 9, 1, 1, 5, 1, 0, 0, 9, 3, 7, 8])  # two samples of two classes and three pixels
        self.assertEqual(list(verify.labels(two, 2, 3)), [1, 0, 0, 1, 1, 0])
        three = array("f", [0, 5, 2, 6, 1, 6])
        self.assertEqual(list(verify.labels(three, 1, 2)), [1, 1])
        self.assertEqual(list(verify.labels(three, 2, 1)), [1, 0])

    def test_contour_pixels(self):
        self.assertEqual(verify.contour_pixels(bytes(12), 4), 0)
        # A cell in the middle: itself and its four neighbours.
        self.assertEqual(verify.contour_pixels(bytes([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), 4), 5)
        # Halves: two columns of three touch.
        self.assertEqual(verify.contour_pixels(bytes([0, 0, 1, 1] * 3), 4), 6)
        # A row's last pixel and the next one's first are no neighbours.
        self.assertEqual(verify.contour_pixels(bytes([0, 0, 0, 0, 1, 1, 1, 1]), 4), 8)
        self.assertEqual(verify.contour_pixels(bytes([0, 0, 0, 1] + [0, 0, 0, 1]), 4), 4)

    def test_how_many_labels_may_differ(self):
        halves = bytes([0, 0, 1, 1] * 3)
        self.assertEqual(verify.labels_free_to_differ(halves + bytes(12), SEGMENT, 0), 3)
        self.assertEqual(verify.labels_free_to_differ(bytes(40), CLASSIFY, 0.03), 2)
        self.assertEqual(verify.labels_free_to_differ(bytes(40), CLASSIFY, 0.0), 0)

    def test_mean_iou(self):
        self.assertEqual(verify.mean_iou(bytes([0, 1, 1, 0]), bytes([0, 1, 1, 0])), 1)
        self.assertAlmostEqual(verify.mean_iou(bytes([0, 1, 0, 0]), bytes([0, 1, 1, 0])), (2 / 3 + 1 / 2) / 2)


class Masks(unittest.TestCase):
    def test_a_quarter_of_full_is_cell(self):
        model = pathlib.Path(__file__).resolve().parents[2] / "weights/pretrained/deeplabv3plus_resnet50_wbc.safetensors"
        pixels = array("f", [(level / 255 - 0.485) / 0.229 for level in (0, 60, 70, 128, 255)])
        self.assertEqual(list(images.mask_labels(pixels, model)), [0, 0, 1, 1, 1])


def row(peer, precision, ms, verified=True, name=None):
    return {"peer": peer, "name": name or f"{peer} 1.0 fast", "precision": precision, "ours": peer == "Giemsa", "verified": verified,
            "heat_ms": ms, "rounds": [[ms, ms, ms], [2 * ms, 2 * ms, 2 * ms]], "error": 0.0, "agreement": 1.0, "resident_mb": 1,
            "peak_mb": 1, "load_ms": 1}


class Tables(unittest.TestCase):
    def test_finals_are_for_each_peers_best_of_each_class(self):
        rows = [row("Giemsa", "fp32", 50), row("A", "fp32", 10), row("A", "fp32", 10.9), row("A", "fp32", 11.1), row("A", "bf16", 9),
                row("A", "int8", 5), row("A", "int8", 8),
                row("B", "fp32", 1, verified=False), row("B", "fp32", 70)]
        stay = [entry for _, entry in contest.in_reach([(None, entry) for entry in rows], 1.1)]
        self.assertEqual(stay, [rows[0], rows[1], rows[2], rows[4], rows[5], rows[8]])

    def case(self, rows):
        case = {"title": "T", "network": "classifier", "inputs": "1", "held_out": 1, "reference": "R", "free": 0, "turns": 1, "disturbed": 0,
                "rows": rows}
        report.summarize(case)
        return case

    def test_ratios_are_against_our_best(self):
        case = self.case([row("Giemsa", "fp32", 10), row("Giemsa", "bf16", 5), row("Giemsa", "int8", 4), row("A", "fp32", 8),
                          row("A", "bf16", 8), row("A", "int8", 2, verified=False)])
        self.assertEqual([entry["ratio"] for entry in case["rows"]], [1, 1.25, 1, 0.8, 2, 0.5])
        text = report.summary({"cases": [case]})
        self.assertIn("| T | 10.00 (fp32) | **0.80** (fast) | A 1.0 fast fp32, 8.00 ms |", text)
        self.assertIn("| T | 5.00 (bf16) | 1.60 (fast bf16) | Giemsa 1.0 fast bf16, 5.00 ms |", text)
        self.assertIn("| T | 4.00 (int8) | - | Giemsa 1.0 fast int8, 4.00 ms |", text)
        self.assertIn("| T | 4.00 (int8) | 2.00 (fast bf16) | Giemsa 1.0 fast int8, 4.00 ms |", text)

    def test_a_precision_that_we_lack_is_measured_against_the_fastest_that_we_have(self):
        case = self.case([row("Giemsa", "fp32", 10), row("Giemsa", "bf16", 5), row("A", "int8", 4)])
        self.assertEqual(case["rows"][2]["ratio"], 0.8)
        text = report.summary({"cases": [case]})
        self.assertIn("| T | - | - | A 1.0 fast int8, 4.00 ms |", text)
        self.assertIn("| T | 5.00 (bf16) | **0.80** (fast int8) | A 1.0 fast int8, 4.00 ms |", text)

    def test_what_is_wrong_or_missing_stays_visible(self):
        late = row("A", "fp32", 99)
        del late["rounds"]
        wrong = row("B", "fp32", 2, verified=False)
        del wrong["rounds"]
        absent = {"peer": "C", "name": "C 1.0 fast", "precision": "int8", "ours": False, "failure": "no such operator"}
        text = report.case_text(self.case([row("Giemsa", "fp32", 10), late, wrong, absent]))
        for part in ("A 1.0 fast fp32 99.0 ms", "B 1.0 fast fp32", "beyond tolerance", "no such operator"):
            self.assertIn(part, text)

    def test_percentiles_were_measured(self):
        self.assertEqual([report.percentile([4, 1, 3, 2], percent) for percent in (50, 90, 99)], [2, 4, 4])


if __name__ == "__main__":
    unittest.main()
