#!/usr/bin/python3
"""Writes tests/golden/<case>/: a PyTorch checkpoint, and what PyTorch computes from it, layer by layer.

    tools/goldens.py [CASE...]

Every checkpoint family that `giemsa convert` knows is here as a compact module with that family's state_dict keys, but few
channels and random weights and statistics (seeded by the case's name). Activations are computed in double precision and
stored as fp32 (the input as fp16) under the names of our graph: a convolution's is its state_dict prefix, a batch norm's ReLU
is `<bn>.relu`, a residual block's result is `<block>.relu`. Strides, dilations and rates stand below as numbers copied from
each repository, not as rules: the C++ has the rules, and is to arrive at the same numbers.

Needs torch and torchvision (1.13.1 and 0.14.1 wrote the files in the repository).
"""

import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.segmentation.deeplabv3 import ASPP, ASPPPooling

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
WIDTHS = (2, 3, 4, 5)  # of a bottleneck in layer1..layer4; block outputs have four times as many channels
FEATURES = 4 * WIDTHS[3]
LOW = 4 * WIDTHS[0]
HEAD = 6
CLASSES = 2


class Recorder:
    """Collects activations during one forward pass."""

    def __init__(self):
        self.activations = {}

    def __call__(self, name, tensor):
        if name in self.activations:
            raise ValueError(f"{name} recorded twice")
        self.activations[name] = tensor.detach().clone()  # in-place ReLUs and sums follow
        return tensor

    def watch(self, model):
        for name, module in model.named_modules():
            name = getattr(model, "our_names", {}).get(name, name)
            if isinstance(module, (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Upsample)):
                if ".1.conv" in name or ".2.conv" in name or "b_branch" in name or "c_branch" in name:
                    continue  # of inner blocks the result is enough, and the files stay small
                module.register_forward_hook(lambda _, __, out, name=name: self(name, out))
            elif isinstance(module, nn.BatchNorm2d) and (name.startswith(HEADS) and not name.endswith("downsample.1")):
                module.register_forward_hook(lambda _, __, out, name=name: self(name + ".relu", F.relu(out)))
            elif isinstance(module, Bottleneck):
                module.register_forward_hook(lambda _, __, out, name=name: self(name + ".relu", out))
            elif isinstance(module, ASPPPooling):
                module.register_forward_hook(lambda _, __, out, name=name: self(name + ".upsample", out))


HEADS = ("decoder", "classifier", "aspp", "decode_head", "dec_bn")
record = Recorder()


def conv_bn(inputs, outputs, kernel, dilation=1):
    return [nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False),
            nn.BatchNorm2d(outputs), nn.ReLU()]


# ---- backbone ----

class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride, dilation, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if shortcut:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """ResNet-50. `strides`: of layer1..4; `dilations`: of every block."""

    def __init__(self, strides, dilations, deep_stem=False):
        super().__init__()
        if deep_stem:
            self.stem = nn.Sequential(nn.Conv2d(3, 3, 3, 2, 1, bias=False), nn.BatchNorm2d(3), nn.ReLU(),
                                      *conv_bn(3, 4, 3), *conv_bn(4, 5, 3))
            channels = 5
        else:
            self.conv1 = nn.Conv2d(3, 4, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(4)
            channels = 4
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for i, (width, stride, stage) in enumerate(zip(WIDTHS, strides, dilations)):
            blocks = []
            for j, dilation in enumerate(stage):
                blocks.append(Bottleneck(channels, width, stride if j == 0 else 1, dilation, j == 0))
                channels = 4 * width
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))

    def forward(self, x):
        x = self.stem(x) if hasattr(self, "stem") else F.relu(self.bn1(self.conv1(x)))
        low = self.layer1(self.maxpool(x))
        return low, self.layer4(self.layer3(self.layer2(low)))


ONES = ((1,) * 3, (1,) * 4)  # layer1 and layer2 are never dilated


