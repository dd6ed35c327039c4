"""giemsa adapt: a profile from corrected cells, and what runs and evaluations do with it."""

import csv
import json
import unittest

from support import CLASSES, CLASSIFIER, SOURCE, CommandTest, png

COLOURS = [(40, 30, 90), (200, 60, 60), (90, 90, 220), (150, 150, 150), (230, 180, 200)]
EVERYTHING = ["--threshold", "1e-30"]  # each pixel is a cell's


class Adapt(CommandTest):
    def setUp(self):
        super().setUp()
        self.profile = self.dir / "lab.json"
        rows = []
        for i in range(20):  # each class has a colour of its own
            kind = i % len(CLASSES)
            red, green, blue = COLOURS[kind]
            self.write(f"images/{i}.png", png(48, 40, lambda x, y: (red + x % 7, green + y % 5, (blue + i + x) % 256)))
            rows.append(["images/%d.png" % i, CLASSES[kind], 4, 4, 40, 32])
        self.labels = self.table("labels.csv", ["file", "class", "x", "y", "w", "h"], rows)

    def table(self, name, head, rows):
        with open(self.dir / name, "w", newline="") as file:
            csv.writer(file).writerows([head, *rows])
        return self.dir / name

    def adapt(self, *arguments, labels=None, out=None):
        return self.giemsa("adapt", self.dir / "images", "--labels", labels or self.labels, "-o", out or self.profile,
                           *arguments, code=0)

    def test_cells_are_named_better(self):
        said = self.adapt().out
        before, after = [int(line.split(": ")[1].split(" of ")[0]) for line in said.splitlines()[1:3]]
        self.assertIn("20 cells in 20 images (basophil 4,", said)
        self.assertLess(before, 12)
        self.assertGreater(after, 16)
        found = self.run_json(self.dir / "images", *EVERYTHING, "--profile", self.profile)
        self.assertEqual(found["settings"]["profile"]["file"], str(self.profile))
        self.assertEqual(len(found["settings"]["profile"]["sha256"]), 64)
        names = [image["cells"][0]["class"] for image in found["images"]]
        truth = [CLASSES[int(image["name"]) % len(CLASSES)] for image in found["images"]]
        self.assertGreater(sum(map(str.__eq__, names, truth)), 16)
        self.assertIsNone(self.run_json(self.dir / "images/1.png", "--stain", "none")["settings"]["profile"])

    def test_the_same_cells_give_the_same_file(self):
        self.adapt()
        again = self.dir / "again.json"
        self.adapt("--threads", "3", "--quiet", out=again)
        self.assertEqual(self.profile.read_bytes(), again.read_bytes())

    def test_a_runs_own_table_and_geojson_come_back_as_corrections(self):
        out = self.dir / "results"
        self.giemsa("run", self.dir / "images", *EVERYTHING, "--out", out, "--geojson", code=0)
        self.assertIn("20 cells in 20 images", self.adapt(labels=out / "cells.csv").out)
        by_table = self.profile.read_bytes()
        self.assertIn("20 cells in 20 images", self.adapt(labels=out / "geojson").out)
        self.assertEqual(by_table, self.profile.read_bytes())

    def test_cells_are_looked_for_where_the_table_has_no_boxes(self):
        labels = self.table("short.csv", ["image", "class"], [[str(i), CLASSES[i % 5]] for i in range(20)])
        self.assertIn("20 cells in 20 images", self.adapt(*EVERYTHING, labels=labels).out)
        numbers = self.table("n.csv", ["image", "cell", "class"], [[i, 1 if i else 9, CLASSES[i % 5]] for i in range(20)])
        said = self.adapt(*EVERYTHING, labels=numbers).out
        self.assertIn("19 cells in 19 images", said)
        self.assertIn("1 labelled cell left out", said)

    def test_evaluation_leaves_out_what_the_profile_has_seen(self):
        for i in range(20):
            self.write(f"crops/{CLASSES[i % 5]}/{i}.png", (self.dir / f"images/{i}.png").read_bytes())
        with open(self.labels, newline="") as file:
            rows = list(csv.reader(file))
        self.adapt(labels=self.table("ten.csv", rows[0], rows[1:11]))
        found = json.loads(self.giemsa("eval", self.dir / "crops", "--profile", self.profile, "--json", code=0).out)
        self.assertEqual(found["adaptation"]["images_left_out"], 10)
        self.assertEqual(found["adaptation"]["cells"], 10)
        self.assertEqual(found["dataset"]["images"], 10)
        counts = found["classification"]["confusion"]["counts"]
        self.assertEqual(sum(counts[i][i] for i in range(5)), found["adaptation"]["right_with"])
        plain = json.loads(self.giemsa("eval", self.dir / "crops", "--json", code=0).out)
        self.assertNotIn("adaptation", plain)
        text = self.giemsa("eval", self.dir / "crops", "--profile", self.profile, code=0).out
        self.assertIn("10 images that it was made from left out", text)
        self.adapt()
        self.refused("eval", self.dir / "crops", "--profile", self.profile, code=2, says="made from all of its images")

    def test_a_profile_is_part_of_what_a_resumed_run_must_not_change(self):
        self.adapt()
        out = self.dir / "results"
        self.giemsa("run", self.dir / "images", "--out", out, "--profile", self.profile, code=0)
        self.giemsa("run", self.dir / "images", "--out", out, "--resume", "--profile", self.profile, code=0)
        self.refused("run", self.dir / "images", "--out", out, "--resume", code=2, says="differs in profile")

    def test_what_cannot_be_used(self):
        self.adapt()
        other = self.dir / "other.safetensors"
        self.giemsa("convert", SOURCE / "tests/golden/resnet18/checkpoint.pt", "--arch", "resnet", "--preset",
                    "torchvision", "--classes", ",".join(CLASSES), "-o", other, code=0)
        image = self.dir / "images/1.png"
        self.refused("run", image, "--classifier", other, "--profile", self.profile, code=2,
                     says="was made for another classifier")
        self.refused("run", image, "--stain", "auto", code=2, says="by giemsa adapt")
        self.refused("run", image, "--profile", self.labels, code=2, says="is not JSON")
        self.refused("run", image, "--profile", self.dir / "none", code=2, says="none")
        head = ["file", "class", "x", "y", "w", "h"]
        for rows, says in [
            ([["images/1.png", "blast", 4, 4, 9, 9]], "'blast' is none of the classes: " + ",".join(CLASSES)),
            ([["images/1.png", "monocyte", 40, 4, 9, 9]], "is not within an image of 48x40"),
            ([["images/1.png", "monocyte", 4, 4, 9, 9]], "labelled cells in 1 image, at least two are needed"),
        ]:
            labels = self.table("bad.csv", head, rows)
            self.refused("adapt", self.dir / "images", "--labels", labels, "-o", self.dir / "no.json", "--quiet", code=2, says=says)
        self.assertFalse((self.dir / "no.json").exists())
        self.refused("adapt", self.dir / "images", "-o", self.dir / "no.json", code=2, says="--labels")


if __name__ == "__main__":
    unittest.main()
