#!/usr/bin/env python3
"""Trains DeepLabv3+ ResNet-50 on fields with masks (images/, masks/, labels.csv): background and white cell.

segmenter.py fields/ --fold 3 --init pretrained/model.pt --out runs/segmenter/fold3
"""

import pathlib

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from augment import Augmenter
from folds import read_labels
from imagenet import unfold
from loop import Training, normalise
from networks import DeepLabV3Plus
from options import load_init, parser_of, prepare
from recipes import median_frequency_weights


def network_size(width, height, long_side):
    """As the engine scales: long side as given, aspect kept, sides rounded to multiples of 16; (width, height)."""
    factor = long_side / max(width, height)
    return tuple(max(16, round(side * factor / 16) * 16) for side in (width, height))


def load_fields(folder, long_side, keep, limit):
    """images {n,3,h,w} u8, masks {n,h,w} bool and names of the first `limit` fields that keep(fold) wants."""
    folder = pathlib.Path(folder)
    files = {path.stem: path for path in (folder / "images").iterdir()}
    images, masks, names = [], [], []
    for name, _, fold in read_labels(folder):
        if not keep(fold) or len(names) == limit:
            continue
        image = Image.open(files[name]).convert("RGB")
        mask = Image.open(folder / "masks" / f"{name}.png").convert("L").point(lambda level: 255 if level else 0)
        if mask.size != image.size:
            raise SystemExit(f"{name}: the mask's size is not the image's")
        size = network_size(*image.size, long_side)
        images.append(np.asarray(image.resize(size, Image.Resampling.BILINEAR)).transpose(2, 0, 1))
        masks.append(np.asarray(mask.resize(size, Image.Resampling.BOX)) >= 128)
        names.append(name)
    if len({image.shape for image in images}) != 1:
        raise SystemExit(f"{folder}: no images to train on, or of several sizes")
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)), names


def frequency_weights(masks):
    """Median frequency balancing of background and cell."""
    cells = masks.flatten(1).sum(1)
    pixels = masks[0].numel()
    counts = [(pixels - cells).sum().item(), cells.sum().item()]
    present = [pixels * (cells < pixels).sum().item(), pixels * (cells > 0).sum().item()]
    return median_frequency_weights(counts, present)


def dice_loss(logits, target):
    """1 minus the soft Dice coefficient of the cells, over the whole batch."""
    cell = logits.softmax(1)[:, 1]
    return 1 - (2 * (cell * target).sum() + 1) / (cell.sum() + target.sum() + 1)


def main():
    parser = parser_of("segmenter", __doc__)
    parser.add_argument("fields", type=pathlib.Path)
    parser.add_argument(
        "--long-side", type=int, default=320, help="at which the network sees an image (default: %(default)s)"
    )
    parser.add_argument(
        "--size", default="240x320", help="HxW of the part that a training sample shows (default: %(default)s)"
    )
    parser.add_argument("--imagenet", type=pathlib.Path, help="folded ResNet-50 that the encoder starts from (imagenet.py)")
    parser.add_argument("--limit", type=int, help="only the first so many fields")
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    recipe = prepare("segmenter", options)
    size = tuple(int(side) for side in options.size.split("x"))
    keep = lambda fold: options.fold is None or fold != options.fold
    images, masks, names = load_fields(options.fields, options.long_side, keep, options.limit)
    print(f"{len(names)} fields", flush=True)

    network = DeepLabV3Plus(2)
    load_init(network, options.init)
    if options.imagenet:
        unfold(network.encoder, options.imagenet, normalise(images[:32].float() / 255), network)
    settings = {
        "network": "segmenter",
        "recipe": options.recipe,
        "recipe_values": repr(recipe),
        "fold": options.fold,
        "fields": len(names),
        "init": options.init.parent.name if options.init else options.imagenet and options.imagenet.name,
        "epochs": recipe.epochs,
        "batch": options.batch,
        "size": options.size,
        "long_side": options.long_side,
        "seed": options.seed,
        "precision": options.precision,
        "device": options.device,
        "threads": options.threads,
    }
    training = Training(options.out, network, recipe, settings, options.minutes)
    device = training.device
    images, masks = images.to(device), masks.to(device)
    weights = torch.tensor(frequency_weights(masks), device=device) if recipe.class_weights else None

    def loss_of(network, indices, epoch, step):
        augmenter = Augmenter(recipe.augmentation, f"{options.seed}:{step}")
        x, y = augmenter.warp(images[indices].float() / 255, masks[indices], size)
        x = normalise(augmenter.colour(x))
        with training.autocast():
            logits = network(x)
        logits = logits.float()
        loss = F.cross_entropy(logits, y, weights, label_smoothing=recipe.label_smoothing)
        return loss + dice_loss(logits, y) if recipe.dice else loss

    training.run(len(names), loss_of)


if __name__ == "__main__":
    main()