# ---- segmentation_models_pytorch ----

def separable(inputs, outputs, dilation=1):
    return nn.Sequential(nn.Conv2d(inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False),
                         nn.Conv2d(inputs, outputs, 1, bias=False))


class Smp(nn.Module):
    def __init__(self, strides, dilations, rates, aspp_separable=True):
        super().__init__()
        self.encoder = ResNet(strides, dilations)
        aspp = ASPP(FEATURES, rates, HEAD)
        if aspp_separable:
            for i, rate in enumerate(rates):
                aspp.convs[i + 1][0] = separable(FEATURES, HEAD, rate)
        self.decoder = nn.Module()
        self.decoder.aspp = nn.Sequential(aspp, separable(HEAD, HEAD), nn.BatchNorm2d(HEAD), nn.ReLU())
        self.decoder.up = nn.Upsample(mode="bilinear", scale_factor=strides[2] * strides[3] * 2, align_corners=True)
        self.decoder.block1 = nn.Sequential(*conv_bn(LOW, 4, 1))
        self.decoder.block2 = nn.Sequential(separable(4 + HEAD, HEAD), nn.BatchNorm2d(HEAD), nn.ReLU())
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(HEAD, CLASSES, 1), nn.Upsample(mode="bilinear", scale_factor=4, align_corners=True))

    def forward(self, x):
        low, high = self.encoder(x)
        x = self.decoder.up(self.decoder.aspp(high))
        x = self.decoder.block2(torch.cat([x, self.decoder.block1(low)], 1))
        return self.segmentation_head(x)


# ---- VainF/DeepLabV3Plus-Pytorch ----

class AtrousSeparable(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.body = separable(conv.in_channels, conv.out_channels, conv.dilation[0])

    def forward(self, x):
        return self.body(x)


class Vainf(nn.Module):
    def __init__(self, strides, dilations, rates, convert_to_separable=False):
        super().__init__()
        self.backbone = ResNet(strides, dilations)
        self.classifier = nn.Module()
        self.classifier.project = nn.Sequential(*conv_bn(LOW, 4, 1))
        self.classifier.aspp = ASPP(FEATURES, rates, HEAD)
        self.classifier.classifier = nn.Sequential(*conv_bn(4 + HEAD, HEAD, 3), nn.Conv2d(HEAD, CLASSES, 1))
        if convert_to_separable:
            for sequence in (*self.classifier.aspp.convs[1:4], self.classifier.classifier):
                sequence[0] = AtrousSeparable(sequence[0])

    def forward(self, image):
        low, high = self.backbone(image)
        head = self.classifier
        low = head.project(low)
        x = F.interpolate(head.aspp(high), size=low.shape[2:], mode="bilinear", align_corners=False)
        x = head.classifier(torch.cat([low, record("classifier.upsample", x)], 1))
        return record("upsample", F.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False))


# ---- jfzhang95/pytorch-deeplab-xception ----

class Jfzhang95(nn.Module):
    def __init__(self, strides, dilations, rates):
        super().__init__()
        self.backbone = ResNet(strides, dilations)
        self.aspp = nn.Module()
        for i, rate in enumerate((1, *rates)):
            branch = nn.Module()
            branch.atrous_conv, branch.bn, _ = conv_bn(FEATURES, HEAD, 1 if i == 0 else 3, rate)
            setattr(self.aspp, f"aspp{i + 1}", branch)
        self.aspp.global_avg_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), *conv_bn(FEATURES, HEAD, 1))
        self.aspp.conv1, self.aspp.bn1, _ = conv_bn(5 * HEAD, HEAD, 1)
        self.decoder = nn.Module()
        self.decoder.conv1, self.decoder.bn1, _ = conv_bn(LOW, 4, 1)
        self.decoder.last_conv = nn.Sequential(*conv_bn(4 + HEAD, HEAD, 3), nn.Dropout(0.5), *conv_bn(HEAD, HEAD, 3),
                                               nn.Dropout(0.1), nn.Conv2d(HEAD, CLASSES, 1))

    def forward(self, image):
        def upsample(x, like):
            return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=True)

        low, high = self.backbone(image)
        aspp, decoder = self.aspp, self.decoder
        branches = [F.relu(branch.bn(branch.atrous_conv(high)))
                    for branch in (aspp.aspp1, aspp.aspp2, aspp.aspp3, aspp.aspp4)]
        branches.append(upsample(aspp.global_avg_pool(high), high))
        x = F.relu(aspp.bn1(aspp.conv1(torch.cat(branches, 1))))
        low = F.relu(decoder.bn1(decoder.conv1(low)))
        x = record("decoder.upsample", upsample(x, low))
        return record("upsample", upsample(decoder.last_conv(torch.cat([x, low], 1)), image))


