#!/usr/bin/env python3
"""Runs tests of the wheel in the virtual environment that make_wheel.py made, in a folder where no sources lie.

    run_tests.py BUILD MODULE...

Exits 77 where make_wheel.py had to skip.
"""

import os
import pathlib
import subprocess
import sys
import tempfile


def main():
    folder, modules = pathlib.Path(sys.argv[1]).resolve() / "python", sys.argv[2:]
    if not (folder / "installed.txt").is_file():
        print("no wheel was built")
        sys.exit(77)
    tests = pathlib.Path(__file__).resolve().parent
    environment = os.environ | {
        "GIEMSA_WEIGHTS": str(tests.parents[1] / "weights/pretrained"), "PYTHONPATH": str(tests),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    with tempfile.TemporaryDirectory() as scratch:
        command = [folder / "clean/bin/python", "-m", "unittest", "-v", *modules]
        sys.exit(subprocess.run(command, cwd=scratch, env=environment).returncode)


if __name__ == "__main__":
    main()
