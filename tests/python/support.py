"""What the tests of the wheel share. The package is the installed one: no source of it is on the path.

Environment: GIEMSA_EXE, the command, whose results the package's are held to.
"""

import functools
import os
import pathlib
import re
import subprocess

import numpy as np

import giemsa

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = sorted((SOURCE / "tools/samples/images").glob("*.png"))[:2]
MODELS = {"segmenter": SOURCE / "weights/pretrained/deeplabv3plus_resnet50_wbc.safetensors",
          "classifier": SOURCE / "weights/pretrained/alexnet_wbc.safetensors"}


def command(*arguments, cwd=None):
    """What the command prints."""
    done = subprocess.run([os.environ["GIEMSA_EXE"], *map(str, arguments)], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def engine():
    """One for all tests that only use it."""
    return giemsa.Engine(device="cpu")


@functools.cache
def smear():
    image = giemsa.read_image(SAMPLES[0])
    image.flags.writeable = False
    return image


@functools.cache
def found():
    """The cells of smear()."""
    return engine().identify(smear())


def assert_same(test, cells, expected):
    """That two Cells have the same columns."""
    for name in ("labels", "ids", "boxes", "areas", "centroids", "class_indices", "probabilities", "at_edge"):
        test.assertTrue(np.array_equal(getattr(cells, name), getattr(expected, name)), name)


def python_of_readme():
    """The blocks of Python in the project's README."""
    return re.findall(r"^```python\n(.*?)^```", (SOURCE / "README.md").read_text(encoding="utf-8"), re.M | re.S)