# ---- OpenMMLab mmsegmentation ----

class ConvModule(nn.Module):
    def __init__(self, inputs, outputs, kernel, dilation=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=groups,
                              bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class DepthwiseSeparable(nn.Module):
    def __init__(self, inputs, outputs, dilation=1):
        super().__init__()
        self.depthwise_conv = ConvModule(inputs, inputs, 3, dilation, groups=inputs)
        self.pointwise_conv = ConvModule(inputs, outputs, 1)

    def forward(self, x):
        return self.pointwise_conv(self.depthwise_conv(x))


class Mmseg(nn.Module):
    def __init__(self, strides, dilations, rates):
        super().__init__()
        self.backbone = ResNet(strides, dilations, deep_stem=True)
        head = self.decode_head = nn.Module()
        head.image_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvModule(FEATURES, HEAD, 1))
        head.aspp_modules = nn.ModuleList(
            [ConvModule(FEATURES, HEAD, 1), *(DepthwiseSeparable(FEATURES, HEAD, rate) for rate in rates)])
        head.bottleneck = ConvModule(5 * HEAD, HEAD, 3)
        head.c1_bottleneck = ConvModule(LOW, 4, 1)
        head.sep_bottleneck = nn.Sequential(DepthwiseSeparable(4 + HEAD, HEAD), DepthwiseSeparable(HEAD, HEAD))
        head.conv_seg = nn.Conv2d(HEAD, CLASSES, 1)
        self.auxiliary_head = nn.Module()
        self.auxiliary_head.conv_seg = nn.Conv2d(HEAD, CLASSES, 1)

    def forward(self, image):
        def resize(x, like):
            return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)

        low, high = self.backbone(image)
        head = self.decode_head
        x = torch.cat([resize(head.image_pool(high), high), *(module(high) for module in head.aspp_modules)], 1)
        low = head.c1_bottleneck(low)
        x = record("decode_head.upsample", resize(head.bottleneck(x), low))
        x = head.conv_seg(head.sep_bottleneck(torch.cat([x, low], 1)))
        return record("upsample", resize(x, image))


# ---- torchvision deeplabv3 ----

class TorchvisionV3(nn.Module):
    def __init__(self, strides, dilations, rates):
        super().__init__()
        self.backbone = ResNet(strides, dilations)
        self.classifier = nn.Sequential(ASPP(FEATURES, rates, HEAD), *conv_bn(HEAD, HEAD, 3), nn.Conv2d(HEAD, CLASSES, 1))
        self.aux_classifier = nn.Sequential(*conv_bn(LOW, 4, 3), nn.Dropout(0.1), nn.Conv2d(4, CLASSES, 1))

    def forward(self, image):
        _, high = self.backbone(image)
        return record("upsample", F.interpolate(self.classifier(high), size=image.shape[2:], mode="bilinear",
                                                align_corners=False))


# ---- MATLAB deeplabv3plusLayers ----

