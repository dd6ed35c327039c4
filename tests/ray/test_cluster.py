"""tools/ray on clusters of this machine: two actors, some of which are killed.

Environment: GIEMSA_EXE, the command, whose tables ours are held to; tools/ray and tests/python are on PYTHONPATH.
"""

import contextlib
import csv
import glob
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import archive_files
import giemsa
import identify_archive
import pyarrow.parquet
import ray
from archive_blocks import IMAGE_TRIES, WHOLE_TRIES, cut
from PIL import Image
from support import SOURCE, command, python_of_readme

PROGRAM = SOURCE / "tools/ray/identify_archive.py"
BLOCK_SIZE = 4
PATIENCE = 240  # seconds; a busy machine takes long to start Ray


def state_of(pid):
    """Parent and start time of a process, None where it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (int(fields[1]), fields[19])


def descendants(pid):
    """Processes below this one, by number, with the time at which each started."""
    states = {int(name): state_of(name) for name in os.listdir("/proc") if name.isdigit()}
    found, new = {}, {pid}
    while new:
        new = {child for child, state in states.items() if state and state[0] in new}
        found |= {child: states[child][1] for child in new}
    return found


class Run:
    """The program under way. Its processes are noted as they come."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.started = {}

    def watch(self, step):
        """Calls step() until the program ends. Returns its exit code and what it printed."""
        limit = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > limit:
                self.process.kill()
                raise AssertionError(f"not done after {PATIENCE} s: {self.process.communicate()[0]}")
            self.started |= descendants(self.process.pid)
            step()
            time.sleep(0.02)
        return self.process.returncode, self.process.communicate()[0]

    def left(self):
        """Processes that stay after the program's end. Ray's agents take 61 s to see that it was killed."""
        limit = time.monotonic() + 120
        while True:
            alive = [pid for pid, start in self.started.items() if (state := state_of(pid)) and state[1] == start]
            if not alive or time.monotonic() > limit:
                return alive
            time.sleep(0.1)


def run(*arguments):
    """The exit code of the program and what it printed."""
    return Run(*arguments).watch(lambda: None)


def run_here(*arguments):
    """The same in this process, which is connected to a cluster."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(printed):
        try:
            code = identify_archive.main(list(map(str, arguments)))
        except SystemExit as wrong_usage:
            code = wrong_usage.code
    return code, printed.getvalue()


def table(out, name):
    return pyarrow.parquet.read_table(f"{out}/{name}", partitioning=None)


def tries(out):
    """The notes of the blocks that are being computed."""
    for name in glob.glob(f"{out}/tries/*.json"):
        with contextlib.suppress(FileNotFoundError):
            yield pathlib.Path(name).stem, json.loads(pathlib.Path(name).read_text())


class Archive(unittest.TestCase):
    """24 images, and what a plain Engine finds in them."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(os.path.realpath(scratch.name))
        cls.images = cls.scratch / "archive"
        cls.images.mkdir()
        for sample in sorted((SOURCE / "tools/samples/images").glob("*.png")):
            with Image.open(sample) as image:
                for i, (x, y) in enumerate(((0, 0), (320, 0), (0, 240), (320, 240))):
                    image.crop((x, y, x + 320, y + 240)).save(cls.images / f"{sample.stem}-{i}.png")
        engine = giemsa.Engine(device="cpu", threads=1)
        cls.found = {str(path): engine.identify(giemsa.read_image(path)) for path in sorted(cls.images.iterdir())}
        assert len(cls.found) == 24 and sum(map(len, cls.found.values())) > 5

    def check_good_images(self, out):
        """That each is there once, with the cells that the engine found."""
        rows = [row for row in table(out, "images").to_pylist() if row["ok"]]
        self.assertEqual(sorted(row["file"] for row in rows), sorted(self.found))
        cells = table(out, "cells").to_pylist()
        self.assertEqual(len(cells), sum(map(len, self.found.values())))
        for row in rows:
            found = self.found[row["file"]]
            self.assertEqual((row["width"], row["height"], row["name"]), (320, 240, pathlib.Path(row["file"]).stem))
            self.assertEqual({name: row[name] for name in found.counts()}, found.counts())
            expected = found.to_pandas().drop(columns=["file", "name", "area_um2"]).to_dict("records")
            self.assertEqual([{name: cell[name] for name in expected[0]} for cell in cells if cell["file"] == row["file"]]
                             if expected else [], expected)


