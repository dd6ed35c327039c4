"""The recipes by name: everything about a training that is not data. Free of torch, so that it can be tested anywhere."""

import math
from typing import NamedTuple


class Augmentation(NamedTuple):
    """Ranges from which each sample is drawn. Geometry first, then what stain and camera do to the colours."""

    flip_rows: bool = False  # left-right reflection is always on
    translation: float = 0  # pixels of the network's input, either way
    roam: bool = False  # a sample that shows less than the image shows any part of it
    rotation: float = 0  # degrees, either way
    scale: tuple = (1.0, 1.0)  # of the content: 2 shows it twice as large
    aspect: float = 0  # the sides' scales differ by up to this factor minus 1
    restain: float = 0  # share of samples that take on the colours of another sample, in part or all
    saturation: tuple = (1.0, 1.0)  # 0 is grey
    stain: float = 0  # share by which the optical density of each stain is changed
    brightness: float = 0  # share by which the lamp's light is changed
    white_balance: float = 0  # the same for each colour channel on its own
    gamma: float = 0
    blur: float = 0  # largest sigma in pixels; half of the samples stay sharp
    noise: float = 0  # largest standard deviation; pixels are 0..1
    jpeg: float = 0  # share of samples that are compressed


class Recipe(NamedTuple):
    augmentation: Augmentation
    optimizer: str  # sgdm or adamw
    learning_rate: float
    weight_decay: float
    schedule: str  # step: x0.3 every 10 epochs; cosine: down to 0 after a linear warm-up
    class_weights: bool  # by median frequency
    dice: bool  # adds a soft Dice loss to the cross-entropy (segmenter)
    label_smoothing: float
    ema: float  # decay of the averaged weights, which are the result; 0: none
    epochs: int
    last_layer: float = 1.0  # its learning rate, in units of the others'
    encoder: float = 1.0  # the same, of a segmenter's encoder; below 1 its first stages are not trained
    centres: bool = False  # whether a segmenter has a centre head, and learns where each cell's centre is


# "Recognition of leukocytes ..." (Reena & Ameer 2020) as far as it says: SGDM 0.9, 1e-3 x0.3 every 10 epochs, L2 0.005,
# median frequency balancing, left-right reflection, +-10 px, +-20 degrees.
PAPER = Augmentation(translation=10, rotation=20)

STRONG_FIELDS = Augmentation(
    flip_rows=True,
    translation=20,
    roam=True,
    rotation=180,
    scale=(0.7, 1.8),
    aspect=0.1,
    stain=0.4,
    brightness=0.12,
    white_balance=0.12,
    gamma=0.3,
    blur=1.5,
    noise=0.02,
    jpeg=0.3,
)
# Of several laboratories: what a sample shows in one's colours, the next does in another's.
CENTRES_FIELDS = STRONG_FIELDS._replace(restain=0.3, saturation=(0.6, 1.3))
STRONG_CELLS = Augmentation(
    flip_rows=True,
    translation=12,
    rotation=180,
    scale=(0.85, 1.15),
    aspect=0.1,
    stain=0.25,
    brightness=0.1,
    white_balance=0.06,
    gamma=0.15,
    blur=1.2,
    noise=0.02,
    jpeg=0.3,
)

# Across laboratories: a colour must not tell the class, nor sharpness, nor how well the box fits.
LABORATORY_CELLS = STRONG_CELLS._replace(
    scale=(0.72, 1.2),
    aspect=0.25,
    restain=0.5,
    saturation=(0.4, 1.3),
    stain=0.35,
    brightness=0.15,
    white_balance=0.12,
    gamma=0.3,
    blur=2.0,
    noise=0.03,
)

RECIPES = {
    ("segmenter", "paper"): Recipe(PAPER, "sgdm", 1e-3, 0.005, "step", True, False, 0.0, 0.0, 30),
    ("classifier", "paper"): Recipe(PAPER, "sgdm", 1e-3, 0.005, "step", True, False, 0.0, 0.0, 30),
    ("segmenter", "strong"): Recipe(STRONG_FIELDS, "adamw", 1e-3, 0.01, "cosine", False, True, 0.0, 0.99, 60),
    ("segmenter", "centres"): Recipe(
        CENTRES_FIELDS, "adamw", 4e-4, 0.01, "cosine", False, True, 0.0, 0.998, 20, encoder=0.25, centres=True
    ),
    ("classifier", "strong"): Recipe(STRONG_CELLS, "adamw", 2e-4, 0.05, "cosine", True, False, 0.05, 0.99, 60),
    ("classifier", "laboratories"): Recipe(LABORATORY_CELLS, "adamw", 1e-4, 0.05, "cosine", False, False, 0.05, 0.995, 60),
    # A rate of 0.01 diverges from the ImageNet weights.
    ("teacher", "laboratories"): Recipe(
        LABORATORY_CELLS, "sgdm", 2e-3, 1e-4, "cosine", False, False, 0.05, 0.99, 60, last_layer=5.0
    ),
}

WARM_UP = 0.05  # share of all steps


def learning_rate(recipe, step, steps, steps_per_epoch):
    """Of step 0 .. steps - 1."""
    if recipe.schedule == "step":
        return recipe.learning_rate * 0.3 ** (step // steps_per_epoch // 10)
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return recipe.learning_rate * (step + 1) / warm_up
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def median_frequency_weights(counts, present):
    """Class weights by median frequency balancing (Eigen & Fergus 2015): median(f) / f.

    counts[c]: pixels (or samples) of class c; present[c]: all pixels of the images in which c occurs (all samples).
    A class that never occurs weighs 0.
    """
    frequencies = [count / total if count else 0.0 for count, total in zip(counts, present)]
    seen = sorted(f for f in frequencies if f)
    if not seen:
        raise ValueError("no class occurs")
    middle = len(seen) // 2
    median = seen[middle] if len(seen) % 2 else (seen[middle - 1] + seen[middle]) / 2
    return [median / f if f else 0.0 for f in frequencies]
