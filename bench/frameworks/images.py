"""Which images a case is timed on, calibrated on and judged on: three sets that have none in common."""

import hashlib
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
from array import array
from typing import NamedTuple

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("GIEMSA_DATA", REPOSITORY.parent / "shared" / "data"))
CALIBRATION = {"segmenter": 32, "classifier": 96}
HELD_OUT = {"segmenter": 12, "classifier": 96}


def digest(*files):
    result = hashlib.sha256()
    for file in files:
        result.update(pathlib.Path(file).read_bytes())
    return result.hexdigest()[:12]


class Image(NamedTuple):
    file: pathlib.Path
    truth: str  # a mask's path for a segmenter, a class's name for a classifier
    whole: pathlib.Path = None  # what a cell was cropped from


class Sets(NamedTuple):
    timed: list
    calibration: list
    held_out: list
    source: str


def real(network):
    """Those of the data set in GIEMSA_DATA; none where it is not at hand."""
    if network == "segmenter":
        folder = DATA / "fields"
        return [Image(file, str(folder / "masks" / f"{file.stem}.png")) for file in sorted((folder / "images").glob("*.jpg"))]
    return [Image(file, file.parent.name) for file in sorted((DATA / "crops-pbc").glob("*/*.jpg"))]


def synthetic(network, make_generator, folder):
    """Smears that giemsa-samples draws: fields of one to three cells, or one cell each."""
    folder = folder / network
    count = 64 if network == "segmenter" else 256
    shape = ["--size", "640x480"] if network == "segmenter" else ["--size", "160x160", "--white-cells", "1"]
    if not (folder / "labels.csv").exists():  # which is written last
        subprocess.run([make_generator(), folder, "--count", str(count), "--seed", "1000", *shape], check=True)
    images = []
    for line in (folder / "labels.csv").read_text().splitlines()[1:]:
        stem, classes, _ = line.split(",")
        truth = str(folder / "masks" / f"{stem}.png") if network == "segmenter" else classes
        images.append(Image(folder / "images" / f"{stem}.png", truth))
    return images


def cells(images, options, folder):
    """The largest cell of each image as `giemsa run` crops it: what the classifier sees."""
    files = [image.file for image in images]
    folder = folder / f"cells-{digest(options.segmenter, *files)}"
    if not (folder / "results.json").exists():  # which is written last
        subprocess.run([options.giemsa, "run", *files, "--out", folder, "--crops", "--quiet", "--segmenter", options.segmenter],
                       check=True)
    results = {result["file"]: result for result in json.loads((folder / "results.json").read_text())["images"]}
    found = []
    for image in images:
        result = results[str(image.file)]
        if result["cells"]:
            largest = max(result["cells"], key=lambda cell: cell["area"])
            found.append(Image(folder / "crops" / largest["class"] / f"{result['name']}_{largest['id']}.png", image.truth,
                               image.file))
    return found


def choose(case, options, folder, make_generator):
    images, source = real(case.network), f"{'fields' if case.network == 'segmenter' else 'crops-pbc'} of the data set"
    if not images:
        images, source = synthetic(case.network, make_generator, folder), "giemsa-samples"
    if case.network == "classifier":
        images = cells(images, options, folder)
    count = case.batch * case.inputs
    timed = [images[i * len(images) // count] for i in range(count)]
    rest = sorted(set(images) - set(timed))
    random.Random(1).shuffle(rest)
    calibrated = CALIBRATION[case.network]
    held_out = rest[calibrated : calibrated + HELD_OUT[case.network]]
    if len(held_out) < HELD_OUT[case.network]:
        sys.exit(f"{source}: {len(images)} images are too few")
    return Sets(timed, rest[:calibrated], held_out, source)


def metadata(model):
    with open(model, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))["__metadata__"]


def mask_labels(pixels, model):
    """Masks that went through a network's preprocessing, as labels: cell where the red value is a quarter of full or more
    (128 and 255 stand for a cell, and shrinking mixes neighbours)."""
    described = metadata(model)
    mean, std = (float(described[name].split(",")[0]) for name in ("mean", "std"))
    limit = (0.25 - mean) / std
    return bytes(map(limit.__le__, pixels))


def red_planes(file, width, height):
    """The first of three planes of each image in a file of fp32 {3,height,width}."""
    values, plane = array("f"), width * height
    values.frombytes(pathlib.Path(file).read_bytes())
    planes = array("f")
    for start in range(0, len(values), 3 * plane):
        planes.extend(values[start : start + plane])
    return planes
