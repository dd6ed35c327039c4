"""Puts an ImageNet-trained ResNet-50 whose batch norms were folded away into a network that has them, to train on.

The file is a .npz of NAME.weight and NAME.bias with torchvision's names. A batch norm that computes conv + bias exactly:
running mean and variance those of the convolution's output on some pictures, weight sqrt(variance + eps), bias the
folded one plus the mean. So training starts from the folded network's own function, with statistics that fit.
"""

import numpy as np
import torch
from torch import nn


def norm_of(name):
    """The batch norm that follows a convolution: layer1.0.conv2 -> layer1.0.bn2, downsample.0 -> downsample.1."""
    head, _, last = name.rpartition(".")
    norm = "1" if last == "0" else last.replace("conv", "bn")
    return f"{head}.{norm}" if head else norm


def unfold(resnet, file, images, network=None):
    """Loads `file` into a ResNet in place; `images` are normalised, a few hundred at best. `network` is what takes them,
    where the ResNet is its encoder."""
    network = network or resnet
    folded = np.load(file)
    modules = dict(resnet.named_modules())
    hooks = []
    for name, conv in modules.items():
        if not isinstance(conv, nn.Conv2d):
            continue
        conv.weight.data.copy_(torch.from_numpy(folded[f"{name}.weight"]))
        bias = torch.from_numpy(folded[f"{name}.bias"]).float()
        hooks.append(modules[norm_of(name)].register_forward_pre_hook(lambda norm, x, bias=bias: set_norm(norm, x[0], bias)))
    was_training = network.training
    network.eval()
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    network.train(was_training)


def set_norm(norm, x, bias):
    variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.data.copy_((variance + norm.eps).sqrt())
    norm.bias.data.copy_(bias + mean)
