"""bench/interleaved, with stand-ins for two builds of giemsa."""

import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
STAND_IN = """\
#!{python}
import json, pathlib, sys
turns = pathlib.Path({folder!r}, "turns")
turns.open("a").write({name!r})
round = len(turns.read_text()) // 2  # counted in runs of both
mood = 1 + round % 5 / 10  # what the machine does to both alike
rows = [{{"name": name, "values": [{ms} * mood, {ms} * mood * 1.5, {ms} * mood * 0.5]}} for name in ["total", "first_call"]]
assert sys.argv[1:4] == ["bench", "--json", "--quiet"] and sys.argv[-2:] == ["--net", "alexnet"], sys.argv
print(json.dumps({{"rows": rows, "machine": {{"cores_busy_with_others": {others}}}}}))
raise SystemExit({status})
"""


class Interleaved(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="giemsa-interleaved-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def build(self, name, ms, others="0.02", status=0):
        file = self.folder / name
        values = {"python": sys.executable, "folder": str(self.folder), "name": name[0], "ms": ms}
        file.write_text(textwrap.dedent(STAND_IN).format(**values, others=others, status=status))
        file.chmod(0o755)
        return file

    def compare(self, old, new, *more, code=0):
        (self.folder / "turns").unlink(missing_ok=True)
        command = [sys.executable, "-B", SOURCE / "bench/interleaved", old, new, "--rounds", "6", *more, "--", "--net", "alexnet"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_builds_take_turns_and_moods_cancel(self):
        said = self.compare(self.build("old", 10), self.build("new", 9))
        self.assertEqual((self.folder / "turns").read_text(), "onno" * 3)
        self.assertRegex(said, r"total +\d+\.\d+ +\d+\.\d+ +0\.\d+ .*FASTER")
        self.assertNotIn("first_call", said)
        self.assertIn("6 rounds of 2 s, 0 disturbed", said)

    def test_slower_fails_where_that_is_asked(self):
        old, new = self.build("old", 10), self.build("new", 14)
        self.assertIn("SLOWER", self.compare(old, new))
        self.compare(old, new, "--fail-if-slower", code=1)
        self.compare(new, old, "--fail-if-slower", code=0)

    def test_a_busy_machine_is_no_evidence(self):
        said = self.compare(self.build("old", 10, others="0.5"), self.build("new", 14), "--fail-if-slower", code=0)
        self.assertIn("DISTURBED", said)
        self.assertIn("6 disturbed", said)

    def test_few_busy_rounds_are_left_out(self):
        said = self.compare(self.build("old", 10, others="0.5 if round == 0 else 0"), self.build("new", 20))
        self.assertIn("SLOWER", said)
        self.assertIn("1 disturbed", said)

    def test_a_build_that_fails(self):
        self.compare(self.build("old", 10), self.build("new", 10, status=3), code=1)


if __name__ == "__main__":
    unittest.main()
