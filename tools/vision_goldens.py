#!/usr/bin/env python3
"""Writes tests/ops/fixtures/vision.{json,bin}: what Pillow, PyTorch, SciPy and scikit-image make of seeded inputs.

The JSON lists entries, each with an op, its parameters and its arrays; an array is {dtype, shape, offset} into the binary.
Run from the repository's root: tools/vision_goldens.py
"""

import json
import pathlib

import numpy as np
import PIL
import scipy
import skimage
import torch
from PIL import Image
from scipy import ndimage
from skimage import measure, morphology

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "ops" / "fixtures"

rng = np.random.default_rng(2020)
blob = bytearray()
entries = []


def store(array):
    array = np.ascontiguousarray(array)
    blob.extend(b"\0" * (-len(blob) % 8))
    offset = len(blob)
    blob.extend(array.tobytes())
    return {"dtype": str(array.dtype), "shape": list(array.shape), "offset": offset}


def picture(height, width):
    """Smooth colours with noise, reaching both ends of the range."""
    noise = rng.normal(size=(height, width, 3))
    smooth = ndimage.gaussian_filter(noise, (3, 3, 0))
    smooth /= max(smooth.std(), 1e-9)
    return np.clip(128 + 70 * smooth + 15 * noise, 0, 255).astype(np.uint8)


def resizes():
    for (h, w), sizes in {
        (47, 61): [(24, 31), (31, 24), (61, 47), (47, 61), (1, 1), (9, 70)],
        (1, 1): [(5, 7)],
        (120, 5): [(7, 33)],
    }.items():
        pixels = picture(h, w)
        source = store(pixels)
        for oh, ow in sizes:
            out = Image.fromarray(pixels).resize((ow, oh), Image.BILINEAR)
            entries.append({"op": "resize", "in": source, "out": store(np.asarray(out))})


def crops():
    pixels = picture(53, 67)
    source = store(pixels)
    for x, y, w, h in [(0, 0, 67, 53), (10, 7, 31, 33), (66, 52, 1, 1), (20, 30, 47, 23), (3, 4, 5, 2)]:
        crop = Image.fromarray(pixels).crop((x, y, x + w, y + h)).resize((33, 31), Image.BILINEAR)
        entries.append({"op": "crop_resize", "box": [x, y, w, h], "in": source, "out": store(np.asarray(crop))})


def upsamples():
    for channels, size, out in [(3, (7, 9), (28, 36)), (2, (14, 14), (31, 33)), (1, (1, 1), (5, 7)), (2, (9, 5), (4, 11))]:
        x = torch.tensor(rng.uniform(-3, 3, (1, channels, *size)), dtype=torch.float32)
        source = store(x.numpy())
        for align_corners in (False, True):
            y = torch.nn.functional.interpolate(x, size=out, mode="bilinear", align_corners=align_corners)
            entries.append({"op": "upsample", "align_corners": align_corners, "in": source, "out": store(y.numpy())})


def lrns():
    x = torch.tensor(rng.uniform(-20, 20, (1, 24, 5, 7)), dtype=torch.float32)
    source = store(x.numpy())
    for size, alpha, beta, k in [(5, 1e-4, 0.75, 1.0), (5, 0.5, 0.75, 2.0), (4, 0.5, 0.75, 1.0), (3, 0.2, 0.5, 1.0)]:
        y = torch.nn.LocalResponseNorm(size, alpha, beta, k)(x)
        entries.append({"op": "lrn", "size": size, "alpha": alpha, "beta": beta, "k": k, "in": source,
                        "out": store(y.numpy())})


def in_raster_order(labels):
    """Renumbers labels by their first pixel."""
    values, first = np.unique(labels, return_index=True)
    order = [value for _, value in sorted(zip(first, values)) if value != 0]
    table = np.zeros(labels.max() + 1, np.int32)
    for new, old in enumerate(order, 1):
        table[old] = new
    return table[labels]


def components():
    for size, sigma, level, min_area in [((64, 80), 2.5, 0.4, 30), ((79, 101), 3.0, 0.5, 200), ((33, 31), 1.0, 0.2, 4)]:
        smooth = ndimage.gaussian_filter(rng.normal(size=size), sigma)
        mask = smooth > level * smooth.std()
        mask &= rng.uniform(size=size) > 0.03  # pinholes
        filled = ndimage.binary_fill_holes(mask)
        opened = morphology.remove_small_objects(filled, min_area, connectivity=2)
        labels = in_raster_order(ndimage.label(opened, structure=np.ones((3, 3)))[0])
        regions = [[r.bbox[1], r.bbox[0], r.bbox[3] - r.bbox[1], r.bbox[2] - r.bbox[0], int(r.area),
                    int(r.coords[:, 1].sum()), int(r.coords[:, 0].sum())] for r in measure.regionprops(labels)]
        assert len(regions) > 1 and filled.sum() > mask.sum() and opened.sum() < filled.sum()
        entries.append({"op": "components", "min_area": min_area, "mask": store(mask.astype(np.uint8)),
                        "filled": store(filled.astype(np.uint8)), "opened": store(opened.astype(np.uint8)),
                        "labels": store(labels.astype(np.uint8)), "regions": regions})


def main():
    for make in (resizes, crops, upsamples, lrns, components):
        make()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "vision.bin").write_bytes(blob)
    versions = {m.__name__: m.__version__ for m in (PIL, torch, scipy, skimage, np)}
    document = {"command": "tools/vision_goldens.py", "versions": versions, "entries": entries}
    text = json.dumps(document, indent=None, separators=(",", ":")).replace('{"op"', '\n{"op"')
    (FOLDER / "vision.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
