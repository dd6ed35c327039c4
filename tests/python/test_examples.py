"""The example, and the Python in the READMEs, run as they stand."""

import contextlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import pandas

from support import SAMPLES, SOURCE, found, python_of_readme


class Examples(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "images").mkdir()
        for sample in SAMPLES:
            shutil.copy(sample, self.folder / "images")
        shutil.copy(SAMPLES[0], self.folder / "smear.png")

    def test_folder_to_table(self):
        program = SOURCE / "tools/python/examples/folder_to_table.py"
        self.assertLess(len(program.read_text().splitlines()), 100)
        (self.folder / "images/broken.png").write_bytes(b"no image")
        table = self.folder / "cells.csv"
        done = subprocess.run([sys.executable, program, self.folder / "images", table], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 images", done.stdout)
        self.assertIn("broken.png", done.stderr)
        cells = pandas.read_csv(table)
        of_smear = cells[cells["name"] == SAMPLES[0].stem]
        self.assertEqual(list(of_smear["class"]), found().filter(at_edge=False).classes)

    def test_the_projects_readme(self):
        shown = [block for block in python_of_readme() if "import giemsa" in block]
        self.assertEqual(len(shown), 1)
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.folder)
        for block in shown:
            names, printed = {}, io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block, "README.md", "exec"), names)
            self.assertEqual(names["cells"].classes, found().classes)
            self.assertIn("neutrophil", printed.getvalue())
