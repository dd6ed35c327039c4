"""giemsa eval: labelled folders good and bad, and what is written about them."""

import csv
import json
import unittest

from support import CLASSES, SEGMENTER, CommandTest, flat_png, png

EVERYTHING = ["--threshold", "1e-30"]    # each pixel is a cell's
NOTHING = ["--threshold", "0.99999994"]  # no pixel is
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


class Eval(CommandTest):
    def write_fields(self, labels="image,classes,fold\na,neutrophil,0\nb,monocyte,1\n"):
        """a.png is all cell, the left three quarters of b.png are."""
        for name, cell in [("a", lambda x, y: WHITE), ("b", lambda x, y: WHITE if x < 30 else BLACK)]:
            self.write(f"fields/images/{name}.png", flat_png(40, 30))
            self.write(f"fields/masks/{name}.png", png(40, 30, cell))
        self.write("fields/labels.csv", labels.encode())
        return self.dir / "fields"

    def write_crops(self):
        for name in ["monocyte/1", "monocyte/2", "blast/1"]:
            self.write(f"crops/{name}.png", flat_png(40, 30))
        return self.dir / "crops"

    def eval_json(self, *arguments, code=0):
        return json.loads(self.giemsa("eval", "--json", "--replicates", "20", *arguments, code=code).out)

    def test_fields(self):
        fields, out = self.write_fields(), self.dir / "out"
        found = self.eval_json(fields, *EVERYTHING, "--out", out)
        self.assertEqual(found["dataset"]["images"], 2)
        self.assertEqual(found["segmentation"]["confusion"]["counts"], [[0, 300], [0, 2100]])
        self.assertAlmostEqual(found["segmentation"]["iou"]["cell"]["value"], 2100 / 2400)
        self.assertEqual(found["detection"]["iou_0.7"]["average_precision"]["value"], 1)
        self.assertEqual(found["classification"]["confusion"]["classes"], CLASSES)
        self.assertEqual(sum(map(sum, found["classification"]["confusion"]["counts"])), 2)
        self.assertEqual(json.loads((out / "eval.json").read_text()), found)
        self.assertTrue((out / "masks/a.png").exists())
        self.assertIn("Evaluation of", (out / "eval.html").read_text())
        with open(out / "images.csv", newline="") as file:
            self.assertEqual([row["cell_iou"] for row in csv.DictReader(file)], ["1", "0.75"])
        with open(out / "cells.csv", newline="") as file:
            self.assertEqual([row["truth_class"] for row in csv.DictReader(file)], ["neutrophil", "monocyte"])

    def test_differential(self):
        for patient in ["a", "b"]:
            self.write(f"smears/{patient}/1.png", flat_png(40, 30))
        results = self.dir / "results"
        self.giemsa("run", self.dir / "smears", "--out", results, *EVERYTHING, code=0)
        with open(results / "patients.csv", newline="") as file:
            self.assertEqual([(row["patient"], row["images"], row["cells"]) for row in csv.DictReader(file)],
                             [("a", "1", "1"), ("b", "1", "1")])
        reference = self.write("counted.csv", f"patient,{','.join(CLASSES)}\na,0,0,40,0,60\nb,0,0,50,0,50\n".encode())
        found = json.loads(self.giemsa("eval", results, "--differential", reference, "--json", code=0).out)
        self.assertEqual(found["patients"], ["a", "b"])
        self.assertAlmostEqual(found["classes"]["neutrophil"]["reference_mean"], 55)
        self.assertIn("limits of agreement", self.giemsa("eval", results, "--differential", reference, code=0).out)
        self.refused("eval", results, "--differential", reference, "--out", self.dir / "x", code=2, says="--out")
        self.refused("eval", results, "--differential", self.dir / "none.csv", code=2, says="none.csv: cannot be read")

    def test_nothing_found(self):
        found = self.eval_json(self.write_fields(), *NOTHING)
        self.assertEqual(found["detection"]["iou_0.5"]["recall"]["value"], 0)
        self.assertIsNone(found["detection"]["iou_0.5"]["precision"]["value"])
        self.assertEqual(found["classification"]["identified"]["value"], 0)
        self.assertIsNone(found["classification"]["accuracy"]["value"])

    def test_folds_and_limit(self):
        fields = self.write_fields()
        one = self.eval_json(fields, *EVERYTHING, "--fold", "1")
        self.assertEqual((one["dataset"]["images"], one["dataset"]["selection"]), (1, "fold 1"))
        self.assertEqual(one["segmentation"]["iou"]["cell"]["value"], 0.75)
        self.assertEqual(self.eval_json(fields, "--folds", "0,1")["dataset"]["images"], 2)
        self.assertEqual(self.eval_json(fields, "--limit", "1")["dataset"]["images"], 1)

    def test_class_folders(self):
        crops = self.write_crops()
        whole = self.eval_json(crops)
        self.assertEqual(whole["dataset"]["classes_unknown_to_classifier"], ["blast"])
        self.assertEqual(whole["classes"]["blast"]["recall"]["value"], 0)
        self.assertEqual(sum(map(sum, whole["classification"]["confusion"]["counts"])), 3)
        self.assertNotIn("segmentation", whole)
        found = self.eval_json(crops, "--cells", "found", *EVERYTHING)
        self.assertEqual(found["classification"]["confusion"], whole["classification"]["confusion"])
        missed = self.eval_json(crops, "--cells", "found", *NOTHING)
        self.assertEqual(missed["classification"]["identified"]["value"], 0)

    def test_same_figures_every_time(self):
        fields, documents = self.write_fields(), []
        for _ in range(2):
            documents.append(self.eval_json(fields, *EVERYTHING))
            del documents[-1]["seconds"]
        self.assertEqual(*documents)

    def test_table_and_quiet(self):
        fields = self.write_fields()
        self.assertIn("mean iou", self.giemsa("eval", fields, code=0).out)
        quiet = self.giemsa("eval", fields, "--quiet", "--out", self.dir / "out", code=0)
        self.assertEqual((quiet.out, quiet.err), ("", ""))

    def test_images_that_fail_are_named_and_the_others_done(self):
        fields = self.write_fields("image,classes,fold\na,neutrophil,0\nb,monocyte,1\nc,monocyte,1\nd,,\n")
        self.write("fields/images/d.png", flat_png(40, 30))
        self.write("fields/masks/d.png", flat_png(30, 40))
        (fields / "masks/b.png").unlink()
        result = self.giemsa("eval", fields, "--json", *EVERYTHING, code=1)
        self.assertEqual(len(result.errors), 3, result.err)
        for line, says in zip(result.errors, ["no mask", "not there", "30x40"]):
            self.assertIn(says, line)
        found = json.loads(result.out)
        self.assertEqual((found["dataset"]["images"], found["dataset"]["failed"]), (4, 3))
        self.assertEqual(found["segmentation"]["iou"]["cell"]["value"], 1)

        crops = self.write_crops()
        self.write("crops/blast/2.png", b"no image")
        self.assertEqual(self.eval_json(crops, code=1)["dataset"]["failed"], 1)

    def test_mistakes(self):
        fields, crops = self.write_fields(), self.write_crops()
        (self.dir / "empty").mkdir()
        for arguments, code, says in [
            ([], 2, "DATASET"),
            ([self.dir / "missing"], 2, "no such folder"),
            ([self.dir / "empty"], 2, "no data set"),
            ([fields, "--fold", "7"], 2, "fold 7"),
            ([fields, "--fold", "x"], 2, "--fold"),
            ([fields, "--limit", "0"], 2, "--limit"),
            ([fields, "--cells", "found"], 2, "--cells"),
            ([crops, "--cells", "half"], 2, "whole"),
            ([crops, "--fold", "0"], 2, "fold 0"),
            ([fields, "--replicates", "-1"], 2, "--replicates"),
            ([fields, "--segment-size", "large"], 2, "--segment-size"),
            ([fields, "--segmenter", self.dir / "none"], 3, "none"),
            ([crops, "--classifier", self.models / SEGMENTER], 3, "expected a classifier"),
            ([fields, "--out", fields / "labels.csv"], 5, "labels.csv"),
        ]:
            with self.subTest(arguments):
                self.refused("eval", *arguments, code=code, says=says)

    def test_every_option_is_explained(self):
        text = self.giemsa("eval", "--help", code=0).out
        for option in ["--segmenter", "--classifier", "--device", "--precision", "--threads", "--segment-size",
                       "--threshold", "--min-area", "--split", "--crop", "--fold", "--limit", "--cells", "--out", "--replicates",
                       "--seed", "--json", "--quiet"]:
            self.assertIn(option, text)

    def test_images_beside_labels_csv_are_noted(self):
        fields = self.write_fields("image\na\n")
        self.assertIn("labels.csv does not name, left out: 1", self.giemsa("eval", fields, code=0).err)


if __name__ == "__main__":
    unittest.main()
