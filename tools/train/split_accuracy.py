#!/usr/bin/env python3
"""What `--split distance` does to predicted masks: bench/results/accuracy/split.md's figures.

    split_accuracy.py FIELDS [FIELDS ...] --pairs FIELDS --giemsa build/giemsa --work DIR

Each FIELDS is a folder that `giemsa eval` reads as fields; --pairs is the one whose cells paste.py pastes. Prints, as
Markdown, the single cells that are falsely split without and with the option, and the pairs that are parted, for each
overlap: both cells found with an IoU of at least 0.7. Where OpenCV and scikit-image are installed, their distance
watersheds part the same predicted masks. Needs NumPy and Pillow.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image

OVERLAPS, COUNT, SEED, LEAST_IOU = (0, 0.05, 0.10, 0.15), 60, 7, 0.7


def evaluate(options, folder, split, out):
    """eval.json of the folder; found label images in out/labels."""
    if not (out / "eval.json").exists():
        command = [options.giemsa, "eval", folder, "--split", split, "--precision", "fp32", "--replicates", "0", "--quiet"]
        subprocess.run([*map(str, command), "--out", str(out)], check=True)
    return json.loads((out / "eval.json").read_text())


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
    options = parser.parse_args()

    print("| fields | single cells | falsely split without | with |\n|---|---:|---:|---:|")
    for folder in options.fields:
        counts = [evaluate(options, folder, split, options.work / f"{folder.name}-{split}")["instances"]["counts"]
                  for split in ("none", "distance")]
        print(f"| {folder.name} | {counts[0]['single_cells']} |", " | ".join(str(one["false_splits"]) for one in counts), "|")

    methods = {"`--split distance`": None, **peers()}
    rows = {name: [] for name in methods}
    for overlap in OVERLAPS:
        made = options.work / f"pairs-{overlap:.2f}"
        if not (made / "pasted.csv").exists():
            paste = [sys.executable, pathlib.Path(__file__).parent / "paste.py", options.pairs, "-o", made, "--count", COUNT,
                     "--cells", 2, "--overlap", overlap, "--seed", SEED]
            subprocess.run([*map(str, paste)], check=True, stdout=sys.stderr)
        out = options.work / f"found-{overlap:.2f}"
        evaluate(options, made, "distance", out)
        for name, part in methods.items():
            hits = 0
            for truth in sorted((made / "labels").iterdir()):
                found = read_labels(out / "labels" / truth.name)
                hits += parted(read_labels(truth), found if part is None else part(found > 0))
            rows[name].append(hits)
    print(f"\n| pairs parted, of {COUNT}; overlap |", " | ".join(f"{overlap:g}" for overlap in OVERLAPS), "|")
    print("|---|" + "---:|" * len(OVERLAPS))
    for name, hits in rows.items():
        print(f"| {name} |", " | ".join(map(str, hits)), "|")


if __name__ == "__main__":
    main()