class OwnCluster(Archive):
    """Each run starts Ray on this machine, and ends it."""

    def test_actors_are_killed(self):
        """One while it computes a block, and every one that touches a certain image: a pipe, at which it waits."""
        out, elsewhere = self.scratch / "killed", self.scratch / "elsewhere"
        elsewhere.mkdir()
        broken, empty, missing, poison = (str(elsewhere / name) for name in ("broken.png", "empty.png", "gone.png", "poison.png"))
        pathlib.Path(broken).write_bytes(next(self.images.iterdir()).read_bytes()[:3000])
        pathlib.Path(empty).touch()
        os.mkfifo(poison)
        listed = self.scratch / "list.txt"
        listed.write_text("\n".join((broken, empty, missing, poison)))
        blocks = cut(sorted((*self.found, broken, empty, missing, poison)), BLOCK_SIZE)
        poisoned, = (block.id for block in blocks if poison in block.files)
        killed = {}

        def kill():
            for block_id, now in tries(out):
                key = (block_id, now["starts"])
                hit = now["under_way"] == poison or now["starts"] <= WHOLE_TRIES
                others = [key for key in killed if key[0] != poisoned]
                if key not in killed and (hit if block_id == poisoned else not others):
                    killed[key] = pid = int(now["process"].rpartition(":")[2])
                    os.kill(pid, signal.SIGKILL)

        program = Run(self.images, "--list", listed, "--out", out, "--actors", 2, "--block-size", BLOCK_SIZE)
        code, printed = program.watch(kill)
        self.assertEqual(code, 1, printed)
        self.assertEqual(program.left(), [])
        self.assertEqual(len(killed), 1 + WHOLE_TRIES + IMAGE_TRIES, killed)
        self.check_good_images(out)
        failed = {row["file"]: row for row in table(out, "images").to_pylist() if not row["ok"]}
        self.assertEqual(sorted(failed), [broken, empty, missing, poison])
        for file, says in ((broken, "truncated"), (empty, "not an image"), (missing, "No such file"),
                           (poison, f"{IMAGE_TRIES} processes died")):
            self.assertIn(says, failed[file]["error"])
            self.assertIn(failed[file]["error"], printed)
            self.assertEqual(failed[file]["sha256"] is None, file in (missing, poison))
        self.assertIn("28 images, 4 failed", printed)
        self.assertEqual(archive_files.names_in(str(out / "tries")), [])

    def test_the_driver_is_killed(self):
        out = self.scratch / "driver"
        arguments = (self.images, "--out", out, "--actors", 2, "--block-size", 2)
        program = Run(*arguments)
        first = {}

        def kill():
            for path in (out / "images").glob("*.parquet"):
                first[path] = path.stat().st_mtime_ns
                program.process.kill()

        program.watch(kill)
        self.assertLess(len(list((out / "images").glob("*.parquet"))), 12)
        code, printed = run(*arguments)
        self.assertEqual(code, 0, printed)
        self.assertEqual({path: path.stat().st_mtime_ns for path in first}, first)
        self.check_good_images(out)
        self.assertEqual(program.left(), [])


