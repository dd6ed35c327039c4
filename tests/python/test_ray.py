"""tools/ray: two actors of which one is killed give every image exactly once, and a run that is started again only what is
missing."""

import contextlib
import io
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parent
TOOL = TESTS.parents[1] / "tools/ray"
sys.path.insert(0, str(TOOL))
os.environ.update(  # before Ray is imported: its processes inherit it
    PYTHONPATH=f"{TOOL}:{TESTS}", RAY_USAGE_STATS_ENABLED="0", RAY_worker_register_timeout_seconds="300", RAY_agent_register_timeout_ms="300000")

import pandas  # noqa: E402
import ray  # noqa: E402
from PIL import Image  # noqa: E402

import giemsa  # noqa: E402
import identify as tool  # noqa: E402
from support import SOURCE, found, python_of_readme, smear  # noqa: E402

COUNT = 20


class KilledOnce(tool.Identify):
    """Waits until there are two of its kind; then the first that gets a second batch is killed within it."""

    def __init__(self, notes, **options):
        super().__init__(**options)
        self.notes, self.batches = pathlib.Path(notes), 0
        (self.notes / f"{os.getpid()}.actor").touch()

    def __call__(self, batch):
        while len(list(self.notes.glob("*.actor"))) < 2:
            time.sleep(0.05)
        self.batches += 1
        if self.batches == 2:
            with contextlib.suppress(FileExistsError):
                (self.notes / "killed").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


class RayData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        cls.addClassCleanup(ray.shutdown)
        for attempt in range(2):
            try:
                ray.init(num_cpus=3, include_dashboard=False, logging_level="ERROR", log_to_driver=False,
                         object_store_memory=100 << 20, _temp_dir=str(cls.folder / f"ray{attempt}"))
                break
            except Exception as error:  # Ray gives its own processes 15 s to start, too few on a very busy machine
                ray.shutdown()
                if attempt == 1:
                    print(f"MESSAGE: skipped: Ray did not start: {error}", file=sys.stderr)
                    raise unittest.SkipTest("Ray did not start") from error
        ray.data.DataContext.get_current().enable_progress_bars = False

    def test_a_killed_actor_and_a_second_run(self):
        images, notes, here = self.folder / "images", self.folder / "notes", os.getcwd()
        (images / "below").mkdir(parents=True)
        notes.mkdir()
        for i in range(COUNT):
            Image.fromarray(smear()[i:200 + i, 200:400]).save(images / ("below" if i % 2 else "") / f"{i}.png")
        (images / "broken.png").write_bytes(b"no image")
        (images / "notes.txt").write_text("no image either")
        os.chdir(self.folder)
        self.addCleanup(os.chdir, here)

        tool.identify(["images"], "results", actors=2, batch=2, worker=KilledOnce, notes=str(notes), device="cpu")
        self.assertTrue((notes / "killed").exists())
        self.assertGreaterEqual(len(list(notes.glob("*.actor"))), 3)  # two, and the one that took the killed one's place
        first = self.check_table(COUNT + 1)
        self.assertEqual(list(first[~first["ok"]]["path"]), [str(images / "broken.png")])
        whole = giemsa.Engine(device="cpu")
        for _, row in first[first["ok"]].iloc[::7].iterrows():
            expected = whole.identify(giemsa.read_image(row["path"]))
            self.assertEqual([cell["class"] for cell in row["cells"]], expected.classes)
            self.assertEqual([list(cell["box"]) for cell in row["cells"]], expected.boxes.tolist())

        # The README's command on the same folders, with one more image.
        Image.fromarray(smear()).save(images / "late.png")
        before = set((self.folder / "results/images").iterdir())
        sys.argv = re.search(r"^python3 tools/ray/(identify\.py .*)$", (SOURCE / "README.md").read_text(), re.M)[1].split()
        tool.main()
        second = self.check_table(COUNT + 2)
        added = pandas.concat(map(pandas.read_parquet, set((self.folder / "results/images").iterdir()) - before))
        self.assertEqual(list(added["path"]), [str(images / "late.png")])

        shown, printed = [block for block in python_of_readme() if "results/images" in block], io.StringIO()
        self.assertEqual(len(shown), 1)
        with contextlib.redirect_stdout(printed):
            exec(compile(shown[0], "README.md", "exec"), {})
        for name in found().classes:
            self.assertIn(name, printed.getvalue())
        self.assertEqual(sum(map(len, second["cells"].dropna())),
                         sum(int(line.split()[-1]) for line in printed.getvalue().splitlines()[1:-1]))

    def check_table(self, images):
        """The table, in which every image is exactly once."""
        table = pandas.read_parquet(self.folder / "results/images")
        self.assertEqual(len(table), images)
        self.assertEqual(sorted(table["path"]), sorted(map(str, (self.folder / "images").rglob("*.png"))))
        return table
