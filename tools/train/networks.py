"""The two networks in PyTorch: what training makes, and what the engine is measured against.

DeepLabv3+ is written after segmentation_models_pytorch (encoder resnet50 or another ResNet, output stride 16), whose state_dict keys it
reproduces; AlexNet is torchvision's own. `giemsa convert` reads both, as presets smp and torchvision.
"""

import torch
import torchvision
from torch import nn


def conv_bn_relu(in_channels, out_channels):
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU())


def separable(in_channels, out_channels, dilation=1):
    """A depthwise 3x3 and a pointwise convolution with nothing between them."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, padding=dilation, dilation=dilation, groups=in_channels, bias=False),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
    )


def separable_bn_relu(in_channels, out_channels, dilation=1):
    return nn.Sequential(separable(in_channels, out_channels, dilation), nn.BatchNorm2d(out_channels), nn.ReLU())


class Aspp(nn.Module):
    def __init__(self, channels, rates):
        super().__init__()
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), *conv_bn_relu(channels, 256))
        branches = [separable_bn_relu(channels, 256, rate) for rate in rates]
        self.convs = nn.ModuleList([conv_bn_relu(channels, 256), *branches, pool])
        self.project = conv_bn_relu(5 * 256, 256)

    def forward(self, x):
        *branches, pool = self.convs
        pooled = nn.functional.interpolate(pool(x), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.project(torch.cat([branch(x) for branch in branches] + [pooled], dim=1))


class Decoder(nn.Module):
    def __init__(self, low_level, deep, rates):
        super().__init__()
        self.aspp = nn.Sequential(Aspp(deep, rates), separable(256, 256), nn.BatchNorm2d(256), nn.ReLU())
        self.up = nn.UpsamplingBilinear2d(scale_factor=4)
        self.block1 = conv_bn_relu(low_level, 48)
        self.block2 = separable_bn_relu(256 + 48, 256)

    def forward(self, low_level, deep):
        return self.block2(torch.cat([self.up(self.aspp(deep)), self.block1(low_level)], dim=1))


def dilated(body):
    """torchvision's ResNet of that name whose layer4 dilates, in every convolution, in place of its stride."""
    encoder = getattr(torchvision.models, body)()
    for module in encoder.layer4.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
            if module.kernel_size == (3, 3):
                module.dilation = module.padding = (2, 2)
    channels = [layer[-1].bn3.num_features if hasattr(layer[-1], "bn3") else layer[-1].bn2.num_features
                for layer in (encoder.layer1, encoder.layer4)]
    del encoder.fc
    return encoder, *channels


class DeepLabV3Plus(nn.Module):
    """{1,3,h,w} -> logits {1,classes,h,w}; with `centres` also the centre head's {1,3,h/4,w/4} (centres.py)."""

    def __init__(self, classes, rates=(12, 24, 36), body="resnet50", centres=False):
        super().__init__()
        self.encoder, low_level, deep = dilated(body)
        self.decoder = Decoder(low_level, deep, rates)
        self.segmentation_head = nn.Sequential(nn.Conv2d(256, classes, 1), nn.UpsamplingBilinear2d(scale_factor=4))
        self.centre_head = nn.Sequential(separable_bn_relu(256, 64), nn.Conv2d(64, 3, 1)) if centres else None
        self.fixed = ()

    def fix_first_stages(self):
        """Stem, layer1 and layer2 are not trained."""
        encoder = self.encoder
        self.fixed = (encoder.conv1, encoder.bn1, encoder.layer1, encoder.layer2)
        for module in self.fixed:
            module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode=True):
        super().train(mode)
        for module in self.fixed:
            module.eval()
        return self

    def forward(self, x):
        encoder = self.encoder
        x = encoder.maxpool(encoder.relu(encoder.bn1(encoder.conv1(x))))
        low_level = encoder.layer1(x)
        deep = encoder.layer4(encoder.layer3(encoder.layer2(low_level)))
        decoded = self.decoder(low_level, deep)
        logits = self.segmentation_head(decoded)
        return logits if self.centre_head is None else (logits, self.centre_head(decoded))


class FineTuned(nn.Module):
    """A ResNet-50 whose first layers stay as ImageNet made them: {n,3,h,w} -> logits {n,classes}.

    The stride is in a block's first 1x1, as in the weights that it starts from (imagenet.py).
    """

    def __init__(self, classes):
        super().__init__()
        self.body = torchvision.models.resnet50()
        for layer in (self.body.layer2, self.body.layer3, self.body.layer4):
            layer[0].conv1.stride, layer[0].conv2.stride = layer[0].conv2.stride, layer[0].conv1.stride
        self.body.fc = nn.Sequential(nn.Dropout(0.2), nn.Linear(2048, classes))
        self.fixed = (self.body.conv1, self.body.bn1, self.body.layer1)
        for module in self.fixed:
            module.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        for module in self.fixed:
            module.eval()
        return self

    def forward(self, x):
        return self.body(x)


def alexnet(classes):
    """{n,3,224,224} -> logits {n,classes}."""
    return torchvision.models.alexnet(num_classes=classes)