class SharedCluster(Archive):
    """Ray runs already, as on a cluster."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(os.chdir, os.getcwd())
        os.chdir(cls.scratch)  # where Ray's processes work too
        context = ray.init(include_dashboard=False, num_cpus=3, object_store_memory=100_000_000, log_to_driver=False)
        cls.addClassCleanup(ray.shutdown)
        cls.out = cls.scratch / "results"
        cls.arguments = ("--out", cls.out, "--actors", 2, "--block-size", BLOCK_SIZE)
        code, printed = run(cls.images, *cls.arguments, "--address", context.address_info["gcs_address"])
        assert code == 0, printed

    def files(self):
        return {path: path.stat().st_mtime_ns for path in self.out.rglob("*") if path.is_file()}

    def test_results(self):
        self.check_good_images(self.out)

    def test_columns_are_the_commands(self):
        image = next(iter(self.found))
        command("run", image, "--out", self.scratch / "command", "--device", "cpu", "--quiet")
        with open(self.scratch / "command/cells.csv", newline="") as file:
            self.assertEqual([*table(self.out, "cells").column_names, "label_image"], next(csv.reader(file)))
        with open(self.scratch / "command/images.csv", newline="") as file:
            expected, = csv.DictReader(file)
        ours, = (row for row in table(self.out, "images").to_pylist() if row["file"] == image)
        self.assertEqual([name for name in ours if name != "sha256"], [name for name in expected if name != "label_image"])
        for name in ("name", "width", "height", "cells", "error", *self.found[image].counts()):
            self.assertEqual(str(ours[name] or ""), expected[name].removeprefix("0"), name)

    def test_a_second_run_does_nothing(self):
        before = self.files()
        code, printed = run_here(self.images, *self.arguments)
        self.assertEqual(code, 0, printed)
        self.assertIn("24 of them done; 0 blocks", printed)
        self.assertEqual(self.files(), before)

    def test_other_settings_are_refused(self):
        before = self.files()
        code, printed = run_here(self.images, *self.arguments, "--min-area", 3)
        self.assertEqual(code, 2, printed)
        self.assertIn("options.min_area was 200 and is now 3", printed)
        self.assertEqual(self.files(), before)

    def test_what_cannot_be_used(self):
        for options, expected, says in ((("--segmenter", "/nowhere.safetensors"), 3, "nowhere.safetensors"),
                                        (("--num-gpus", 1), 4, "0 GPU"), (("--threshold", 2), 2, "threshold is 2"),
                                        (("--actors", 0), 2, "--actors is 0")):
            with self.subTest(options):
                out = self.scratch / "none"
                code, printed = run_here(self.images, "--out", out, *options)
                self.assertEqual(code, expected, printed)
                self.assertIn(says, printed)
                self.assertFalse(out.exists())

    def test_a_grown_archive_and_failures_tried_again(self):
        image = next(self.images.iterdir())
        grown, out = self.scratch / "grown", self.scratch / "grown-results"
        grown.mkdir()
        shutil.copy(image, grown / "b.png")
        (grown / "c.png").write_bytes(b"")
        arguments = (grown, "--out", out)
        self.assertEqual(run_here(*arguments)[0], 1)
        shutil.copy(image, grown / "a.png")
        shutil.copy(image, grown / "c.png")
        code, printed = run_here(*arguments)
        self.assertEqual(code, 1, printed)
        self.assertIn("3 images, 2 of them done", printed)
        code, printed = run_here(*arguments, "--retry-failed")
        self.assertEqual(code, 0, printed)
        self.assertIn("3 images, 1 of them done", printed)
        self.assertEqual(sorted(row["name"] for row in table(out, "images").to_pylist()), ["a", "b", "c"])
        self.assertEqual(len(table(out, "cells")), 3 * len(self.found[str(image)]))

    def test_the_projects_readme(self):
        block, = (block for block in python_of_readme() if "identify_archive" in block)
        shutil.copytree(self.images, "fields")
        (self.scratch / "fields/broken.png").write_bytes(b"no image")
        names = {}
        exec(compile(block, "README.md", "exec"), names)
        images = {pathlib.Path(row["file"]).name: row for row in names["images"].take_all()}
        self.assertEqual(len(images), 25)
        self.assertIn("not an image", images.pop("broken.png")["error"])
        for path, found in self.found.items():
            self.assertEqual([cell["class"] for cell in images[pathlib.Path(path).name]["found"]], found.classes)
        self.assertEqual(len(table("cells", "")), sum(map(len, self.found.values())))

    def test_paths_alone_are_read(self):
        paths = [str(path) for path in list(self.images.iterdir())[:2]]
        rows = identify_archive.identify(ray.data.from_items([{"path": path} for path in paths]), actors=1,
                                         options={"min_probability": 1.0}).take_all()
        self.assertEqual({row["file"] for row in rows}, set(paths))
        self.assertEqual({cell["class"] for row in rows for cell in row["found"]} - {"unsure"}, set())


class Remote(unittest.TestCase):
    """pyarrow's file systems, by the one that it keeps in memory."""

    def test_files(self):
        folder = "mock://host/results"
        name = archive_files.join(folder, "images", "a b#1.parquet")
        self.assertFalse(archive_files.exists(name))
        self.assertEqual(archive_files.names_in(folder), [])
        archive_files.write(name, b"one")
        archive_files.write(name, b"two")
        self.assertEqual(archive_files.read(name), b"two")
        self.assertEqual(archive_files.names_in(archive_files.join(folder, "images")), ["a b#1.parquet"])
        archive_files.remove(name)
        archive_files.remove(name)
        self.assertFalse(archive_files.exists(name))
        self.assertIsNone(archive_files.lock(folder))

    def test_images(self):
        for name in ("b/2.png", "1.PNG", "notes.txt", ".hidden/3.png"):
            archive_files.write(f"mock://archive/images/{name}", b"")
        found = archive_files.find_images(["mock://archive/images"], [], (".png",))
        self.assertEqual(found, ["mock://archive/images/1.PNG", "mock://archive/images/b/2.png"])
        self.assertEqual(archive_files.find_images(["mock://archive/images/notes.txt"], [], (".png",)),
                         ["mock://archive/images/notes.txt"])
        with self.assertRaises(archive_files.InputError):
            archive_files.find_images(["mock://archive/nowhere"], [], (".png",))


if __name__ == "__main__":
    unittest.main()
