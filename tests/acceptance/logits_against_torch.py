#!/usr/bin/env python3
"""Full-width networks on real images: the engine's logits against PyTorch's on the very same network inputs.

    tests/acceptance/logits_against_torch.py --giemsa build/giemsa --data ../shared/data --weights ../shared/weights

Converts both checkpoints to fp32, runs `giemsa run` with GIEMSA_DUMP on fields and single-cell crops, feeds the dumped network
inputs to PyTorch and compares logits and label maps; then counts on how many crops the int8 classifier names another class.
Exits 1 where the largest logit error exceeds 1e-3 of the largest logit in fp32, less than 99.95 % of a label map agrees, or the
int8 classifier is right less often than the fp32 one.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "frameworks"))
import torch_nets

CLASSES = "basophil,eosinophil,lymphocyte,monocyte,neutrophil"


def relative_error(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def right_names(giemsa, options, files):
    """Of single-cell pictures whose folder is their class: how many get it from the largest cell found."""
    out = json.loads(subprocess.run([giemsa, "run", *files, "--json", "--quiet", *options], check=True, capture_output=True).stdout)
    names = {}
    for image in out["images"]:
        if image["cells"]:
            names[image["file"]] = max(image["cells"], key=lambda cell: cell["area"])["class"]
    return names, sum(names.get(str(path)) == path.parent.name for path in files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--giemsa", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--fields", type=int, default=12)
    parser.add_argument("--crops", type=int, default=80, help="of each class")
    parser.add_argument("--precision", default="fp32")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        models = {}
        for name, source, options in (
            ("segmenter", "wbc_deeplabv3plus_resnet50_smp.pt", ["--arch", "deeplabv3plus", "--preset", "smp", "--input-size", "320",
                                                                 "--classes", "background,white_cell", "--dtype", "fp32"]),
            ("classifier", "wbc_alexnet_torchvision.pt", ["--arch", "alexnet", "--preset", "torchvision", "--classes", CLASSES,
                                                          "--dtype", "fp32"]),
            ("int8", "wbc_alexnet_torchvision.pt", ["--arch", "alexnet", "--preset", "torchvision", "--classes", CLASSES,
                                                    "--dtype", "int8"])):
            models[name] = scratch / f"{name}.safetensors"
            subprocess.run([arguments.giemsa, "convert", arguments.weights / source, *options, "-o", models[name]], check=True,
                           stdout=subprocess.DEVNULL)
        segmenter, classifier = torch_nets.load_network(models["segmenter"]), torch_nets.load_network(models["classifier"])
        fp32 = ["--segmenter", str(models["segmenter"]), "--classifier", str(models["classifier"])]

        segment_errors, classify_errors, agreements = [], [], []
        fields = sorted((arguments.data / "fields" / "images").iterdir())
        for path in fields[:: max(1, len(fields) // arguments.fields)]:
            dump = scratch / "dump"
            subprocess.run([arguments.giemsa, "run", path, "--quiet", *fp32, "--precision", arguments.precision], check=True,
                           stdout=subprocess.DEVNULL, env=os.environ | {"GIEMSA_DUMP": str(dump)})
            value = lambda name: np.load(dump / f"{name}.npy")
            with torch.inference_mode():
                theirs = segmenter(torch.from_numpy(value("preprocess"))).numpy()
                ours = value("segmentation_head.1")
                segment_errors.append(relative_error(ours, theirs))
                agreements.append(float((ours.argmax(1) == theirs.argmax(1)).mean()))
                if (dump / "crops.npy").exists():
                    classify_errors.append(relative_error(value("classifier.6"), classifier(torch.from_numpy(value("crops"))).numpy()))
            for file in dump.iterdir():
                file.unlink()

        crops = [path for folder in sorted((arguments.data / "crops-pbc").iterdir())
                 for path in sorted(folder.iterdir())[: arguments.crops]]
        fp32_names, fp32_right = right_names(arguments.giemsa, fp32, crops)
        int8_names, int8_right = right_names(arguments.giemsa, fp32[:2] + ["--classifier", str(models["int8"])], crops)
        changed = sum(int8_names[file] != name for file, name in fp32_names.items())

    print(f"torch {torch.__version__}, {len(segment_errors)} fields, {len(crops)} crops, {arguments.precision}")
    print(f"DeepLabv3+ logits: largest relative error {max(segment_errors):.2e}; label maps equal on {100 * min(agreements):.4f} % at worst")
    print(f"AlexNet logits: largest relative error {max(classify_errors):.2e}")
    print(f"crops named right: fp32 {fp32_right}, int8 {int8_right} of {len(crops)}; int8 changes {changed} names")
    good = (max(segment_errors) <= 1e-3 and max(classify_errors) <= 1e-3 and min(agreements) >= 0.9995 and int8_right >= fp32_right)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
