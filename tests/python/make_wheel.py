#!/usr/bin/env python3
"""Builds the wheel against the library of a build, without compiling that anew, and installs it into a virtual environment
that has nothing else but what its tests need.

    make_wheel.py BUILD

Everything goes into BUILD/python. Where Python's headers or the packages are not to be had, it says so and exits 77.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TESTS = pathlib.Path(__file__).resolve().parent
PIP = ["-m", "pip", "--disable-pip-version-check", "-q"]


def skip(why):
    print(f"MESSAGE: skipped: the Python package: {why}")
    sys.exit(77)


def last_line(text):
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def environment(folder, requirements):
    """The interpreter of a virtual environment with these requirements; one that an earlier run made of the same is used
    again."""
    python, made_of, wanted = folder / "bin/python", folder / "made-of.txt", sys.version + requirements.read_text()
    if made_of.is_file() and made_of.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    for command in ([sys.executable, "-m", "venv", folder],
                    [python, *PIP, "install", "--no-compile", "--only-binary=:all:", "-r", requirements]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            skip(f"{folder.name}: {last_line(done.stderr or done.stdout)}")
    made_of.write_text(wanted)
    return python


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), **options)
    if done.returncode != 0:
        sys.exit(f"{command}: exit status {done.returncode}")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = build / "python"
    (folder / "installed.txt").unlink(missing_ok=True)  # what says that there is a wheel to test
    header = pathlib.Path(sysconfig.get_path("include"), "Python.h")
    if not header.is_file():
        skip(f"there is no {header}; Debian's python3-dev has it")
    builder = environment(folder / "builder", TESTS / "requirements-build.txt")
    clean = environment(folder / "clean", TESTS / "requirements.txt")

    prefix, wheels = folder / "prefix", folder / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    run("cmake", "--install", build, "--prefix", prefix, stdout=subprocess.DEVNULL)
    launcher = shutil.which("ccache")
    settings = {"build-dir": folder / "wheel-build", "cmake.define.giemsa_ROOT": prefix,
                "cmake.define.GIEMSA_WEIGHTS": "OFF",  # packing 113 MB takes longer than compiling
                "cmake.define.CMAKE_COMPILE_WARNING_AS_ERROR": "ON"}
    run(builder, *PIP, "wheel", SOURCE, "--no-deps", "--no-build-isolation", "-w", wheels,
        *(f"-C{name}={value}" for name, value in settings.items()),
        env=os.environ | ({"CMAKE_CXX_COMPILER_LAUNCHER": launcher} if launcher else {}))
    wheel, = wheels.glob("giemsa-*.whl")
    run(clean, *PIP, "install", "--no-compile", "--no-deps", "--force-reinstall", wheel)
    run(clean, *PIP, "check")
    (folder / "installed.txt").write_text(wheel.name)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
