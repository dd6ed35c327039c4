#!/usr/bin/python3
"""Writes tests/golden/<case>/ as tools/goldens.py does, for ResNets of other depths and as classifiers.

    tools/resnet_goldens.py [CASE...]

Needs torch and torchvision.
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F

import goldens
from goldens import ONES, OS16, Bottleneck, Jfzhang95, Smp

THREE = (1,) * 3
WIDTHS, BASIC_WIDTHS = (2, 3, 4, 5), (4, 5, 6, 7)


class Basic(Bottleneck):
    """torchvision's BasicBlock; dilated as segmentation_models_pytorch's make_dilated() does it, in both convolutions."""

    def __init__(self, inputs, width, stride, dilation, shortcut):
        nn.Module.__init__(self)
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if shortcut:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Grouped(Bottleneck):
    """A bottleneck of ResNeXt: the 3x3 in 32 groups."""

    def __init__(self, inputs, width, stride, dilation, shortcut):
        super().__init__(inputs, width, stride, dilation, shortcut)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, groups=32, bias=False)


def add_body(model, block, widths, strides, dilations):
    """Gives `model` torchvision's conv1, bn1, maxpool and layer1 to layer4."""
    channels = 4
    model.conv1, model.bn1 = nn.Conv2d(3, channels, 7, 2, 3, bias=False), nn.BatchNorm2d(channels)
    model.maxpool = nn.MaxPool2d(3, 2, 1)
    for i, (width, stride, stage) in enumerate(zip(widths, strides, dilations)):
        result = width if block is Basic else 4 * width
        blocks = []
        for j, dilation in enumerate(stage):
            shortcut = j == 0 and (stride != 1 or channels != result)
            blocks.append(block(channels, width, stride if j == 0 else 1, dilation, shortcut))
            channels = result
        setattr(model, f"layer{i + 1}", nn.Sequential(*blocks))
    return channels


class BasicBody(nn.Module):
    def __init__(self, strides, dilations):
        super().__init__()
        self.features = add_body(self, Basic, BASIC_WIDTHS, strides, dilations)

    def forward(self, x):
        low = self.layer1(self.maxpool(F.relu(self.bn1(self.conv1(x)))))
        return low, self.layer4(self.layer3(self.layer2(low)))


class Classifier(nn.Module):
    """torchvision's ResNet: `depths` blocks in layer1..4."""

    def __init__(self, block, depths, widths, head):
        super().__init__()
        features = add_body(self, block, widths, (1, 2, 2, 2), [(1,) * depth for depth in depths])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = head(features)

    def forward(self, x):
        x = self.layer1(self.maxpool(F.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(self.avgpool(self.layer4(self.layer3(self.layer2(x)))), 1))


def smp_resnet34():
    """DeepLabV3Plus(): its default encoder, of basic blocks."""
    kept = goldens.FEATURES, goldens.LOW
    goldens.FEATURES, goldens.LOW = BASIC_WIDTHS[3], BASIC_WIDTHS[0]
    model = Smp(OS16, (*ONES, (1,) * 6, THREE), (12, 24, 36))
    goldens.FEATURES, goldens.LOW = kept
    model.encoder = BasicBody(OS16, (*ONES, (1,) * 6, (2, 2, 2)))
    return model


def linear(features):
    return nn.Linear(features, 5)


def two_layers(features):
    return nn.Sequential(nn.Linear(features, 9), nn.ReLU(), nn.Dropout(0.2), nn.Linear(9, 5))


RESNET = {"arch": "resnet", "preset": "torchvision", "input_size": "80x64"}


def as_is(state):
    return state


goldens.CASES.clear()
goldens.CASES.update({
    "resnet18": (lambda: Classifier(Basic, (2, 2, 2, 2), BASIC_WIDTHS, linear), RESNET, (64, 80), as_is, torch.float32,
                 False),
    "resnet50_two_layers": (lambda: Classifier(Bottleneck, (3, 4, 6, 3), WIDTHS, two_layers), RESNET, (64, 80),
                            lambda state: {"epoch": 9, "model_state_dict": state}, torch.float32, False),
    "resnet152": (lambda: Classifier(Bottleneck, (3, 8, 36, 3), WIDTHS, linear), RESNET, (64, 80), as_is, torch.float16,
                  False),
    "resnext50": (lambda: Classifier(Grouped, (3, 4, 6, 3), (32, 32, 32, 32), linear), RESNET, (64, 80), as_is,
                  torch.float16, False),
    "smp_resnet34": (smp_resnet34, {"arch": "deeplabv3plus", "preset": "smp"}, (32, 112), as_is, torch.float32, False),
    "jfzhang95_resnet101": (lambda: Jfzhang95(OS16, (*ONES, (1,) * 23, (2, 4, 8)), (6, 12, 18)),
                            {"arch": "deeplabv3plus", "preset": "jfzhang95"}, (33, 113),
                            lambda state: {"epoch": 50, "state_dict": state}, torch.float32, True),
})

if __name__ == "__main__":
    for case in sys.argv[1:] or goldens.CASES:
        goldens.write_case(case)
