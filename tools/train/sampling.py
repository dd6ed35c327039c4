"""Which cells an epoch shows: drawn with replacement, so that no laboratory and no class drowns another. Free of torch."""

import random
from collections import Counter

OTHER_SHARE = 1 / 6  # of all draws, however many there are


def chances(cells):
    """Of each (laboratory, kind): laboratories alike, within one its classes by the square root of their number.

    The root is a middle way: in proportion, the eleven eosinophils of a laboratory are never seen; alike, each of them is
    seen as often as sixty others, and so are its label's errors. `other` has OTHER_SHARE, split in the same way.
    """
    counts = Counter(cells)
    result = [0.0] * len(cells)
    for is_other in (False, True):
        part = {key: n for key, n in counts.items() if (key[1] == "other") == is_other}
        laboratories = {laboratory for laboratory, _ in part}
        total = {one: sum(n**0.5 for (laboratory, _), n in part.items() if laboratory == one) for one in laboratories}
        for i, (laboratory, kind) in enumerate(cells):
            if (laboratory, kind) in part:
                result[i] = part[laboratory, kind] ** -0.5 / total[laboratory] / len(laboratories)
    if any(kind == "other" for _, kind in cells):
        result = [p * (OTHER_SHARE if cell[1] == "other" else 1 - OTHER_SHARE) for p, cell in zip(result, cells)]
    return result


def drawn(chance, count, batch, epoch, seed):
    """The batches of an epoch of `count` draws."""
    indices = random.Random(f"{seed}:{epoch}").choices(range(len(chance)), chance, k=count)
    return [indices[i : i + batch] for i in range(0, count - batch + 1, batch)]
