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
    environment = {name: value for name, value in os.environ.items() if name not in ("GIEMSA_WEIGHTS", "GIEMSA_MODELS")}
    environment |= {"PYTHONPATH": str(pathlib.Path(__file__).resolve().parent), "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
                    "OMP_WAIT_POLICY": "passive"}  # tests run beside others
    with tempfile.TemporaryDirectory() as scratch:
        command = [folder / "clean/bin/python", "-m", "unittest", "-v", *modules]
        sys.exit(subprocess.run(command, cwd=scratch, env=environment).returncode)


if __name__ == "__main__":
    main()
