"""The folder of results: what is a person's stays, what is a run's is replaced, and two runs never mix."""

import json
import unittest

from support import CommandTest, flat_png, noise_png

OPTIONS = ["--min-area", "3", "--quiet"]
EVERYTHING = ["--threshold", "1e-30", "--min-area", "1"]


def files_in(folder):
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


class Folder(CommandTest):
    def test_files_of_a_person_are_never_replaced(self):
        image = self.write("a.png", flat_png(30, 20))
        for name in ["results.json", "report.html", "cells.csv", "images.csv", "patients.csv", "labels/a.png", "labels/other.png",
                     "overlays/sub/x.txt", "crops/lymphocyte/a_1.png", "geojson/a.geojson", "labels", "crops"]:
            with self.subTest(name):
                out = self.dir / f"out-{name.replace('/', '-')}"
                own = self.write(f"{out.name}/{name}", b"mine")
                self.refused("run", image, "--out", out, "--crops", "--geojson", code=5, says=name)
                self.assertEqual(own.read_bytes(), b"mine")
                self.assertEqual(files_in(out), {name})

    def test_files_that_a_run_does_not_need_to_touch_do_no_harm(self):
        image = self.write("a.png", flat_png(30, 20))
        for name in ["notes.txt", "crops/a.png", "geojson/x", "labels.csv"]:
            self.write(f"out/{name}", b"mine")
        self.giemsa("run", image, "--out", self.dir / "out", code=0)
        self.giemsa("run", image, "--out", self.dir / "out", code=0)
        for name in ["notes.txt", "crops/a.png", "geojson/x", "labels.csv"]:
            self.assertEqual((self.dir / "out" / name).read_bytes(), b"mine")

    def test_a_file_put_among_results_later_is_a_persons(self):
        image = self.write("a.png", flat_png(30, 20))
        out = self.dir / "out"
        self.giemsa("run", image, "--out", out, code=0)
        own = self.write("out/labels/corrected.png", b"mine")
        self.refused("run", image, "--out", out, code=5, says="corrected.png")
        self.assertEqual(own.read_bytes(), b"mine")

    def test_nothing_of_an_earlier_run_stays(self):
        self.write("in/a.png", noise_png(60, 50, 1))
        self.write("in/b.png", noise_png(60, 50, 2))
        out = self.dir / "out"
        for first, second in [([self.dir / "in", "--crops", "--geojson"], [self.dir / "in", "--crops", "--threshold", "1e-30"]),
                              ([self.dir / "in", "--crops", "--geojson"], [self.dir / "in/a.png", "--geojson"])]:
            self.giemsa("run", *first, "--out", out, *OPTIONS, code=0)
            (out / "labels/.giemsa-1-1").write_bytes(b"a killed run's")
            self.giemsa("run", *second, "--out", out, *OPTIONS, code=0)
            clean = self.dir / "clean"
            self.giemsa("run", *second, "--out", clean, *OPTIONS, code=0)
            self.assertEqual(files_in(out), files_in(clean))

    def test_a_resumed_run_takes_away_what_no_image_has_any_more(self):
        self.write("in/a.png", noise_png(60, 50, 1))
        gone = self.write("in/b.png", noise_png(60, 50, 2))
        out = self.dir / "out"
        run = ["run", self.dir / "in", "--out", out, "--crops", *OPTIONS]
        self.giemsa(*run, code=0)
        gone.unlink()
        self.giemsa(*run, "--resume", code=0)
        self.assertFalse([name for name in files_in(out) if "/b" in name])
        self.assertTrue((out / "labels/a.png").exists())

    def test_earlier_results_are_no_images(self):
        self.write("in/a.png", noise_png(60, 50, 1))
        for out in ["in/first", "in/sub/second", "in"]:
            result = self.giemsa("run", self.dir / "in", "--out", self.dir / out, "--crops", *EVERYTHING, code=0)
            document = json.loads((self.dir / out / "results.json").read_text())
            self.assertEqual([image["name"] for image in document["images"]], ["a"])
        self.assertIn("of earlier results left out", result.err)
        self.assertGreater(document["left_out"]["earlier_results"], 3)
        again = self.run_json(self.dir / "in/first/overlays")["images"]  # asked for by name
        self.assertEqual([image["name"] for image in again], ["a"])

    def test_a_persons_pictures_stay_images(self):
        self.write("data/crops/u1.png", flat_png(30, 20))
        self.write("data/x.png", flat_png(30, 20))
        for _ in range(3):
            images = self.run_json(self.dir / "data", "--out", self.dir / "data")["images"]
            self.assertEqual([image["name"] for image in images], ["crops/u1", "x"])

    def test_a_second_run_is_refused_while_the_first_is_at_work(self):
        for i in range(30):
            self.write(f"in/{i:02}.png", noise_png(64, 48, i))
        out = self.dir / "out"
        with self.popen("run", self.dir / "in", "--out", out, *OPTIONS) as first:
            while not list(out.glob("labels/*.png")) and first.poll() is None:
                pass
            self.refused("run", self.dir / "in", "--out", out, *OPTIONS, code=5, says="another run is at work")
            first.kill()
        self.giemsa("run", self.dir / "in", "--out", out, *OPTIONS, code=0)  # a kill gives the lock up


if __name__ == "__main__":
    unittest.main()
