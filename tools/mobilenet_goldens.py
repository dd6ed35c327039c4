#!/usr/bin/python3
"""Writes tests/golden/<case>/ as tools/goldens.py does, for MobileNetV2 as a classifier and under DeepLabv3(+).

    tools/mobilenet_goldens.py [CASE...]

Statistics of the batch norms are those of a random image, and gains behind them such that ReLU6 cuts off some of what it
sees, on both sides. Needs torch and torchvision.
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F

import goldens
from goldens import HEAD, ASPP, Jfzhang95, Smp, Vainf, conv_bn

STEM, WIDTHS, LAST = 4, (3, 4, 5, 6, 7, 8, 9), 11  # channels; of the seven groups of blocks
BLOCKS = (1, 2, 3, 4, 3, 3, 1)
EXPANSION = 2  # 6 at full width

# Stride and dilation of each of the 17 blocks.
PLAIN = ((1, 1), (2, 1), (1, 1), (2, 1), (1, 1), (1, 1), (2, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (2, 1),
         (1, 1), (1, 1), (1, 1))
SMP_OS16 = PLAIN[:13] + ((1, 2), (1, 2), (1, 2), (1, 2))
SMP_OS8 = PLAIN[:6] + ((1, 2),) * 7 + ((1, 4),) * 4
VAINF_OS16 = PLAIN[:13] + ((1, 1), (1, 2), (1, 2), (1, 2))
VAINF_OS8 = PLAIN[:6] + ((1, 1), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 4), (1, 4), (1, 4))
JFZHANG95_OS8 = PLAIN[:6] + ((1, 1), (1, 1), (1, 1), (1, 1), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 4))


class BatchNorm6(nn.BatchNorm2d):
    """A batch norm with a ReLU6 behind it."""

    def forward(self, x):
        return goldens.record(self.our_name + ".relu", F.relu6(super().forward(x)))


class ConvBN6(nn.Sequential):
    def __init__(self, inputs, outputs, kernel, stride=1, dilation=1, groups=1, padding=None):
        padding = dilation * (kernel // 2) if padding is None else padding
        super().__init__(nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
                         BatchNorm6(outputs))


class Block(nn.Module):
    """An inverted residual; `ahead`: VainF's and jfzhang95's, which pads what goes into it; `flat`: jfzhang95's names."""

    def __init__(self, inputs, outputs, stride, dilation, expansion, ahead, flat):
        super().__init__()
        wide = inputs * expansion
        layers = [ConvBN6(inputs, wide, 1)] if expansion > 1 else []
        layers.append(ConvBN6(wide, wide, 3, stride, dilation, wide, 0 if ahead else None))
        if flat:
            layers = [each for layer in layers for each in (*layer, nn.Identity())]
        self.conv = nn.Sequential(*layers, nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.margin = dilation if ahead else 0
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.conv(F.pad(x, (self.margin,) * 4))
        return goldens.record(self.our_name + ".add", x + y) if self.adds else y


def features(shapes, ahead=False, bare_stem=False, flat=False, last=True):
    """The layers of the body, features.0 and up."""
    layers = [ConvBN6(3, STEM, 3, 2, padding=0 if bare_stem else 1)]
    channels, widths = STEM, [width for width, count in zip(WIDTHS, BLOCKS) for _ in range(count)]
    for i, (width, (stride, dilation)) in enumerate(zip(widths, shapes)):
        layers.append(Block(channels, width, stride, dilation, 1 if i == 0 else EXPANSION, ahead, flat))
        channels = width
    if last:
        layers.append(ConvBN6(channels, LAST, 1))
    return nn.Sequential(*layers)


def named(model, rename=lambda name: name):
    """Tells every module what our graph calls it."""
    model.our_names = {name: rename(name) for name, _ in model.named_modules()}
    for name, module in model.named_modules():
        module.our_name = rename(name)
    return model


def with_features(make, high):
    """make(), for a body whose low-level features and last ones have so many channels."""
    kept = goldens.FEATURES, goldens.LOW
    goldens.FEATURES, goldens.LOW = high, WIDTHS[1]
    model = make()
    goldens.FEATURES, goldens.LOW = kept
    return model


class Encoder(nn.Module):
    """segmentation_models_pytorch's: torchvision's features with the last convolution."""

    def __init__(self, shapes):
        super().__init__()
        self.features = features(shapes)

    def forward(self, x):
        low = self.features[:4](x)
        return low, self.features[4:](low)


class Halves(nn.Module):
    """VainF's and jfzhang95's: the features cut in two. jfzhang95's checkpoints hold them whole as well."""

    def __init__(self, layers, whole):
        super().__init__()
        if whole:
            self.features = layers
        self.low_level_features, self.high_level_features = layers[:4], layers[4:]

    def forward(self, x):
        low = self.low_level_features(x)
        return low, self.high_level_features(low)


class Classifier(nn.Module):
    """torchvision's MobileNetV2."""

    def __init__(self):
        super().__init__()
        self.features = features(PLAIN)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(LAST, 5))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def smp():
    model = with_features(lambda: Smp(goldens.OS16, ((1,),) * 4, (12, 24, 36)), LAST)
    model.encoder = Encoder(SMP_OS16)
    return named(model)


