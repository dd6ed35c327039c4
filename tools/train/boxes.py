"""Boxes of cells as (x, y, w, h) in pixels. Free of torch."""


def intersection(a, b):
    """The area that both share."""
    ax, ay, aw, ah = a
    bx, by, bw, bh = b
    width = min(ax + aw, bx + bw) - max(ax, bx)
    height = min(ay + ah, by + bh) - max(ay, by)
    return max(0, width) * max(0, height)


def intersection_over_union(a, b):
    shared = intersection(a, b)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def best_match(boxes, truth, least=0.5):
    """The index of the box that overlaps `truth` most; None where none does by `least`."""
    overlaps = [intersection_over_union(box, truth) for box in boxes]
    best = max(range(len(boxes)), key=overlaps.__getitem__, default=None)
    return best if best is not None and overlaps[best] >= least else None


def nearest_middle(boxes, width, height):
    """The index of the box whose middle is nearest the image's; None where there is none."""
    distance = lambda box: (box[0] + box[2] / 2 - width / 2) ** 2 + (box[1] + box[3] / 2 - height / 2) ** 2
    return min(range(len(boxes)), key=lambda i: distance(boxes[i]), default=None)


def grown(box, share):
    """The box with `share` of its side added on each side, as (left, top, right, bottom)."""
    x, y, w, h = box
    return x - share * w, y - share * h, x + w + share * w, y + h + share * h
