"""The package finds what the command finds, and its tables and documents say the same."""

import csv
import json
import math
import pathlib
import re
import tempfile
import unittest

import numpy as np
from PIL import Image

import giemsa
from giemsa.palette import class_color, color_of
from support import SAMPLES, SOURCE, command, engine


class AgainstCommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.out = pathlib.Path(scratch.name, "results")
        command("run", *SAMPLES, "--out", cls.out, "--geojson", "--device", "cpu", "--quiet")
        cls.cells = list(engine().identify_files(SAMPLES))

    def test_objects_of_the_images(self):
        document = json.loads((self.out / "results.json").read_text())
        for cells, expected in zip(self.cells, document["images"], strict=True):
            told = json.loads(json.dumps(cells.to_dict()))
            self.assertGreaterEqual(len(told["cells"]), 1)
            self.assertEqual(set(told["ms"]), set(expected["ms"]))
            self.assertEqual({**told, "ms": 0}, {**expected, "ms": 0})

    def test_tables(self):
        import pandas
        table = pandas.concat([cells.to_pandas() for cells in self.cells])
        with open(self.out / "cells.csv", newline="") as file:
            expected = list(csv.DictReader(file))
        self.assertEqual([*table.columns, "label_image"], list(expected[0]))
        for row, line in zip(table.to_dict("records"), expected, strict=True):
            for column, value in row.items():
                if isinstance(value, (str, bool)):
                    self.assertEqual(str(value).lower() if value in (True, False) else value, line[column])
                elif math.isnan(value):
                    self.assertEqual(line[column], "")
                else:
                    self.assertAlmostEqual(value, float(line[column]), delta=5.1e-4 if "centroid" in column else 5.1e-7)

    def test_label_images(self):
        for cells in self.cells:
            expected = Image.open(self.out / "labels" / pathlib.Path(cells.file).name)
            self.assertTrue(np.array_equal(cells.labels, np.asarray(expected)))

    def test_geojson(self):
        for cells in self.cells:
            told = json.loads(json.dumps(cells.to_geojson()))
            expected = json.loads((self.out / "geojson" / f"{pathlib.Path(cells.file).stem}.geojson").read_text())
            self.assertEqual(told["features"], expected["features"])
            self.assertEqual(told["giemsa"]["segmenter"]["sha256"], expected["giemsa"]["models"]["segmenter"]["sha256"])
            self.assertEqual(told["giemsa"]["notice"], expected["giemsa"]["notice"])

    def test_colors(self):
        text = (SOURCE / "tools/pictures/palette.h").read_text()
        colors = re.search(r"palette = \{\s*\{(.*?)\}\};", text, re.S)[1]
        expected = [tuple(map(int, color)) for color in re.findall(r"\{(\d+), (\d+), (\d+)\}", colors)]
        self.assertGreater(len(expected), 5)
        self.assertEqual([class_color(i) for i in range(len(expected))], expected)
        grey = re.search(r"no_class_color\{(\d+), (\d+), (\d+)\}", text).groups()
        for name in ("unsure", "other", None):
            self.assertEqual(color_of(name, 0), tuple(map(int, grey)))

    def test_version(self):
        self.assertIn(giemsa.__version__, command("--version"))
        self.assertTrue(giemsa.library_version.startswith(giemsa.__version__ + " "))
