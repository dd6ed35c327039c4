#!/usr/bin/python3
"""Writes tests/golden/<case>/ as tools/goldens.py does, for ResNets of other depths and as classifiers.

    tools/resnet_goldens.py [CASE...]

Needs torch and torchvision.
"""

import sys
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

import goldens
from goldens import HEAD, ONES, OS8, OS16, ASPP, Bottleneck, Jfzhang95, Smp, TorchvisionAlexNet, conv_bn

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
        result = width if issubclass(block, Basic) else 4 * width
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


def smp_resnet34(body=BasicBody):
    """DeepLabV3Plus(): its default encoder, of basic blocks."""
    kept = goldens.FEATURES, goldens.LOW
    goldens.FEATURES, goldens.LOW = BASIC_WIDTHS[3], BASIC_WIDTHS[0]
    model = Smp(OS16, (*ONES, (1,) * 6, THREE), (12, 24, 36))
    goldens.FEATURES, goldens.LOW = kept
    model.encoder = body(OS16, (*ONES, (1,) * 6, (2, 2, 2)))
    return model


class Contracted(Basic):
    """timm's BasicBlock: the first of a dilated stage keeps the dilation before it in its first convolution."""

    first, second = 1, 2  # of layer4's first block at output stride 16

    def __init__(self, inputs, width, stride, dilation, shortcut):
        super().__init__(inputs, width, stride, dilation, shortcut)
        if dilation == self.second and shortcut:
            self.conv1.dilation = self.conv1.padding = (self.first, self.first)


class Wide(Bottleneck):
    """A bottleneck of a wide ResNet: twice as many channels between the 1x1 as others of that result have."""

    def __init__(self, inputs, width, stride, dilation, shortcut):
        nn.Module.__init__(self)
        inner = 2 * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = None
        if shortcut:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False),
                                            nn.BatchNorm2d(4 * width))


class TimmBody(nn.Module):
    """What segmentation_models_pytorch calls "tu-resnet34": timm's network, one level down."""

    def __init__(self, strides, dilations):
        super().__init__()
        self.model = nn.Module()
        add_body(self.model, Contracted, BASIC_WIDTHS, strides, dilations)

    def forward(self, x):
        body = self.model
        low = body.layer1(body.maxpool(F.relu(body.bn1(body.conv1(x)))))
        return low, body.layer4(body.layer3(body.layer2(low)))


class SmpV3(nn.Module):
    """segmentation_models_pytorch's DeepLabV3 on ResNet-18."""

    def __init__(self, strides, dilations, rates):
        super().__init__()
        self.encoder = BasicBody(strides, dilations)
        self.decoder = nn.Sequential(ASPP(BASIC_WIDTHS[3], rates, HEAD), *conv_bn(HEAD, HEAD, 3))
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(HEAD, 3, 1), nn.Upsample(mode="bilinear", scale_factor=8, align_corners=True))

    def forward(self, x):
        return self.segmentation_head(self.decoder(self.encoder(x)[1]))


class VainfV3(nn.Module):
    """VainF's DeepLabHead behind ResNet-50."""

    def __init__(self, strides, dilations, rates):
        super().__init__()
        self.backbone = goldens.ResNet(strides, dilations)
        self.classifier = nn.Module()
        self.classifier.classifier = nn.Sequential(ASPP(goldens.FEATURES, rates, HEAD), *conv_bn(HEAD, HEAD, 3),
                                                   nn.Conv2d(HEAD, 2, 1))

    def forward(self, image):
        x = self.classifier.classifier(self.backbone(image)[1])
        return goldens.record("upsample", F.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False))


class PooledAlexNet(TorchvisionAlexNet):
    """Features averaged over the whole image, behind them layers with names and one that follows without a ReLU."""

    def __init__(self):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        out = nn.Sequential(nn.Linear(9, 7), nn.Linear(7, 5), nn.LogSoftmax(1))
        self.classifier = nn.Sequential(OrderedDict(dropout=nn.Dropout(), hidden=nn.Linear(5, 9), relu=nn.ReLU(), out=out))

    def forward(self, x):
        x = self.classifier[:3](torch.flatten(self.avgpool(self.features(x)), 1))
        return self.classifier.out[1](self.classifier.out[0](x))  # logits


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
    "resnext50": (lambda: Classifier(Grouped, (3, 4, 6, 3), (32, 32, 32, 32), linear),
                  {**RESNET, "input_size": "33x32"}, (32, 33), as_is, torch.float16, False),
    "wide_resnet50": (lambda: Classifier(Wide, (3, 4, 6, 3), WIDTHS, linear), RESNET, (64, 80), as_is, torch.float16,
                      False),
    "alexnet_own_head": (PooledAlexNet, {"arch": "alexnet", "preset": "torchvision", "input_size": "127x97"}, (97, 127),
                         lambda state: {"net." + key: value for key, value in state.items()}, torch.float32, False),
    "smp_v3_resnet18": (lambda: SmpV3(OS8, ((1, 1), (1, 1), (2, 2), (4, 4)), (12, 24, 36)),
                        {"arch": "deeplabv3", "preset": "smp"}, (32, 112), as_is, torch.float32, False),
    "vainf_v3": (lambda: VainfV3(OS16, (*ONES, (1,) * 6, (1, 2, 2)), (6, 12, 18)),
                 {"arch": "deeplabv3", "preset": "vainf"}, (33, 113), as_is, torch.float16, False),
    "smp_tu_resnet34": (lambda: smp_resnet34(TimmBody), {"arch": "deeplabv3plus", "preset": "smp"}, (32, 112), as_is,
                        torch.float32, False),
    "smp_resnet34": (smp_resnet34, {"arch": "deeplabv3plus", "preset": "smp"}, (32, 112), as_is, torch.float32, False),
    "jfzhang95_resnet101": (lambda: Jfzhang95(OS16, (*ONES, (1,) * 23, (2, 4, 8)), (6, 12, 18)),
                            {"arch": "deeplabv3plus", "preset": "jfzhang95"}, (33, 113),
                            lambda state: {"epoch": 50, "state_dict": state}, torch.float32, True),
})

if __name__ == "__main__":
    for case in sys.argv[1:] or goldens.CASES:
        goldens.write_case(case)
