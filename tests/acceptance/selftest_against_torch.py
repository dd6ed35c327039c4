#!/usr/bin/env python3
"""The self-test's known answer by PyTorch and Pillow, from nothing but what nets/selftest/built_in.cpp says.

    tests/acceptance/selftest_against_torch.py

Paints the picture, draws the networks' weights from their seeds, runs both networks in fp64, and compares cells, probabilities
and the hash of the label image with the constants of built_in.cpp. Needs torch, torchvision, Pillow and scipy. Exits 1 where
anything differs: a probability by more than 1e-5.
"""

import hashlib
import pathlib
import re
import sys

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/train"))
import networks  # noqa: E402

SOURCE = (ROOT / "nets/selftest/built_in.cpp").read_text()
WIDTH, HEIGHT = 160, 120
INPUT = 128, 96  # width and height that the segmenter sees
CROP = 64
MIN_AREA = 40
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


class SplitMix64:
    """engine/base/split_mix.h"""

    def __init__(self, seed):
        self.state = np.uint64(seed)

    def bits(self, count):
        with np.errstate(over="ignore"):
            z = self.state + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
            self.state = z[-1]
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            return z ^ (z >> np.uint64(31))

    def below(self, limit):
        return int(self.bits(1)[0] >> np.uint64(40)) % limit

    def symmetric(self, count):
        return (self.bits(count).view(np.int64) >> np.int64(40)).astype(np.float32) * np.float32(2.0**-23)


def constants():
    """Colours, discs and known cells, as the source has them."""
    colours = {name: tuple(map(int, values.split(",")))
               for name, values in re.findall(r"(\w+)\{(\d+, \d+, \d+)\}", SOURCE.split("struct Disc")[0])}
    discs = [(int(x), int(y), int(radius), colours[name])
             for x, y, radius, name in re.findall(r"Disc\{(\d+), (\d+), (\d+), (\w+)\}", SOURCE)]
    cells = [([int(value) for value in whole.split(",")], [float(value.strip(" f")) for value in real.split(",")])
             for whole, real in re.findall(r"KnownCell\{([\d, ]+), \{([^}]+)\}\}", SOURCE)]
    return colours, discs, cells


def picture(colours, discs):
    frame = np.empty((HEIGHT, WIDTH, 3), np.int64)
    frame[:] = colours["plasma"]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    random = SplitMix64(1)

    def paint(x, y, radius, colour):
        frame[(columns - x) ** 2 + (rows - y) ** 2 <= radius**2] = colour

    for row in range(5):
        for column in range(7):
            x = 12 + 23 * column + random.below(7)
            y = 12 + 24 * row + random.below(7)
            paint(x, y, 9 + random.below(3), colours["red_cell"])
            paint(x, y, 4, colours["pallor"])
    for disc in discs:
        paint(*disc)
    noise = (random.bits(frame.size) >> np.uint64(40)).astype(np.int64) % 13 - 6
    return (frame + noise.reshape(frame.shape)).astype(np.uint8)


def random_state(network, seed):
    """nets/random_model.cpp at a quarter of the channels: parameters in the order of their names."""
    random, state = SplitMix64(seed), {}
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    for key in sorted(shapes):
        shape = tuple(extent // 4 if i < 2 and extent >= 16 else extent for i, extent in enumerate(shapes[key]))
        count = int(np.prod(shape))
        if len(shape) >= 2:
            center, deviation = 0.0, np.sqrt(np.float32(2) / np.float32(count // shape[0]))
        elif key.endswith(".running_var"):
            center, deviation = 1.0, np.float32(0.05)
        elif key.endswith(".weight"):
            center, deviation = 0.5, np.float32(0.05)
        else:
            center, deviation = 0.0, np.float32(0.05)
        half_width = np.float32(deviation) * np.sqrt(np.float32(3))
        values = np.float32(center) + half_width * random.symmetric(count)
        state[key] = torch.from_numpy(values.reshape(shape)).double()
    return state


def with_state(network, state):
    """The network with tensors of other widths than it was made for."""
    for name, module in network.named_modules():
        for key in ("weight", "bias"):
            if f"{name}.{key}" in state:
                setattr(module, key, torch.nn.Parameter(state[f"{name}.{key}"], requires_grad=False))
        for key in ("running_mean", "running_var"):
            if f"{name}.{key}" in state:
                setattr(module, key, state[f"{name}.{key}"])
        if isinstance(module, torch.nn.Conv2d) and module.groups > 1:
            module.groups = module.weight.shape[0]
    return network.double().eval()


def dense_aspp(network):
    """The ASPP's branches as plain convolutions, which the built-in network has."""
    convs = network.decoder.aspp[0].convs
    for i, rate in ((1, 12), (2, 24), (3, 36)):
        convs[i] = torch.nn.Sequential(torch.nn.Conv2d(2048, 256, 3, padding=rate, dilation=rate, bias=False),
                                       torch.nn.BatchNorm2d(256), torch.nn.ReLU())
    return network


def normalised(image):
    return torch.from_numpy(((np.asarray(image) / 255.0 - MEAN) / DEVIATION).transpose(2, 0, 1)[None].copy())


def main():
    colours, discs, known = constants()
    seeds = [int(seed) for seed in re.findall(r"seed = (\d+);", SOURCE)]
    bias = float(re.search(r"bias = (-?[\d.]+)f", SOURCE)[1])
    frame = Image.fromarray(picture(colours, discs))

    segmenter = dense_aspp(networks.DeepLabV3Plus(2))
    state = random_state(segmenter, seeds[0])
    state["segmentation_head.0.bias"] = torch.tensor([0, np.float32(bias)], dtype=torch.float64)
    with torch.inference_mode():
        logits = with_state(segmenter, state)(normalised(frame.resize(INPUT, Image.Resampling.BILINEAR)))
        logits = torch.nn.functional.interpolate(logits, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)[0]
    mask = ndimage.binary_fill_holes((logits[1] > logits[0]).numpy())
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    kept = [i for i in range(1, count + 1) if (labels == i).sum() >= MIN_AREA]
    labels = sum((labels == old).astype(np.uint16) * new for new, old in enumerate(kept, start=1))

    classifier = networks.alexnet(5)
    classifier = with_state(classifier, random_state(classifier, seeds[1]))
    worst, wrong = 0.0, len(kept) != len(known)
    for number, (whole, probabilities) in enumerate(known[: len(kept)], start=1):
        rows, columns = np.nonzero(labels == number)
        x, y, w, h = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
        crop = frame.crop((x, y, x + w, y + h)).resize((CROP, CROP), Image.Resampling.BILINEAR)
        with torch.inference_mode():
            found = torch.softmax(classifier(normalised(crop)), dim=1)[0].numpy()
        cell = [int(value) for value in (x, y, w, h, len(rows), found.argmax())]
        worst = max(worst, np.abs(found - probabilities).max())
        wrong |= cell != whole
        print(*cell, *(f"{value:.6f}" for value in found), "" if cell == whole else f"expected {whole}")
    digest = hashlib.sha256(labels.astype("<u2").tobytes()).hexdigest()
    wrong |= f'"{digest}"' not in SOURCE or worst > 1e-5
    print(f"{len(kept)} cells of {len(known)}, largest difference of a probability {worst:.1e}, label image {digest[:16]}...",
          "wrong" if wrong else "right")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
