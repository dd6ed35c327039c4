#!/usr/bin/env python3
"""How a classifier across laboratories does on the cells that were kept out of its training, laboratory by laboratory.

score.py cells224/ runs/alexnet/state.pt --network classifier --keep-out kept.txt

In PyTorch, at the labelled boxes, without augmentation: for choosing among recipes. Figures to publish are the engine's
(`giemsa eval`). Reads a finished model.pt, or a state.pt, of which it takes the averaged weights. Without --keep-out
and --leave-out every cell counts.
"""

import argparse
import pathlib

import numpy as np
import torch

from across import KINDS, NETWORKS, SIDES, kept_for_training, load_start, pictures, read_table
from laboratories import OTHER
from loop import normalise


def middle(images, side):
    first = (images.shape[-1] - side) // 2
    return images[..., first : first + side, first : first + side]


def said(network, crops, indices, side, batch=32):
    """The output that is highest, of each cell, and the highest of the five."""
    with torch.no_grad():
        parts = [indices[i : i + batch] for i in range(0, len(indices), batch)]
        logits = torch.cat([network(normalise(middle(pictures(crops, part), side))) for part in parts])
    return logits.argmax(1).tolist(), logits[:, :-1].argmax(1).tolist()


def figures(truth, six, five):
    """(cells, accuracy of five outputs, cells lost to `other`, others, share of them recognised)."""
    other = KINDS.index(OTHER)
    cells = [i for i, kind in enumerate(truth) if kind != other]
    others = [i for i, kind in enumerate(truth) if kind == other]
    share = lambda hits, of: sum(hits) / len(of) if of else float("nan")
    right = share([five[i] == truth[i] for i in cells], cells)
    lost = share([six[i] == other for i in cells], cells)
    return len(cells), right, lost, len(others), share([six[i] == other for i in others], others)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", type=pathlib.Path)
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("--network", choices=sorted(NETWORKS), required=True)
    parser.add_argument("--keep-out", type=pathlib.Path)
    parser.add_argument("--leave-out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = NETWORKS[options.network](len(KINDS)).eval()
    load_start(network, options.weights)
    rows = read_table(options.cells)
    keep_out = set(options.keep_out.read_text().split()) if options.keep_out else set()
    trained = set(kept_for_training(rows, options.leave_out, None, keep_out)) if keep_out or options.leave_out else set()
    crops = np.load(options.cells / "cells.npy", mmap_mode="r")
    print("laboratory cells right lost others recognised")
    for laboratory in sorted({row["laboratory"] for row in rows}):
        mine = [i for i, row in enumerate(rows) if row["laboratory"] == laboratory and i not in trained]
        if mine:
            truth = [KINDS.index(rows[i]["class"]) for i in mine]
            cells, right, lost, others, seen = figures(truth, *said(network, crops, mine, SIDES[options.network]))
            print(f"{laboratory:10} {cells:5} {right:.3f} {lost:.3f} {others:6} {seen:.3f}")


if __name__ == "__main__":
    main()
