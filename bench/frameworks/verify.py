"""Are a contestant's logits those of the reference, eager fp32? Asked before anything is timed.

fp32: the largest error relative to the largest logit. Some 60 layers, one behind the other, sum up to 9216 products each in an
order of their own: rounding errors of sums add up like a random walk, those of layers that hand on what they get (gain about
one) at worst linearly, 60 * sqrt(9216) * 2^-24 = 3.4e-4. Winograd's terms are a few times as large, its sums a ninth as long.
Labels need no limit beside it: they only differ where two logits are closer than twice that.

bf16, fp16, int8 compute something else on purpose, so the limit is on what a person would see, the labels:
  a segmenter's may differ on no more pixels than if every contour were moved by one pixel (half of the reference's pixels that
  have a neighbour of another label); the hand-drawn masks are less exact than that;
  a classifier's may differ on no larger a share of the inputs than the reference itself names wrongly among held-out ones,
  rounded up to a whole input.
"""

import array
import math
import operator

LARGEST_FP32_ERROR = 60 * math.sqrt(9216) * 2**-24


def read_logits(path):
    logits = array.array("f")
    with open(path, "rb") as file:
        logits.frombytes(file.read())
    return logits


def labels(logits, samples, pixels):
    """Index of the largest logit of each pixel of each sample, in a layout of {samples, classes, pixels}."""
    classes = len(logits) // (samples * pixels)
    result = bytearray()
    for sample in range(samples):
        start = sample * classes * pixels
        planes = [logits[start + c * pixels : start + (c + 1) * pixels] for c in range(classes)]
        if classes == 2:
            result += bytes(map(operator.lt, *planes))
        else:
            result += bytes(scores.index(max(scores)) for scores in zip(*planes))
    return bytes(result)


def relative_error(logits, reference):
    """Largest, relative to the largest logit of the reference; infinite where one is not finite."""
    if len(logits) != len(reference) or not math.isfinite(sum(map(abs, logits))):
        return math.inf
    return max(map(abs, map(operator.sub, logits, reference))) / max(map(abs, reference))


def differing(ours, theirs):
    return sum(map(operator.ne, ours, theirs))


def contour_pixels(label_map, width):
    """Pixels that have one of another label above, below, left or right."""
    size = len(label_map)
    across = list(map(operator.ne, label_map, label_map[1:]))
    across[width - 1 :: width] = [False] * len(across[width - 1 :: width])  # a row's end and the next one's start
    down = list(map(operator.ne, label_map, label_map[width:]))
    padded = ([False], [False] * width)
    around = zip(across + padded[0], padded[0] + across, down + padded[1], padded[1] + down)
    return sum(map(any, around)) if size else 0


def labels_free_to_differ(reference_labels, case, wrong_share):
    """How many labels of a reduced precision may differ from the reference's; see above."""
    if case.network == "segmenter":
        size = case.width * case.height
        maps = [reference_labels[start : start + size] for start in range(0, len(reference_labels), size)]
        return sum(contour_pixels(label_map, case.width) for label_map in maps) // 2
    return math.ceil(len(reference_labels) * wrong_share)


def mean_iou(predicted, truth):
    """Intersection over union of background and cell, over all pixels of all images; their mean."""
    pairs = list(map(operator.add, map((2).__mul__, truth), predicted))
    count = [pairs.count(pair) for pair in range(4)]  # truth * 2 + predicted
    background = count[0] / (count[0] + count[1] + count[2])
    return (background + count[3] / (count[3] + count[1] + count[2])) / 2


def right_share(predicted, truth):
    return sum(map(operator.eq, predicted, truth)) / len(truth)
