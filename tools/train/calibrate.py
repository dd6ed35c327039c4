#!/usr/bin/env python3
"""Folds a temperature and a handicap of `other` into a classifier's last layer (calibration.py says why).

calibrate.py cells224/ runs/alexnet/model.pt --network classifier --fold 0 --out runs/alexnet/calibrated.pt

Both are fitted to the cells of a fold that was kept out of training, each laboratory weighing alike.
"""

import argparse
import pathlib

import numpy as np
import torch

from across import KINDS, NETWORKS, SIDES, load_start, pictures, read_table
from calibration import calibration_error, fit_handicap, fit_temperature, loss, recognised
from laboratories import OTHER
from loop import normalise, write_atomically
from score import middle


def logits_of(network, crops, indices, side, batch=32):
    with torch.no_grad():
        parts = [indices[i : i + batch] for i in range(0, len(indices), batch)]
        return torch.cat([network(normalise(middle(pictures(crops, part), side))) for part in parts]).tolist()


def fold_in(state, temperature, handicap):
    """A copy whose last layer gives the logits / temperature, that of `other` less handicap / temperature."""
    weight, bias = [key for key, value in state.items() if len(value.shape) and len(value) == len(KINDS)][-2:]
    result = {key: value.clone() for key, value in state.items()}
    result[bias][KINDS.index(OTHER)] -= handicap
    for key in (weight, bias):
        result[key] /= temperature
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", type=pathlib.Path)
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("--network", choices=sorted(NETWORKS), required=True)
    parser.add_argument("--fold", type=int, required=True, help="the one that was kept out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = NETWORKS[options.network](len(KINDS)).eval()
    load_start(network, options.weights)
    rows = read_table(options.cells)
    kept = [i for i, row in enumerate(rows) if int(row["fold"]) == options.fold]
    logits = logits_of(network, np.load(options.cells / "cells.npy", mmap_mode="r"), kept, SIDES[options.network])
    truth = [KINDS.index(rows[i]["class"]) for i in kept]
    laboratories = [rows[i]["laboratory"] for i in kept]
    weights = [1 / laboratories.count(one) for one in laboratories]
    other = KINDS.index(OTHER)

    handicap = fit_handicap(logits, truth, other)
    for row in logits:
        row[other] -= handicap
    temperature = fit_temperature(logits, truth, weights)
    print(f"handicap of {OTHER} {handicap:.1f}: {recognised(logits, truth, other, 0):.3f} of all are recognised")
    for one in (1.0, temperature):
        error = calibration_error(logits, truth, weights, one)
        print(f"temperature {one:.3f}: loss {loss(logits, truth, weights, one):.4f}, calibration error {error:.4f}")
    state = fold_in(network.state_dict(), temperature, handicap)
    write_atomically(options.out, lambda path: torch.save(state, path))


if __name__ == "__main__":
    main()
