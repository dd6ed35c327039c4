#!/usr/bin/env python3
"""Runs the tests of tools/ray that need Ray, in a virtual environment with the wheel that tests/python/make_wheel.py built.

    run_tests.py BUILD

Exits 77 where there is no wheel, or Ray is not to be had for this Python or does not start: the half minute that it gives its own
processes is not ours to lengthen.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
SOURCE = TESTS.parents[1]
sys.path.insert(0, str(SOURCE / "tests/python"))

from make_wheel import PIP, environment, run, skip

STARTS = "import ray; ray.init(include_dashboard=False, num_cpus=1, object_store_memory=100_000_000, log_to_driver=False)"
UNUSED = "/(rllib|tune|train|serve|tests)/"  # parts of Ray


def main():
    folder = pathlib.Path(sys.argv[1]).resolve() / "python"
    if not (folder / "installed.txt").is_file():
        skip("no wheel was built")
    python = environment(folder / "ray", TESTS / "requirements.txt")
    variables = os.environ | {
        "GIEMSA_WEIGHTS": str(SOURCE / "weights/pretrained"),
        "PYTHONPATH": os.pathsep.join((str(SOURCE / "tools/ray"), str(SOURCE / "tests/python"), str(TESTS))),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "RAY_USAGE_STATS_ENABLED": "0"}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    run(python, *PIP, "install", "--no-compile", "--no-deps", "--force-reinstall", *(folder / "wheels").glob("giemsa-*.whl"))
    # Ray gives its processes 15 s to start, which is not enough for compiling them on a busy machine.
    library, = (folder / "ray/lib").glob("python*/site-packages/ray")
    subprocess.run([python, "-m", "compileall", "-q", "-x", UNUSED, library], env=variables)
    with tempfile.TemporaryDirectory() as home:  # Ray keeps a token there
        starts = subprocess.run([python, "-c", STARTS], cwd=home, env=variables | {"HOME": home}, capture_output=True, text=True)
        if starts.returncode:
            skip(f"Ray does not start here: {(starts.stderr.strip().splitlines() or ['it says nothing'])[-1]}")
        sys.exit(subprocess.run([python, "-m", "unittest", "-v", "test_cluster"], cwd=home,
                                env=variables | {"HOME": home}).returncode)


if __name__ == "__main__":
    main()
