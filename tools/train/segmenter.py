#!/usr/bin/env python3
"""Trains DeepLabv3+ ResNet-50 on fields (images/, labels.csv, and masks/ or, cell by cell, labels/): background and white cell.

segmenter.py fields/ --fold 3 --init pretrained/model.pt --out runs/segmenter/fold3
segmenter.py fields/ touching/ --recipe centres --init pretrained/model.pt --out runs/segmenter/centres
"""

import pathlib

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from augment import Augmenter
from centres import centre_loss
from folds import read_labels
from imagenet import unfold
from loop import Training, normalise
from networks import DeepLabV3Plus
from options import load_init, parser_of, prepare
from paste import components
from recipes import median_frequency_weights
from sampling import chances, drawn


def network_size(width, height, long_side):
    """As the engine scales: long side as given, aspect kept, sides rounded to multiples of 16; (width, height)."""
    factor = long_side / max(width, height)
    return tuple(max(16, round(side * factor / 16) * 16) for side in (width, height))


def read_cells(folder, name):
    """{h,w} int32 with a number for each cell, of labels/ or of the components of masks/."""
    if (folder / "labels").is_dir():
        return np.asarray(Image.open(folder / "labels" / f"{name}.png")).astype(np.int32)
    return components(np.asarray(Image.open(folder / "masks" / f"{name}.png").convert("L")) > 0)[0]


def load_fields(folder, long_side, keep, limit):
    """images [{3,h,w} u8], masks [{h,w} bool], cells [{h,w} i32] and names of the first `limit` fields that keep(fold) wants."""
    folder = pathlib.Path(folder)
    files = {path.stem: path for path in (folder / "images").iterdir()}
    images, masks, cells, names, folders = [], [], [], [], []
    for name, _, fold in read_labels(folder):
        if not keep(fold) or len(names) == limit:
            continue
        image = Image.open(files[name]).convert("RGB")
        numbers = Image.fromarray(read_cells(folder, name))
        if numbers.size != image.size:
            raise SystemExit(f"{name}: the mask's size is not the image's")
        size = network_size(*image.size, long_side)
        mask = Image.fromarray(np.uint8(255 * (np.asarray(numbers) > 0)))
        images.append(torch.from_numpy(np.asarray(image.resize(size, Image.Resampling.BILINEAR)).transpose(2, 0, 1).copy()))
        masks.append(torch.from_numpy(np.asarray(mask.resize(size, Image.Resampling.BOX)) >= 128))
        cells.append(torch.from_numpy(np.asarray(numbers.resize(size, Image.Resampling.NEAREST)).copy()))
        names.append(name)
    if not names:
        raise SystemExit(f"{folder}: no images to train on")
    return images, masks, cells, names


def frequency_weights(masks):
    """Median frequency balancing of background and cell."""
    cells = torch.tensor([mask.sum().item() for mask in masks])
    pixels = torch.tensor([mask.numel() for mask in masks])
    counts = [(pixels - cells).sum().item(), cells.sum().item()]
    present = [pixels[cells < pixels].sum().item(), pixels[cells > 0].sum().item()]
    return median_frequency_weights(counts, present)


def dice_loss(logits, target):
    """1 minus the soft Dice coefficient of the cells, over the whole batch."""
    cell = logits.softmax(1)[:, 1]
    return 1 - (2 * (cell * target).sum() + 1) / (cell.sum() + target.sum() + 1)


def main():
    parser = parser_of("segmenter", __doc__)
    parser.add_argument("fields", type=pathlib.Path, nargs="+", metavar="FIELDS")
    parser.add_argument(
        "--long-side", type=int, default=320, help="at which the network sees an image (default: %(default)s)"
    )
    parser.add_argument(
        "--size", default="240x320", help="HxW of the part that a training sample shows (default: %(default)s)"
    )
    parser.add_argument("--imagenet", type=pathlib.Path, help="folded ResNet-50 that the encoder starts from (imagenet.py)")
    parser.add_argument("--limit", type=int, help="only the first so many fields of each folder")
    parser.add_argument("--draws", type=int, help="fields an epoch shows, all folders alike (default: each field once)")
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    recipe = prepare("segmenter", options)
    size = tuple(int(side) for side in options.size.split("x"))
    keep = lambda fold: options.fold is None or fold != options.fold
    images, masks, cells, names, folders = [], [], [], [], []
    for folder in options.fields:
        for all_of, of_folder in zip((images, masks, cells, names), load_fields(folder, options.long_side, keep, options.limit)):
            all_of += of_folder
        folders += [folder.name] * (len(names) - len(folders))
    print(f"{len(names)} fields", flush=True)

    network = DeepLabV3Plus(2, centres=recipe.centres)
    load_init(network, options.init, new=("centre_head.",))
    if recipe.encoder < 1:
        network.fix_first_stages()
    if options.imagenet:
        same = torch.stack([image for image in images if image.shape == images[0].shape][:32])
        unfold(network.encoder, options.imagenet, normalise(same.float() / 255), network)
    settings = {
        "network": "segmenter",
        "recipe": options.recipe,
        "recipe_values": repr(recipe),
        "fold": options.fold,
        "fields": len(names),
        "draws": options.draws,
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
    weights = torch.tensor(frequency_weights(masks), device=device) if recipe.class_weights else None

    def loss_of(network, indices, epoch, step):
        augmenter = Augmenter(recipe.augmentation, f"{options.seed}:{step}")
        field = lambda of, i: of[i][None].to(device)
        samples = [augmenter.warp(field(images, i).float() / 255, field(masks, i), size, field(cells, i)) for i in indices]
        x, y, numbers = (torch.cat(part) for part in zip(*samples))
        x = normalise(augmenter.colour(x))
        with training.autocast():
            made = network(x)
        logits = (made[0] if recipe.centres else made).float()
        loss = F.cross_entropy(logits, y, weights, label_smoothing=recipe.label_smoothing)
        if recipe.dice:
            loss = loss + dice_loss(logits, y)
        return loss + centre_loss(made[1].float(), numbers) if recipe.centres else loss

    if options.draws is None:
        training.run(len(names), loss_of)
    else:
        chance = chances([(folder, "field") for folder in folders])
        training.run(options.draws, loss_of, lambda count, size, epoch, seed: drawn(chance, count, size, epoch, seed))


if __name__ == "__main__":
    main()
