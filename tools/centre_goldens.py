#!/usr/bin/python3
"""Writes tests/golden/smp_centres/ as tools/goldens.py does, for DeepLabv3+ with a centre head (tools/train/networks.py).

    tools/centre_goldens.py

Needs torch and torchvision (2.15.0 and 0.29.2 wrote the files in the repository).
"""

import torch
from torch import nn

import goldens
from goldens import HEAD, ONES, OS16, SIX, Smp, separable


class Centred(Smp):
    def __init__(self):
        super().__init__(OS16, (*ONES, SIX, (2, 2, 2)), (12, 24, 36))
        self.centre_head = nn.Sequential(
            nn.Sequential(separable(HEAD, 5), nn.BatchNorm2d(5), nn.ReLU()), nn.Conv2d(5, 3, 1))
        self.decoder.block2.register_forward_hook(self.locate)

    def locate(self, _, __, decoded):
        self.centre_head(decoded)


goldens.HEADS = (*goldens.HEADS, "centre_head")
goldens.CASES["smp_centres"] = (Centred, {"arch": "deeplabv3plus", "preset": "smp"}, (32, 80), lambda state: state,
                                torch.float32, False)

if __name__ == "__main__":
    goldens.write_case("smp_centres")
