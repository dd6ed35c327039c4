"""What a trained classifier says of cells that it has not seen, made honest. Free of torch.

A network that was trained to the end is too sure of itself: dividing its logits by a temperature makes its probabilities
come true (Guo et al. 2017, On Calibration of Modern Neural Networks). And of a laboratory that it has never seen it calls
too many white cells `other`, which are then missing from the count: so `other` has to win by a handicap.
"""

import math


def log_softmax(logits):
    most = max(logits)
    log_sum = most + math.log(sum(math.exp(value - most) for value in logits))
    return [value - log_sum for value in logits]


def loss(logits, truth, weights, temperature):
    """Mean negative log-likelihood."""
    terms = (
        weight * -log_softmax([value / temperature for value in row])[kind]
        for row, kind, weight in zip(logits, truth, weights)
    )
    return sum(terms) / sum(weights)


def fit_temperature(logits, truth, weights, low=0.25, high=4.0):
    """The temperature of the least loss, to a thousandth: golden section on its logarithm, in which the loss has one valley."""
    golden = (math.sqrt(5) - 1) / 2
    a, b = math.log(low), math.log(high)
    at = lambda x: loss(logits, truth, weights, math.exp(x))
    c, d = b - golden * (b - a), a + golden * (b - a)
    loss_c, loss_d = at(c), at(d)
    while b - a > 1e-3:
        if loss_c < loss_d:
            b, d, loss_d = d, c, loss_c
            c = b - golden * (b - a)
            loss_c = at(c)
        else:
            a, c, loss_c = c, d, loss_d
            d = a + golden * (b - a)
            loss_d = at(d)
    return math.exp((a + b) / 2)


def recognised(logits, truth, other, handicap):
    """The share of all `other` that are called so although their logit is lowered by `handicap`."""
    others = [row for row, kind in zip(logits, truth) if kind == other]
    hits = sum(row[other] - handicap > max(value for k, value in enumerate(row) if k != other) for row in others)
    return hits / len(others)


def fit_handicap(logits, truth, other, price=0.03, step=0.1, most=4.0):
    """The largest handicap that costs no more than `price` of all `other` being recognised."""
    least = recognised(logits, truth, other, 0) - price
    steps = (i * step for i in range(1, round(most / step) + 1))
    best = 0.0
    for handicap in steps:
        if recognised(logits, truth, other, handicap) < least:
            break
        best = handicap
    return best


def calibration_error(logits, truth, weights, temperature=1.0, bins=10):
    """Expected calibration error: how far, on average, the highest probability is from the share that is right."""
    total = [[0.0, 0.0, 0.0] for _ in range(bins)]
    for row, kind, weight in zip(logits, truth, weights):
        probabilities = [math.exp(value) for value in log_softmax([value / temperature for value in row])]
        sure = max(probabilities)
        entry = total[min(int(sure * bins), bins - 1)]
        entry[0] += weight
        entry[1] += weight * sure
        entry[2] += weight * (probabilities[kind] == sure)
    return sum(abs(sure - right) for _, sure, right in total) / sum(weights)
