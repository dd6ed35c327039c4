"""giemsa run: images good and bad, and what is written about them."""

import csv
import json
import os
import re
import struct
import unittest
import urllib.parse

from support import CLASSES, SOURCE, CommandTest, flat_png, noise_png, png_file, read_grey16_png

EVERYTHING = ["--threshold", "1e-30"]       # each pixel is a cell's
NOTHING = ["--threshold", "0.99999994"]  # no pixel is


def bmp(width, height):
    data = bytes(200 for _ in range((3 * width + 3) // 4 * 4 * height))
    return (b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) +
            struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(data), 0, 0, 0, 0) + data)


class Run(CommandTest):
    def test_image_without_cells(self):
        image = self.write("a.png", flat_png(40, 30))
        self.assertEqual(self.run_json(image, *NOTHING)["images"][0]["cells"], [])
        self.assertIn("no cells", self.giemsa("run", image, *NOTHING, code=0).out)

    def test_image_that_is_all_cell(self):
        image = self.write("a.png", flat_png(40, 30))
        for crop in ["tight", "matlab"]:
            for resolution in ["frame", "network"]:
                with self.subTest(crop=crop, resolution=resolution):
                    out = self.dir / f"{crop}-{resolution}"
                    self.giemsa("run", image, *EVERYTHING, "--crop", crop, "--mask-resolution", resolution, "--out",
                                out, "--crops", "--geojson", code=0)
                    cell, = json.loads((out / "results.json").read_text())["images"][0]["cells"]
                    self.assertEqual((cell["box"], cell["area"], cell["centroid"]), ([0, 0, 40, 30], 1200, [19.5, 14.5]))
                    self.assertEqual(read_grey16_png(out / "labels/a.png"), [(1,) * 40] * 30)
                    self.assertTrue((out / "crops" / cell["class"] / "a_1.png").exists())
                    feature, = json.loads((out / "geojson/a.geojson").read_text())["features"]
                    self.assertEqual(feature["geometry"]["coordinates"],
                                     [[[0, 0], [40, 0], [40, 30], [0, 30], [0, 0]]])

    def test_odd_sizes(self):
        for width, height in [(1, 1), (3, 500), (1500, 2), (20000, 3)]:
            image = self.write(f"{width}x{height}.png", flat_png(width, height))
            for choice, cells in [(NOTHING, 0), (EVERYTHING, 1)]:
                with self.subTest(width=width, height=height, cells=cells):
                    found = self.run_json(image, *choice, "--min-area", "1")["images"][0]
                    self.assertEqual((found["width"], found["height"]), (width, height))
                    self.assertEqual(len(found["cells"]), cells)

    def test_min_area_keeps_what_is_exactly_as_large(self):
        image = self.write("a.png", flat_png(20, 10))
        self.assertEqual(len(self.run_json(image, *EVERYTHING, "--min-area", "200")["images"][0]["cells"]), 1)
        self.assertEqual(len(self.run_json(image, *EVERYTHING, "--min-area", "201")["images"][0]["cells"]), 0)

    def test_broken_images_cost_one_line_each(self):
        jpeg = (SOURCE / "tests/io/fixtures/420.jpg").read_bytes()
        broken = {
            "text.png": b"this is no image\n",
            "cut.jpg": jpeg[:len(jpeg) // 2],
            "empty.bmp": b"",
            "cut.png": noise_png(30, 20, 1)[:-200],
            "huge.bmp": bmp(1, 1)[:18] + struct.pack("<ii", 1 << 30, 1 << 30) + bmp(1, 1)[26:],
        }
        for name, data in broken.items():
            self.write("in/" + name, data)
        os.symlink("nowhere.png", self.dir / "in/dangling.png")
        self.write("in/good.png", flat_png(30, 20))
        self.write("in/good.jpg", jpeg)
        self.write("in/good.bmp", bmp(30, 20))
        result = self.giemsa("run", self.dir / "in", self.dir / "missing.png", "--json", code=1)
        images = {os.path.basename(image["file"]): image for image in json.loads(result.out)["images"]}
        bad = {name for name, image in images.items() if not image["ok"]}
        self.assertEqual(bad, {*broken, "dangling.png", "missing.png"})
        self.assertEqual(len(result.errors), len(bad), result.err)
        for name in bad:
            self.assertIn(name, images[name]["error"])
            self.assertEqual(sum(f"/{name}:" in line for line in result.errors), 1, result.err)
        self.assertEqual({name for name in images if name not in bad}, {"good.png", "good.jpg", "good.bmp"})

    def test_nothing_to_do(self):
        (self.dir / "empty").mkdir()
        self.refused("run", self.dir / "empty", code=2, says="empty")
        self.refused("run", self.dir / "missing", "--out", self.dir / "out", code=2, says="missing")
        self.assertFalse((self.dir / "out").exists())

    def test_folder_called_like_an_image(self):
        self.write("a.png/b.png", flat_png(8, 8))
        images = self.run_json(self.dir)["images"]
        self.assertEqual([image["name"] for image in images], ["a.png/b"])

    def test_too_many_pixels(self):
        image = self.write("a.png", flat_png(30, 20))
        self.refused("run", image, "--quiet", "--max-pixels", "599", code=1, says="a.png")
        self.giemsa("run", image, "--max-pixels", "600", code=0)

    def test_file_names_are_bytes(self):
        name = os.fsencode(self.dir) + b"/odd \xff,\"\n\x1b[31m.png"
        with open(name, "wb") as file:
            file.write(flat_png(8, 8))
        out = self.dir / "out"
        result = self.giemsa("run", name, "--out", out, *EVERYTHING, "--min-area", "1", code=0)
        self.assertNotIn("\x1b", result.out + result.err)
        document = json.loads((out / "results.json").read_text())
        self.assertIn("odd \\xff,\"\n\x1b[31m", document["images"][0]["file"])
        with open(out / "cells.csv", newline="", encoding="utf-8") as file:
            row, = csv.DictReader(file)
        self.assertEqual(row["file"], document["images"][0]["file"])
        self.assertTrue((out / row["label_image"]).exists())

    def test_names_that_are_not_utf8(self):
        (self.dir / "in").mkdir()
        for name in [b"a", b"na\xefve", b"na\xe8ve"]:
            with open(os.fsencode(self.dir) + b"/in/" + name + b".png", "wb") as file:
                file.write(flat_png(8, 8))
        with open(os.fsencode(self.dir) + b"/in/b\xff.png", "wb") as file:
            file.write(b"broken")
        out = self.dir / "out"
        self.giemsa("run", self.dir / "in", "--out", out, code=1)
        images = json.loads((out / "results.json").read_text())["images"]
        self.assertEqual(len({image["name"] for image in images}), 4)
        for table in ["cells.csv", "images.csv"]:
            (out / table).read_bytes().decode("utf-8")
        for image in images:
            self.assertEqual((out / f"labels/{image['name']}.png").exists(), image["ok"])

    def test_names_as_long_as_names_can_be(self):
        for name in ["a", "m" * 251, "m" * 250 + "n", "z"]:
            self.write(f"in/{name}.png", flat_png(8, 8))
        out = self.dir / "out"
        options = [*EVERYTHING, "--min-area", "1", "--crops", "--geojson", "--out", out]
        self.giemsa("run", self.dir / "in", *options, code=0)
        for kind in ["labels", "overlays", "geojson", "crops"]:
            self.assertEqual(sum(file.is_file() for file in (out / kind).rglob("*")), 4, kind)
        self.giemsa("run", self.dir / "in", *options, "--resume", code=0)

    def test_names_that_spreadsheets_would_compute(self):
        for name in ["=1+1", "000"]:
            self.write(f"{name}.png", flat_png(8, 8))
        out = self.dir / "out"
        self.giemsa("run", self.dir / "=1+1.png", self.dir / "000.png", "--out", out, code=0)
        with open(out / "images.csv", newline="") as file:
            rows = {row["label_image"]: row["name"] for row in csv.DictReader(file)}
        self.assertEqual(rows, {"labels/=1+1.png": "'=1+1", "labels/000.png": "000"})

    def test_what_is_left_out_is_said(self):
        self.write("in/a.png", flat_png(8, 8))
        for i in range(3):
            self.write(f"in/{i}.tif", b"x")
        self.write("in/notes.txt", b"x")
        os.symlink(self.dir, self.dir / "in/link")
        result = self.giemsa("run", self.dir / "in", "--out", self.dir / "out", code=0)
        self.assertIn("4 files of other types left out: 3 .tif, 1 .txt", result.err)
        self.assertIn("1 linked folder not followed", result.err)
        document = json.loads((self.dir / "out/results.json").read_text())
        self.assertEqual(document["left_out"]["types"], {".tif": 3, ".txt": 1})
        self.assertIn("3 .tif", (self.dir / "out/report.html").read_text())

    def test_a_warning_of_the_decoder_is_passed_on(self):
        rows = b"".join(b"\0" + struct.pack(">8H", *[4095] * 8) for _ in range(8))
        image = self.write("a.png", png_file(struct.pack(">IIBBBBB", 8, 8, 16, 0, 0, 0, 0), rows))
        result = self.giemsa("run", image, "--out", self.dir / "out", code=0)
        self.assertIn("a.png: its 16-bit samples reach only 4095", result.err)
        document = json.loads((self.dir / "out/results.json").read_text())
        self.assertIn("12-bit", document["images"][0]["warning"])

    def test_out_writes_what_json_says(self):
        self.write("in/a.png", noise_png(60, 50, 1))
        self.write("in/sub/a.png", noise_png(50, 60, 2))
        self.write("in/bad.png", b"bad")
        out = self.dir / "in/out"  # below an input: must not become one when it is run again
        options = ["--min-area", "3", "--out", out, "--quiet", "--json"]
        for _ in range(2):
            result = self.giemsa("run", self.dir / "in", *options, code=1)
        document = json.loads(result.out)
        self.assertEqual(document, json.loads((out / "results.json").read_text()))
        self.assertEqual([image["name"] for image in document["images"]], ["a", "bad", "sub/a"])
        self.assertEqual((document["schema"], document["settings"]["min_area"]), (1, 3))
        for role in ["segmenter", "classifier"]:
            self.assertRegex(document["models"][role]["sha256"], "^[0-9a-f]{64}$")
        self.assertIn("Research use only", document["notice"])

        with open(out / "cells.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        with open(out / "images.csv", newline="") as file:
            counts = {row["name"]: row for row in csv.DictReader(file)}
        cells = [(image, cell) for image in document["images"] for cell in image["cells"]]
        self.assertGreater(len(cells), 1)
        report = (out / "report.html").read_text()
        self.assertIn(f"{len(cells)} white cells in 3 images", report)
        self.assertIn(str(self.dir / "in/bad.png"), report)
        links = re.findall(r'href="([^"]+)"', report)
        self.assertGreater(len(links), 1)
        for link in links:
            self.assertTrue((out / urllib.parse.unquote(link)).exists(), link)
        self.assertEqual(len(rows), len(cells))
        for row, (image, cell) in zip(rows, cells):
            self.assertEqual((row["file"], int(row["cell"]), row["class"]), (image["file"], cell["id"], cell["class"]))
            self.assertEqual([int(row[key]) for key in "xywh"], cell["box"])
            self.assertEqual({name: float(row["p_" + name]) for name in CLASSES}, cell["probabilities"])
            self.assertAlmostEqual(sum(cell["probabilities"].values()), 1, delta=len(CLASSES) * 0.5e-6)
            self.assertEqual(max(cell["probabilities"], key=cell["probabilities"].get), cell["class"])
        for image in document["images"]:
            row = counts[image["name"]]
            self.assertEqual(row["ok"], "true" if image["ok"] else "false")
            for name in CLASSES:
                self.assertEqual(int(row[name]), sum(cell["class"] == name for cell in image["cells"]))
            if image["ok"]:
                self.check_labels(out / f"labels/{image['name']}.png", image)
                self.assertTrue((out / f"overlays/{image['name']}.png").exists())

    def test_out_beside_the_images(self):
        self.write("a.png", flat_png(30, 20))
        for _ in range(2):
            images = self.run_json(self.dir, "--out", self.dir)["images"]
            self.assertEqual([image["name"] for image in images], ["a"])

    def check_labels(self, file, image):
        """The label image's pixels give each cell's area, box and centroid."""
        pixels = {}
        for y, row in enumerate(read_grey16_png(file)):
            for x, label in enumerate(row):
                pixels.setdefault(label, []).append((x, y))
        pixels.pop(0, None)
        self.assertEqual(sorted(pixels), [cell["id"] for cell in image["cells"]])
        for cell in image["cells"]:
            xs, ys = zip(*pixels[cell["id"]])
            self.assertEqual(cell["area"], len(xs))
            self.assertEqual(cell["box"], [min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1])
            self.assertAlmostEqual(cell["centroid"][0], sum(xs) / len(xs), delta=0.5e-3 + 1e-9)
            self.assertAlmostEqual(cell["centroid"][1], sum(ys) / len(ys), delta=0.5e-3 + 1e-9)

    def test_output_cannot_be_written(self):
        image = self.write("a.png", flat_png(30, 20))
        blocked = self.write("file", b"")
        self.refused("run", image, "--out", blocked, code=5, says="file")
        self.write("out/labels", b"in the way")
        self.refused("run", image, "--quiet", "--out", self.dir / "out", code=5, says="labels")

    def test_stdout_that_cannot_be_written(self):
        image = self.write("a.png", flat_png(30, 20))
        with open("/dev/full", "wb") as full, self.popen("run", image, stdout=full) as process:
            err = process.communicate()[1].decode()
        self.assertEqual(process.returncode, 5)
        self.assertIn("giemsa: error: standard output", err)

    def test_quiet(self):
        image = self.write("a.png", flat_png(30, 20))
        result = self.giemsa("run", image, "--quiet", "--out", self.dir / "out", code=0)
        self.assertEqual((result.out, result.err), ("", ""))
        result = self.giemsa("run", image, "--quiet", code=0)
        self.assertIn("a.png", result.out)
        self.assertEqual(result.err, "")


if __name__ == "__main__":
    unittest.main()
