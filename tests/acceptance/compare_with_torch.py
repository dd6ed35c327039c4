#!/usr/bin/env python3
"""Runs `giemsa run` and the same way in PyTorch on labelled fields, and says how they agree with each other and with the truth.

    tests/acceptance/compare_with_torch.py --giemsa build/giemsa --data ../shared/data/fields --weights ../shared/weights

--data has images/, masks/ (cell where > 0) and labels.csv (image, classes separated by ';', fold). --weights has the two
PyTorch checkpoints that weights/pretrained/ was converted from. Needs torch, torchvision, numpy, PIL, scipy, scikit-image.
Everything on the PyTorch side is somebody else's code: PIL resizes, torch interpolates, SciPy fills holes and labels.
Exits 1 where the mean IoU differs by more than 0.002, less than 99.95 % of mask pixels agree, or a cell has no class.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import scipy.ndimage
import torch
import torchvision
from PIL import Image
from skimage.morphology import remove_small_objects

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "frameworks"))
import torch_nets

CLASSES = ["basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil"]
LONG_SIDE, MULTIPLE, MIN_AREA = 320, 16, 200
EIGHT = np.ones((3, 3), int)
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def load(network, path):
    state = {key: value.float() for key, value in torch.load(path, map_location="cpu").items()}
    network.load_state_dict(state)
    return network.eval()


def to_tensor(image):
    pixels = torch.from_numpy(np.array(image, dtype=np.float32)).permute(2, 0, 1)
    return ((pixels / 255 - MEAN) / STD)[None]


def segment(network, image):
    """Labels of the cleaned-up mask at the image's size, and the mask before clean-up."""
    scale = LONG_SIDE / max(image.size)
    size = [max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in image.size]
    logits = network(to_tensor(image.resize(size, Image.BILINEAR)))
    logits = torch.nn.functional.interpolate(logits, size=image.size[::-1], mode="bilinear", align_corners=False)
    mask = (logits[0, 1] > logits[0, 0]).numpy()
    filled = scipy.ndimage.binary_fill_holes(mask)
    opened = remove_small_objects(filled, MIN_AREA, connectivity=2)
    return scipy.ndimage.label(opened, structure=EIGHT)[0]


def classify(network, image, labels):
    names = []
    for rows, columns in scipy.ndimage.find_objects(labels):
        crop = image.crop((columns.start, rows.start, columns.stop, rows.stop)).resize((224, 224), Image.BILINEAR)
        names.append(CLASSES[int(network(to_tensor(crop)).argmax())])
    return names


class Score:
    """Mean over background and cell of the intersection over union of all pixels of the data set."""

    def __init__(self):
        self.counts = np.zeros((2, 2), np.int64)
        self.found = self.present = self.agreeing = self.named = 0

    def add(self, labels, names, truth, classes):
        cell = truth > 0
        self.counts += np.histogram2d(cell.ravel(), (labels > 0).ravel(), bins=2, range=[[0, 1], [0, 1]])[0].astype(np.int64)
        true_labels, count = scipy.ndimage.label(cell, structure=EIGHT)
        sizes = np.bincount(true_labels.ravel())
        matched = set()
        for true_id in range(1, count + 1):
            if sizes[true_id] < MIN_AREA:
                continue
            self.present += 1
            inside = np.bincount(labels[true_labels == true_id], minlength=labels.max() + 1)
            inside[0] = 0
            best = int(inside.argmax())
            if inside[best] and inside[best] / (sizes[true_id] + (labels == best).sum() - inside[best]) >= 0.5:
                self.found += 1
                matched.add(best)
        if len(classes) == 1:  # one cell of known class: what are the cells that match the truth called?
            for best in matched:
                self.named += 1
                self.agreeing += names[best - 1] == classes[0]

    def mean_iou(self):
        (tn, fp), (fn, tp) = self.counts
        return 0.5 * (tn / (tn + fp + fn) + tp / (tp + fp + fn)), tp / (tp + fp + fn)

    def __str__(self):
        mean, cell = self.mean_iou()
        return (f"mean IoU {mean:.5f} (cell {cell:.5f}); found {self.found} of {self.present} cells at IoU 0.5; "
                f"class agrees on {self.agreeing} of {self.named} found cells of known class")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--giemsa", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=int, default=None, help="only the first N images")
    parser.add_argument("--options", default="", help="more options for giemsa run")
    arguments = parser.parse_args()

    segmenter = load(torch_nets.DeepLabV3Plus(2), arguments.weights / "wbc_deeplabv3plus_resnet50_smp.pt")
    classifier = load(torchvision.models.alexnet(num_classes=5), arguments.weights / "wbc_alexnet_torchvision.pt")
    with open(arguments.data / "labels.csv") as file:
        classes_of = {row["image"]: [c for c in row["classes"].split(";") if c] for row in csv.DictReader(file)}
    files = sorted((arguments.data / "images").iterdir())[: arguments.limit]

    with tempfile.TemporaryDirectory() as out:
        subprocess.run([arguments.giemsa, "run", *files, "--out", out, "--quiet", *arguments.options.split()],
                       check=True, stdout=subprocess.DEVNULL)
        results = json.loads(pathlib.Path(out, "results.json").read_text())
        ours, theirs = Score(), Score()
        equal_pixels = pixels = cells = unnamed = same_names = compared = 0
        with torch.inference_mode():
            for path, result in zip(files, results["images"]):
                image = Image.open(path).convert("RGB")
                truth = np.array(Image.open(arguments.data / "masks" / (path.stem + ".png")))
                classes = classes_of.get(path.stem, [])
                labels = np.array(Image.open(pathlib.Path(out, "labels", path.stem + ".png"))).astype(np.int64)
                names = [cell["class"] for cell in result["cells"]]
                cells += len(names)
                unnamed += sum(name not in CLASSES for name in names)
                ours.add(labels, names, truth, classes)
                torch_labels = segment(segmenter, image)
                torch_names = classify(classifier, image, torch_labels)
                theirs.add(torch_labels, torch_names, truth, classes)
                equal_pixels += int(((labels > 0) == (torch_labels > 0)).sum())
                pixels += labels.size
                if len(names) == len(torch_names):
                    compared += len(names)
                    same_names += sum(a == b for a, b in zip(names, torch_names))

    difference = abs(ours.mean_iou()[0] - theirs.mean_iou()[0])
    print(f"{len(files)} images, torch {torch.__version__}")
    print(f"giemsa  {ours}")
    print(f"torch   {theirs}")
    print(f"mean IoU differs by {difference:.6f} (limit 0.002); mask pixels equal: {100 * equal_pixels / pixels:.4f} % (limit 99.95)")
    print(f"{cells} cells, {unnamed} without a class; names equal on {same_names} of {compared} cells")
    return int(not (difference <= 0.002 and equal_pixels >= 0.9995 * pixels and unnamed == 0 and cells > 0))


if __name__ == "__main__":
    sys.exit(main())
