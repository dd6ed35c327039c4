"""The two networks in PyTorch, with the weights of a Giemsa model file: what the engine is measured against.

DeepLabv3+ is written after segmentation_models_pytorch (encoder resnet50, output stride 16), whose state_dict keys it
reproduces; AlexNet is torchvision's own.
"""

import json
import struct

import torch
import torchvision
from torch import nn

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I8": torch.int8}


def read_model(path):
    """Metadata and fp32 tensors of a .safetensors file; int8 rows are multiplied by their scales."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for key, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=torch.uint8, count=end - begin, offset=8 + length + begin)
        tensors[key] = flat.view(DTYPES[entry["dtype"]]).reshape(entry["shape"]).float()
    for key in [key for key in tensors if key.endswith(".weight_scale")]:
        tensors[key[: -len("_scale")]] *= tensors.pop(key)[:, None]
    return metadata, tensors


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
    def __init__(self, rates):
        super().__init__()
        self.aspp = nn.Sequential(Aspp(2048, rates), separable(256, 256), nn.BatchNorm2d(256), nn.ReLU())
        self.up = nn.UpsamplingBilinear2d(scale_factor=4)
        self.block1 = conv_bn_relu(256, 48)
        self.block2 = separable_bn_relu(256 + 48, 256)

    def forward(self, low_level, deep):
        return self.block2(torch.cat([self.up(self.aspp(deep)), self.block1(low_level)], dim=1))


def dilated_resnet50():
    encoder = torchvision.models.resnet50(replace_stride_with_dilation=[False, False, True])
    first = encoder.layer4[0].conv2  # torchvision dilates from the second block on
    first.dilation = first.padding = (2, 2)
    del encoder.fc
    return encoder


class DeepLabV3Plus(nn.Module):
    """{1,3,h,w} -> logits {1,classes,h,w}."""

    def __init__(self, classes, rates=(12, 24, 36)):
        super().__init__()
        self.encoder = dilated_resnet50()
        self.decoder = Decoder(rates)
        self.segmentation_head = nn.Sequential(nn.Conv2d(256, classes, 1), nn.UpsamplingBilinear2d(scale_factor=4))

    def forward(self, x):
        encoder = self.encoder
        x = encoder.maxpool(encoder.relu(encoder.bn1(encoder.conv1(x))))
        low_level = encoder.layer1(x)
        deep = encoder.layer4(encoder.layer3(encoder.layer2(low_level)))
        return self.segmentation_head(self.decoder(low_level, deep))


def load_network(path):
    """The network that the model file holds, in fp32 and inference mode."""
    metadata, tensors = read_model(path)
    kind = metadata["arch"], metadata["preset"]
    if kind == ("deeplabv3plus", "smp"):
        network = DeepLabV3Plus(len(tensors["segmentation_head.0.bias"]))
    elif kind == ("alexnet", "torchvision"):
        network = torchvision.models.alexnet(num_classes=len(tensors["classifier.6.bias"]))
    else:
        raise SystemExit(f"{path}: no PyTorch twin for {kind[0]} of preset {kind[1]}")
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise SystemExit(f"{path}: missing {missing[:3]}, unexpected {unexpected[:3]}")
    return network.eval()