class Matlab(nn.Module):
    """The graph that MATLAB's generated code spells out, with its layer names; `dilations` as for ResNet."""

    def __init__(self, strides, dilations, rates):
        super().__init__()

        def add(conv, bn, inputs, outputs, kernel, stride=1, dilation=1, eps=1e-3):
            setattr(self, conv, nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation))
            setattr(self, bn, nn.BatchNorm2d(outputs, eps=eps))

        add("conv1", "bn_conv1", 3, 4, 7, 2)
        self.blocks, channels = [], 4
        for s, (width, stride, stage) in enumerate(zip(WIDTHS, strides, dilations)):
            for j, dilation in enumerate(stage):
                block = f"{s + 2}{'abcdef'[j]}"
                step = stride if j == 0 else 1
                add(f"res{block}_branch2a", f"bn{block}_branch2a", channels, width, 1, step)
                add(f"res{block}_branch2b", f"bn{block}_branch2b", width, width, 3, 1, dilation)
                add(f"res{block}_branch2c", f"bn{block}_branch2c", width, 4 * width, 1)
                if j == 0:
                    add(f"res{block}_branch1", f"bn{block}_branch1", channels, 4 * width, 1, step)
                self.blocks.append(block)
                channels = 4 * width
        for i, rate in enumerate((1, *rates)):
            add(f"aspp_Conv_{i + 1}", f"aspp_BatchNorm_{i + 1}", FEATURES, HEAD, 1 if i == 0 else 3, 1, rate, 1e-5)
        add("dec_c1", "dec_bn1", 4 * HEAD, HEAD, 1, eps=1e-5)
        add("dec_c2", "dec_bn2", LOW, 4, 1, eps=1e-5)
        add("dec_c3", "dec_bn3", 4 + HEAD, HEAD, 3, eps=1e-5)
        add("dec_c4", "dec_bn4", HEAD, HEAD, 3, eps=1e-5)
        self.scorer = nn.Conv2d(HEAD, CLASSES, 1)
        tent = torch.tensor([1, 3, 5, 7, 7, 5, 3, 1]) / 8
        for name, channels in (("dec_upsample1", HEAD), ("dec_upsample2", CLASSES)):
            up = nn.ConvTranspose2d(channels, channels, 8, stride=4, padding=2)
            up.weight.data = torch.eye(channels)[:, :, None, None] * tent[:, None] * tent[None, :]
            up.bias.data.zero_()
            setattr(self, name, up)

    def forward(self, x):
        def unit(conv, bn, x):
            return getattr(self, bn)(getattr(self, conv)(x))

        x = F.relu(unit("conv1", "bn_conv1", x))
        pad = [((size + 1) // 2 - 1) * 2 + 3 - size for size in (x.shape[3], x.shape[2])]  # MATLAB's 'same'
        x = F.pad(x, (pad[0] // 2, pad[0] - pad[0] // 2, pad[1] // 2, pad[1] - pad[1] // 2), value=-torch.inf)
        x = record("max_pooling2d_1", F.max_pool2d(x, 3, 2))
        for block in self.blocks:
            y = F.relu(unit(f"res{block}_branch2a", f"bn{block}_branch2a", x))
            y = F.relu(unit(f"res{block}_branch2b", f"bn{block}_branch2b", y))
            y = unit(f"res{block}_branch2c", f"bn{block}_branch2c", y)
            if block.endswith("a"):
                x = unit(f"res{block}_branch1", f"bn{block}_branch1", x)
            x = record(f"res{block}.relu", F.relu(y + x))
            if block == "2c":
                low = F.relu(unit("dec_c2", "dec_bn2", x))
        x = torch.cat([F.relu(unit(f"aspp_Conv_{i}", f"aspp_BatchNorm_{i}", x)) for i in range(1, 5)], 1)
        x = record("dec_upsample1", self.dec_upsample1(F.relu(unit("dec_c1", "dec_bn1", x))))
        x = torch.cat([low, x], 1)
        x = F.relu(unit("dec_c4", "dec_bn4", F.relu(unit("dec_c3", "dec_bn3", x))))
        return record("dec_upsample2", self.dec_upsample2(self.scorer(x)))


# ---- AlexNet ----

class TorchvisionAlexNet(nn.Module):
    """torchvision's alexnet.py, narrow."""

    our_names = {"features.2": "features.0.pool", "features.5": "features.3.pool", "features.12": "features.10.pool"}

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 6, 5, padding=2), nn.ReLU(),
            nn.MaxPool2d(3, 2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 7, 3, padding=1), nn.ReLU(),
            nn.Conv2d(7, 5, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(180, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 11),
                                        nn.ReLU(), nn.Linear(11, 5))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class CaffeAlexNet(nn.Module):
    """bvlc_alexnet's deploy.prototxt, narrow: groups of 2, LRN behind the ReLU, pooled sizes rounded up."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 11, 4)
        self.conv2 = nn.Conv2d(6, 8, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(8, 10, 3, padding=1)
        self.conv4 = nn.Conv2d(10, 8, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(8, 6, 3, padding=1, groups=2)
        self.fc6 = nn.Linear(216, 12)
        self.fc7 = nn.Linear(12, 11)
        self.fc8 = nn.Linear(11, 5)

    def forward(self, x):
        def norm(layer, x):
            return record(f"{layer}.norm", F.local_response_norm(F.relu(x), 5, 1e-4, 0.75, 1.0))

        def pool(layer, x):
            return record(f"{layer}.pool", F.max_pool2d(x, 3, 2, ceil_mode=True))

        x = pool("conv1", norm("conv1", self.conv1(x)))
        x = pool("conv2", norm("conv2", self.conv2(x)))
        x = F.relu(self.conv4(F.relu(self.conv3(x))))
        x = torch.flatten(pool("conv5", F.relu(self.conv5(x))), 1)
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(x)))))


# ---- the cases ----

def wrap_lightning(state):
    return {"state_dict": {"model." + key: value for key, value in state.items()}, "pytorch-lightning_version": "2.0.0"}


OS16 = (1, 2, 2, 1)
OS8 = (1, 2, 1, 1)
SIX, THREE = (1,) * 6, (1,) * 3
# name: (model, what `giemsa convert` is told, input height and width, wrapper of the checkpoint, its precision, legacy file)
CASES = {
    "smp": (lambda: Smp(OS16, (*ONES, SIX, (2, 2, 2)), (12, 24, 36)),
            {"arch": "deeplabv3plus", "preset": "smp"}, (32, 208), lambda state: state, torch.float16, False),
    "smp_os8_dense": (lambda: Smp(OS8, (*ONES, (2,) * 6, (4, 4, 4)), (2, 3, 4), aspp_separable=False),
                      {"arch": "deeplabv3plus", "preset": "smp", "output_stride": "8", "aspp_rates": "2,3,4"}, (48, 64),
                      lambda state: state, torch.float32, False),
    "vainf": (lambda: Vainf(OS16, (*ONES, SIX, (1, 2, 2)), (6, 12, 18)),
              {"arch": "deeplabv3plus", "preset": "vainf"}, (33, 113),
              lambda state: {"cur_itrs": 30000, "model_state": state, "best_score": np.float64(0.75)}, torch.float32, False),
    "vainf_os8_separable": (
        lambda: Vainf(OS8, (*ONES, (1, 2, 2, 2, 2, 2), (2, 4, 4)), (12, 24, 36), convert_to_separable=True),
        {"arch": "deeplabv3plus", "preset": "vainf", "output_stride": "8"}, (17, 129),
        lambda state: {"module." + key: value for key, value in state.items()}, torch.float32, True),
    "jfzhang95": (lambda: Jfzhang95(OS16, (*ONES, SIX, (2, 4, 8)), (6, 12, 18)),
                  {"arch": "deeplabv3plus", "preset": "jfzhang95"}, (33, 113),
                  lambda state: {"epoch": 50, "state_dict": state, "optimizer": {"state": {}}, "best_pred": 0.7},
                  torch.float32, True),
    "jfzhang95_os8": (lambda: Jfzhang95(OS8, (*ONES, (2,) * 6, (4, 8, 16)), (12, 24, 36)),
                      {"arch": "deeplabv3plus", "preset": "jfzhang95", "output_stride": "8"}, (25, 97),
                      lambda state: {"state_dict": {"module." + key: value for key, value in state.items()}},
                      torch.float32, False),
    "mmseg": (lambda: Mmseg(OS8, (*ONES, (1, 2, 2, 2, 2, 2), (2, 4, 4)), (12, 24, 36)),
              {"arch": "deeplabv3plus", "preset": "mmseg"}, (25, 97),
              lambda state: {"meta": {"CLASSES": ("background", "cell"), "mmseg_version": "0.30.0"}, "state_dict": state},
              torch.float32, False),
    "matlab": (lambda: Matlab(OS16, (*ONES, SIX, (2, 2, 2)), (6, 12, 18)),
               {"arch": "deeplabv3plus", "preset": "matlab"}, (32, 112), lambda state: state, torch.float32, False),
    "torchvision_v3": (lambda: TorchvisionV3(OS8, (*ONES, (1, 2, 2, 2, 2, 2), (2, 4, 4)), (12, 24, 36)),
                       {"arch": "deeplabv3", "preset": "torchvision"}, (27, 101), lambda state: state, torch.float32, False),
    "alexnet": (TorchvisionAlexNet, {"arch": "alexnet", "preset": "torchvision", "input_size": "97x127"}, (127, 97),
                wrap_lightning, torch.float32, False),
    "caffe_alexnet": (CaffeAlexNet, {"arch": "alexnet", "preset": "caffe", "input_size": "199x199"}, (199, 199),
                      lambda state: state, torch.float16, False),
}


def randomize(model):
    """He-scaled weights; batch norms with every parameter away from its default."""
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.1)
        elif isinstance(module, nn.BatchNorm2d):
            # A small gain at the end of each residual branch keeps sums from growing with depth.
            gain = 0.4 if name.endswith(("bn3", "branch2c")) else 1.0
            nn.init.uniform_(module.weight, 0.7 * gain, 1.3 * gain)
            nn.init.normal_(module.bias, 0.1, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.6, 1.5)


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        dtype = {torch.float32: "F32", torch.float16: "F16"}[tensor.dtype]
        start, data = len(data), data + tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_case(name):
    global record
    build, options, size, wrap, dtype, legacy = CASES[name]
    torch.manual_seed(zlib.crc32(name.encode()))
    model = build().eval()
    randomize(model)
    state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in model.state_dict().items()}
    model.load_state_dict(state)  # computes with what is stored
    model.double()
    image = torch.randn(1, 3, *size).half()

    record = Recorder()
    record.watch(model)
    with torch.no_grad():
        logits = model(image.double())
    activations = {key: value.float() for key, value in record.activations.items()}
    folder = GOLDEN / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(wrap(state), folder / "checkpoint.pt", _use_new_zipfile_serialization=not legacy)
    logits_name = next(key for key, value in reversed(record.activations.items()) if value.equal(logits))
    metadata = {"command": f"tools/goldens.py {name}", "torch": torch.__version__, "logits": logits_name}
    metadata.update({"convert." + key: value for key, value in options.items()})
    write_safetensors(folder / "activations.safetensors", {"input": image, **activations}, metadata)
    sizes = [path.stat().st_size for path in sorted(folder.iterdir())]
    print(f"{name}: {len(activations)} activations, {sizes} bytes, logits {logits.min():.3g} .. {logits.max():.3g}")


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        write_case(case)
