#!/usr/bin/env python3
"""What `--split` does to predicted masks: bench/results/accuracy/split.md's figures.

    split_accuracy.py FIELDS [FIELDS ...] --pairs FIELDS --giemsa build/giemsa --work DIR [--segmenter MODEL ...]

Each FIELDS is a folder that `giemsa eval` reads as fields; --pairs is the one whose cells paste.py pastes. Prints, as
Markdown, for each segmenter and split: the mean IoU of its masks; the single cells that are falsely split; the pairs that
are parted, for each overlap: both cells found with an IoU of at least 0.7; how well clusters are found. Where OpenCV and scikit-image are installed, their distance
watersheds part the masks that the shipped segmenter predicts. Needs NumPy and Pillow.
"""

import argparse
import json
import pathlib
import subprocess
import sys
from typing import NamedTuple

import numpy as np
from PIL import Image

OVERLAPS, COUNT, SEED, LEAST_IOU = (0, 0.05, 0.10, 0.15), 60, 7, 0.7


class Way(NamedTuple):
    """A segmenter and what is done to its masks."""

    segmenter: pathlib.Path | None  # None: the one that ships
    split: str

    @property
    def name(self):
        return f"{self.segmenter.stem if self.segmenter else 'shipped'}-{self.split}"


def has_centre_head(model):
    """Whether the metadata of a converted model say so."""
    with open(model, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return header["__metadata__"].get("option.centre_offset") == "true"


def evaluate(options, folder, way, out):
    """eval.json of the folder; found label images in out/labels."""
    if not (out / "eval.json").exists():
        command = [options.giemsa, "eval", folder, "--split", way.split, "--precision", "fp32", "--replicates", "0", "--quiet"]
        if way.segmenter:
            command += ["--segmenter", way.segmenter]
        subprocess.run([*map(str, command), "--out", str(out)], check=True)
    return json.loads((out / "eval.json").read_text())


def pasted(options, name, *how):
    """A folder of COUNT fields in which cells of --pairs touch."""
    made = options.work / name
    if not (made / "pasted.csv").exists():
        paste = [sys.executable, pathlib.Path(__file__).parent / "paste.py", options.pairs, "-o", made, "--count", COUNT,
                 "--seed", SEED, *how]
        subprocess.run([*map(str, paste)], check=True, stdout=sys.stderr)
    return made


def parted(truth, found):
    """Whether two true cells, 1 and 2, are each found with enough IoU."""
    areas = np.bincount(found.ravel())
    for number in (1, 2):
        cell = truth == number
        common = np.bincount(found[cell], minlength=len(areas))
        iou = common / (areas + cell.sum() - common)
        if len(iou) < 2 or iou[1:].max() < LEAST_IOU:
            return False
    return True


def peers():
    """{name: mask -> labels} of the libraries that are here, used as their documentation shows."""
    found = {}
    try:
        import cv2
        from scipy import ndimage
        from skimage.feature import peak_local_max
        from skimage.segmentation import watershed
    except ImportError:
        return found

    def opencv(mask):
        distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
        markers = cv2.connectedComponents((distance > 0.7 * distance.max()).astype(np.uint8))[1]
        return watershed(-distance, markers, mask=mask)

    def skimage(mask, **where):
        distance = ndimage.distance_transform_edt(mask)
        labels = ndimage.label(mask, np.ones((3, 3)))[0]
        peaks = peak_local_max(distance, labels=labels, **where)
        markers = np.zeros(mask.shape, int)
        markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        return watershed(-distance, markers, mask=mask)

    found["OpenCV's tutorial: markers above 0.7 of the image's largest distance"] = opencv
    found["scikit-image's example: markers at 3x3 maxima"] = lambda mask: skimage(mask, footprint=np.ones((3, 3)))
    found["the same, told the cells' size: maxima at least 40 pixels apart"] = lambda mask: skimage(mask, min_distance=40)
    return found


def read_labels(path):
    return np.asarray(Image.open(path)).astype(np.int64)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fields", type=pathlib.Path, nargs="+", metavar="FIELDS")
    parser.add_argument("--pairs", type=pathlib.Path, required=True, metavar="FIELDS")
    parser.add_argument("--giemsa", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--segmenter", type=pathlib.Path, action="append", default=[], metavar="MODEL",
                        help="measured beside the one that ships; with a centre head also by `--split centre`")
    options = parser.parse_args()

    ways = [Way(model, split) for model in (None, *options.segmenter)
            for split in ("none", "distance", *(["centre"] if model and has_centre_head(model) else []))]
    splits = [way for way in ways if way.split != "none"]
    print("| fields | segmenter, split | mean IoU of the mask | single cells | falsely split |\n|---|---|---:|---:|---:|")
    for folder in options.fields:
        for way in ways:
            result = evaluate(options, folder, way, options.work / f"{folder.name}-{way.name}")
            counts, iou = result["instances"]["counts"], result["segmentation"]["mean_iou"]["value"]
            print(f"| {folder.name} | {way.name} | {iou:.4f} | {counts['single_cells']} | {counts['false_splits']} |")

    rows = {way.name: [] for way in splits} | {name: [] for name in peers()}
    for overlap in OVERLAPS:
        made = pasted(options, f"pairs-{overlap:.2f}", "--cells", 2, "--overlap", overlap)
        truths = [(path.name, read_labels(path)) for path in sorted((made / "labels").iterdir())]
        for way in splits:
            out = options.work / f"found-{overlap:.2f}-{way.name}"
            evaluate(options, made, way, out)
            found = [(truth, read_labels(out / "labels" / name)) for name, truth in truths]
            rows[way.name].append(sum(parted(*each) for each in found))
            if way == splits[0]:
                for name, part in peers().items():
                    rows[name].append(sum(parted(truth, part(labels > 0)) for truth, labels in found))
    print(f"\n| pairs parted, of {COUNT}; overlap |", " | ".join(f"{overlap:g}" for overlap in OVERLAPS), "|")
    print("|---|" + "---:|" * len(OVERLAPS))
    for name, hits in rows.items():
        print(f"| {name} |", " | ".join(map(str, hits)), "|")

    made = pasted(options, "clusters", "--cells", "2-5", "--overlap", "0-0.15")
    print("\n| clusters of 2 to 5 | AP@0.5 | AP@0.75 | AP@0.9 | PQ |\n|---|---:|---:|---:|---:|")
    for way in ways:
        one = evaluate(options, made, way, options.work / f"clusters-{way.name}")["instances"]
        values = [one[name]["value"] for name in ("ap_0.5", "ap_0.75", "ap_0.9", "panoptic_quality")]
        print(f"| {way.name} |", " | ".join(f"{value:.3f}" for value in values), "|")


if __name__ == "__main__":
    main()
