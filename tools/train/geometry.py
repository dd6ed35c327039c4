"""Where a pixel of an augmented sample comes from: 2x3 matrices as tuples (a, b, c, d, e, f). Free of torch.

A matrix takes a place in the result, relative to its centre, to one in the source, relative to its centre, both in pixels.
Image and mask are sampled through the same one, so they stay aligned.
"""

import math


def sample_to_source(flip_x, flip_y, degrees, scale_x, scale_y, shift_x, shift_y):
    """The matrix of: source -> reflect -> rotate by `degrees` (x towards y) -> scale -> shift -> result, inverted."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    sign_x, sign_y = (-1 if flip_x else 1), (-1 if flip_y else 1)
    a, b = sign_x * cos / scale_x, sign_x * sin / scale_y
    d, e = -sign_y * sin / scale_x, sign_y * cos / scale_y
    return (a, b, -a * shift_x - b * shift_y, d, e, -d * shift_x - e * shift_y)


def apply(matrix, x, y):
    a, b, c, d, e, f = matrix
    return a * x + b * y + c, d * x + e * y + f


def draw(random, augmentation, source, result, target=None):
    """A matrix from the ranges of `augmentation`; `random` is a random.Random, sizes are (height, width).

    With `roam`, a result that shows less than the source shows any part of it, not only its middle; if there is a
    `target`, a place (x, y) in the source relative to its centre, then a part with it.
    """
    low, high = augmentation.scale
    scale = math.exp(random.uniform(math.log(low), math.log(high)))
    stretch = math.exp(random.uniform(-1, 1) * math.log1p(augmentation.aspect) / 2)
    a, b, c, d, e, f = sample_to_source(
        random.random() < 0.5,
        augmentation.flip_rows and random.random() < 0.5,
        random.uniform(-augmentation.rotation, augmentation.rotation),
        scale * stretch,
        scale / stretch,
        random.uniform(-augmentation.translation, augmentation.translation),
        random.uniform(-augmentation.translation, augmentation.translation),
    )
    if augmentation.roam:
        places = []
        for side, shown, at in zip(source[::-1], result[::-1], target or (None, None)):
            free, reach = max(0, side - shown / scale) / 2, shown / scale / 2
            low, high = (-free, free) if at is None else (max(-free, at - reach), min(free, at + reach))
            places.append(random.uniform(low, high))
        c, f = c + places[0], f + places[1]
    return a, b, c, d, e, f


def normalised(matrix, source, result):
    """The same for torch's affine_grid, align_corners False, which measures in half sides; sizes are (height, width)."""
    a, b, c, d, e, f = matrix
    (source_h, source_w), (result_h, result_w) = source, result
    return (
        (a * result_w / source_w, b * result_h / source_w, 2 * c / source_w),
        (d * result_w / source_h, e * result_h / source_h, 2 * f / source_h),
    )