class SmpV3(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder(SMP_OS8)
        self.decoder = nn.Sequential(ASPP(LAST, (12, 24, 36), HEAD), *conv_bn(HEAD, HEAD, 3))
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(HEAD, 3, 1), nn.Upsample(mode="bilinear", scale_factor=8, align_corners=True))

    def forward(self, x):
        return self.segmentation_head(self.decoder(self.encoder(x)[1]))


def vainf():
    model = with_features(lambda: Vainf(goldens.OS16, ((1,),) * 4, (6, 12, 18)), WIDTHS[-1])
    model.backbone = Halves(features(VAINF_OS16, ahead=True, bare_stem=True, last=False), whole=False)
    return named(model)


class VainfV3(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Halves(features(VAINF_OS8, ahead=True, bare_stem=True, last=False), whole=False)
        self.classifier = nn.Module()
        self.classifier.classifier = nn.Sequential(ASPP(WIDTHS[-1], (12, 24, 36), HEAD), *conv_bn(HEAD, HEAD, 3),
                                                   nn.Conv2d(HEAD, 2, 1))

    def forward(self, image):
        x = self.classifier.classifier(self.backbone(image)[1])
        return goldens.record("upsample", F.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False))


def jfzhang95():
    model = with_features(lambda: Jfzhang95(goldens.OS8, ((1,),) * 4, (12, 24, 36)), WIDTHS[-1])
    model.backbone = Halves(features(JFZHANG95_OS8, ahead=True, flat=True, last=False), whole=True)

    def rename(name):
        parts = name.split(".")
        if parts[:2] == ["backbone", "features"] and len(parts) > 2:
            parts[1] = "low_level_features" if int(parts[2]) < 4 else "high_level_features"
        return ".".join(parts)

    return named(model, rename)


def randomize(model):
    random_everywhere(model)
    goldens.record, handles = goldens.Recorder(), []
    for name, module in model.named_modules():
        if not isinstance(module, nn.BatchNorm2d) or "features." not in name:
            continue
        if isinstance(module, BatchNorm6):
            nn.init.uniform_(module.weight, 1.5, 4)
            nn.init.normal_(module.bias, 0.5, 1)
        else:
            nn.init.uniform_(module.weight, 0.5, 1)

        def settle(module, inputs):
            module.running_mean.copy_(inputs[0].mean((0, 2, 3)))
            module.running_var.copy_(inputs[0].var((0, 2, 3)) + 0.1)

        handles.append(module.register_forward_pre_hook(settle))
    with torch.no_grad():
        model(torch.randn(1, 3, 96, 128))
    for handle in handles:
        handle.remove()


random_everywhere = goldens.randomize
goldens.randomize = randomize
goldens.CASES.clear()
goldens.CASES.update({
    "mobilenet_v2": (lambda: named(Classifier()), {"arch": "mobilenet_v2", "preset": "torchvision", "input_size": "80x64"},
                     (64, 80), lambda state: state, torch.float32, False),
    "smp_mobilenet_v2": (smp, {"arch": "deeplabv3plus", "preset": "smp"}, (32, 112), lambda state: state, torch.float32,
                         False),
    "smp_v3_mobilenet_v2": (lambda: named(SmpV3()), {"arch": "deeplabv3", "preset": "smp"}, (32, 112),
                            lambda state: state, torch.float16, False),
    "vainf_mobilenet": (vainf, {"arch": "deeplabv3plus", "preset": "vainf"}, (33, 113),
                        lambda state: {"model_state": state, "best_score": 0.75}, torch.float32, False),
    "vainf_v3_mobilenet": (lambda: named(VainfV3()), {"arch": "deeplabv3", "preset": "vainf", "output_stride": "8"},
                           (34, 97), lambda state: {"model_state": state}, torch.float32, False),
    "jfzhang95_mobilenet": (jfzhang95, {"arch": "deeplabv3plus", "preset": "jfzhang95", "output_stride": "8"}, (33, 97),
                            lambda state: {"epoch": 50, "state_dict": state}, torch.float32, True),
})

if __name__ == "__main__":
    for case in sys.argv[1:] or goldens.CASES:
        goldens.write_case(case)
