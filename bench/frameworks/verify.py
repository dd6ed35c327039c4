"""Are a worker's logits those of the reference? Asked before anything is timed."""

import array
import math

# Largest error, relative to the largest logit, and least share of equal labels. fp32 runs some 60 layers whose sums of up
# to 9216 products round in another order: 60 * sqrt(9216) * 2^-24 = 3.4e-4, with a margin of 3. bf16 keeps 8 bits: errors
# of 2^-9 at some 200 roundings (a batch norm that is not folded makes one of its own) add up like sqrt(200) * 2^-9 = 3e-2,
# and the largest of a million such errors is five times as large. int8: PyTorch quantises the activations of three layers
# to 7 bits besides the weights.
TOLERANCE = {"fp32": (1e-3, 0.999), "bf16": (2e-1, 0.99), "int8": (2e-1, 0.9)}


def read_logits(path):
    logits = array.array("f")
    with open(path, "rb") as file:
        logits.frombytes(file.read())
    return logits


def labels(logits, samples, pixels):
    """Index of the largest logit of each pixel of each sample, in a layout of {samples, classes, pixels}."""
    classes = len(logits) // (samples * pixels)
    result = []
    for sample in range(samples):
        start = sample * classes * pixels
        planes = [logits[start + c * pixels : start + (c + 1) * pixels] for c in range(classes)]
        result += [scores.index(max(scores)) for scores in zip(*planes)]
    return result


def compare(logits, reference, samples, pixels):
    """(largest error relative to the largest logit, share of equal labels)"""
    if len(logits) != len(reference) or not math.isfinite(sum(logits)):
        return math.inf, 0.0
    largest = max(map(abs, reference))
    error = max(abs(a - b) for a, b in zip(logits, reference)) / largest
    ours, theirs = labels(logits, samples, pixels), labels(reference, samples, pixels)
    return error, sum(map(int.__eq__, ours, theirs)) / len(theirs)


def is_good(error, agreement, tolerance):
    most, least = TOLERANCE[tolerance]
    return error <= most and agreement >= least
