"""What the centre head of networks.py learns, after Panoptic-DeepLab (Cheng et al. 2020): where a cell's centre of mass is.

Its three channels are a heatmap with a Gaussian on each centre, and the offset (y, x) from each place to the centre of its cell.
Both are on the grid of the decoder, of which place (i, j) stands for pixels from (4 i, 4 j); lengths are in places.
"""

import torch
from torch.nn import functional as F

STRIDE = 4
SIGMA = 2.0  # of the Gaussian; 8 pixels, as there
LEAST_PIXELS = 40  # less of a cell that a sample cuts off shows no centre
HEATMAP_WEIGHT, OFFSET_WEIGHT = 200.0, 0.01 * STRIDE  # as there, where offsets are in pixels


def targets(labels):
    """Labels {n,h,w}, 0 background, -1 unknown -> heatmap {n,h/4,w/4}, offsets {n,2,h/4,w/4} and the number of the cell
    whose centre each place has to tell, 0 where none, -1 where unknown."""
    n, h, w = labels.shape
    at = labels[:, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE].clone()
    rows = torch.arange(at.shape[1], dtype=torch.float32)[:, None].expand(at.shape[1:])
    columns = torch.arange(at.shape[2], dtype=torch.float32)[None].expand(at.shape[1:])
    heatmap = torch.zeros(at.shape)
    offsets = torch.zeros(n, 2, *at.shape[1:])
    for i in range(n):
        for number in labels[i].unique().tolist():
            if number <= 0:
                continue
            cell = (labels[i] == number).nonzero().float()
            here = at[i] == number
            if len(cell) < LEAST_PIXELS:
                at[i][here] = 0
                continue
            y, x = ((cell.mean(0) + 0.5) / STRIDE - 0.5).tolist()
            gaussian = torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * SIGMA**2))
            heatmap[i] = torch.maximum(heatmap[i], gaussian)
            offsets[i, 0][here] = (y - rows)[here]
            offsets[i, 1][here] = (x - columns)[here]
    return heatmap, offsets, at


def centre_loss(predicted, labels):
    """Of the head's {n,3,h/4,w/4}: squared error of the heatmap where anything is known, absolute error of the offsets in cells."""
    heatmap, offsets, cells = (target.to(predicted.device) for target in targets(labels.cpu()))
    known, inside = cells >= 0, (cells > 0)[:, None]
    heat = (F.mse_loss(predicted[:, 0], heatmap, reduction="none") * known).sum() / known.sum().clamp(min=1)
    offset = ((predicted[:, 1:] - offsets).abs() * inside).sum() / inside.sum().clamp(min=1)
    return HEATMAP_WEIGHT * heat + OFFSET_WEIGHT * offset
