"""A run that is killed and resumed gives what an undisturbed run gives."""

import json
import random
import shutil
import signal
import time
import unittest

from support import CommandTest, flat_png, noise_png

OPTIONS = ["--min-area", "3", "--crops", "--geojson", "--quiet"]


def contents(folder):
    """All result files; what tells the time of day is taken out."""
    files = {}
    for file in folder.rglob("*"):
        name = file.relative_to(folder).as_posix()
        if not file.is_file() or name.startswith(".giemsa/"):
            continue
        data = file.read_bytes()
        if name == "results.json":
            document = json.loads(data)
            for image in document["images"]:
                image["ms"] = sorted(image["ms"])
            data = document
        elif name == "images.csv":
            parts = [line.rsplit(b",", 6) for line in data.splitlines()]  # ..., five times, label_image
            data = [(before, label_image) for before, *_, label_image in parts]
        elif name == "report.html":
            before, times = data.split(b"<h2>Time for an image</h2>")
            data = before + times[times.index(b"<h2>What was run</h2>"):]
        files[name] = data
    return files


def wait_until(condition):
    limit = time.monotonic() + 60
    while not condition() and time.monotonic() < limit:
        time.sleep(0.005)


class Resume(CommandTest):
    def test_kill_and_resume_equals_a_clean_run(self):
        images = self.dir / "in"
        for i in range(24):
            self.write(f"in/{i:02}.png", noise_png(64, 48, i) if i % 7 else b"broken")
        start = time.monotonic()
        self.giemsa("run", images, "--out", self.dir / "clean", *OPTIONS, code=1)
        duration = time.monotonic() - start
        clean = contents(self.dir / "clean")
        self.assertGreater(len(clean), 24)

        generator = random.Random(5)
        killed = 0
        for trial in range(4):
            out = self.dir / f"out{trial}"
            for _ in range(3):
                with self.popen("run", images, "--out", out, "--resume", *OPTIONS) as process:
                    time.sleep(generator.uniform(0, duration))
                    process.kill()
                    process.communicate()
                killed += process.returncode == -9
            self.giemsa("run", images, "--out", out, "--resume", *OPTIONS, code=1)
            self.assertEqual(contents(out), clean)
        self.assertGreater(killed, 0)

    def test_finished_images_are_not_computed_again(self):
        self.write("in/a.png", noise_png(64, 48, 1))
        self.write("in/b.png", noise_png(64, 48, 2))
        out = self.dir / "out"
        run = ["run", self.dir / "in", "--out", out, *OPTIONS]
        self.giemsa(*run, code=0)
        before = (out / "labels/a.png").stat().st_mtime_ns
        self.write("in/b.png", noise_png(48, 64, 3))
        self.giemsa(*run, "--resume", code=0)
        self.assertEqual((out / "labels/a.png").stat().st_mtime_ns, before)
        images = json.loads((out / "results.json").read_text())["images"]
        self.assertEqual([(image["width"], image["height"]) for image in images], [(64, 48), (48, 64)])
        (out / "labels/a.png").unlink()
        self.giemsa(*run, "--resume", code=0)
        self.assertTrue((out / "labels/a.png").exists())

    def test_other_settings_are_not_mixed(self):
        image = self.write("a.png", flat_png(30, 20))
        out = self.dir / "out"
        self.giemsa("run", image, "--out", out, code=0)
        self.refused("run", image, "--out", out, "--resume", "--min-area", "7", code=2, says="settings/min_area: 200 then, 7 now")
        self.refused("run", image, "--out", out, "--resume", "--split", "distance", code=2,
                     says='settings/split: "none" then, "distance" now')
        self.giemsa("run", image, "--out", out, "--min-area", "7", code=0)  # without --resume it begins again

    def test_a_run_that_cannot_begin_leaves_the_earlier_tables(self):
        image = self.write("a.png", flat_png(30, 20))
        out = self.dir / "out"
        self.giemsa("run", image, "--out", out, code=0)
        before = contents(out)
        self.giemsa("run", image, "--out", out, "--segmenter", image, code=3)
        self.giemsa("run", self.dir / "missing.png", "--out", out, code=2)
        self.giemsa("run", image, "--out", out, "--resume", "--min-area", "7", code=2)
        self.assertEqual(contents(out), before)
        (out / "labels/a.png").unlink()
        (out / "labels").rmdir()
        (out / "labels").write_bytes(b"in the way")
        self.refused("run", image, "--out", out, code=5, says="labels")
        del before["labels/a.png"]
        self.assertEqual(contents(out), {**before, "labels": b"in the way"})

    def test_results_json_means_complete(self):
        for i in range(12):
            self.write(f"in/{i:02}.png", noise_png(64, 48, i))
        out = self.dir / "out"
        self.giemsa("run", self.dir / "in", "--out", out, *OPTIONS, code=0)
        with self.popen("run", self.dir / "in", "--out", out, *OPTIONS) as process:
            wait_until(lambda: (out / "labels").is_dir() and len(list((out / "labels").iterdir())) < 12 or
                       process.poll() is not None)
            process.kill()
        if process.returncode == -9:
            self.assertFalse((out / "results.json").exists())

    def test_every_kind_of_output_is_looked_at(self):
        image = self.write("a.png", noise_png(64, 48, 1))
        out = self.dir / "out"
        run = ["run", image, "--out", out, *OPTIONS]
        self.giemsa(*run, code=0)
        before = contents(out)
        for kind in ["labels", "overlays", "crops", "geojson"]:
            with self.subTest(kind):
                shutil.rmtree(out / kind)
                self.giemsa(*run, "--resume", code=0)
                self.assertEqual(contents(out), before)
        (out / "overlays/a.png").write_bytes(b"")  # as a power cut may leave it
        self.giemsa(*run, "--resume", code=0)
        self.assertEqual(contents(out), before)

    def test_an_interrupted_run_leaves_tables_of_what_is_done(self):
        for i in range(40):
            self.write(f"in/{i:02}.png", noise_png(64, 48, i))
        out = self.dir / "out"
        with self.popen("run", self.dir / "in", "--out", out, *OPTIONS) as process:
            wait_until(lambda: len(list(out.glob("labels/*.png"))) >= 3 or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            err = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("--resume", err)
        document = json.loads((out / "results.json").read_text())
        self.assertFalse(document["complete"])
        done = len(document["images"])
        self.assertIn(f"stopped after {done} of 40 images", err)
        self.assertEqual(len(list(out.glob("labels/*.png"))), done)
        self.assertIn("interrupted", (out / "report.html").read_text())
        self.giemsa("run", self.dir / "in", "--out", out, *OPTIONS, "--resume", code=0)
        self.giemsa("run", self.dir / "in", "--out", self.dir / "clean", *OPTIONS, code=0)
        self.assertEqual(contents(out), contents(self.dir / "clean"))


if __name__ == "__main__":
    unittest.main()
