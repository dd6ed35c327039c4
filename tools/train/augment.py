"""Augmentation of whole batches in torch, on whatever device they are: the same code on a CPU and on a GPU."""

import math
import random

import torch
from torch.nn import functional as F

from geometry import draw, normalised

# Optical densities of haematoxylin-like (azure), eosin-like and residual stain in R, G, B: Ruifrok & Johnston 2001.
STAINS = torch.tensor([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
# Of the JPEG standard's Annex K, for luminance.
QUANTISATION = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)

TARGETED = 0.75


class Augmenter:
    """Draws everything from one seeded generator, so that a seed means the same on every device; only the pixels' noise
    comes from the device's own."""

    def __init__(self, augmentation, seed):
        self.augmentation = augmentation
        self.random = random.Random(seed)

    def uniform(self, low, high, *shape, like):
        count = math.prod(shape)
        values = [self.random.uniform(low, high) for _ in range(count)]
        return torch.tensor(values, dtype=torch.float32).reshape(shape).to(like.device)

    def warp(self, images, masks, size, labels=None):
        """images {n,3,h,w} of 0..1, masks {n,h,w} of 0 and 1 or None -> the same at `size`; reflected outside. Where there
        are labels {n,h,w}, also these, -1 outside, where a cell and its reflection would have one number."""
        source = tuple(images.shape[-2:])
        targets = [None] * len(images) if masks is None else [self.target(mask) for mask in masks]
        matrices = [normalised(draw(self.random, self.augmentation, source, size, at), source, size) for at in targets]
        theta = torch.tensor(matrices, dtype=torch.float32, device=images.device)
        grid = F.affine_grid(theta, [len(images), 3, *size], align_corners=False)
        sample = lambda x: F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        if masks is None:
            return sample(images), None
        warped = sample(images), (sample(masks[:, None].float())[:, 0] >= 0.5).long()
        if labels is None:
            return warped
        numbers = F.grid_sample(labels[:, None].float() + 1, grid, mode="nearest", padding_mode="zeros", align_corners=False)
        return *warped, numbers[:, 0].long() - 1

    def target(self, mask):
        """For TARGETED of the samples any pixel of a white cell, so that most of them show one; from the centre, (x, y)."""
        if not self.augmentation.roam or self.random.random() >= TARGETED:
            return None
        pixels = mask.nonzero()
        if not len(pixels):
            return None
        row, column = pixels[self.random.randrange(len(pixels))].tolist()
        return column + 0.5 - mask.shape[1] / 2, row + 0.5 - mask.shape[0] / 2

    def colour(self, images):
        """{n,3,h,w} of 0..1 -> the same under another stain, lamp, lens and camera."""
        a, n = self.augmentation, len(images)
        images = self.restain(images) if a.restain else images
        if a.saturation != (1.0, 1.0):
            grey = images.mean(1, keepdim=True)
            images = grey + (images - grey) * self.uniform(*a.saturation, n, 1, 1, 1, like=images)
        images = self.stain(images) if a.stain else images
        if a.brightness or a.white_balance:
            gain = self.uniform(1 - a.brightness, 1 + a.brightness, n, 1, 1, 1, like=images)
            images = images * gain * self.uniform(1 - a.white_balance, 1 + a.white_balance, n, 3, 1, 1, like=images)
        if a.gamma:
            exponent = self.uniform(-a.gamma, a.gamma, n, 1, 1, 1, like=images).exp()
            images = images.clamp(1e-3, 1) ** exponent
        images = self.blur(images) if a.blur else images
        if a.noise:
            generator = torch.Generator(images.device).manual_seed(self.random.getrandbits(62))
            noise = torch.randn(images.shape, generator=generator, device=images.device)
            images = images + noise * self.uniform(0, a.noise, n, 1, 1, 1, like=images)
        images = self.jpeg(images.clamp(0, 1)) if a.jpeg else images
        return images.clamp(0, 1)

    def restain(self, images):
        """Gives samples the mean and deviation of optical density of another one of the batch, in part or all: the colours
        of another laboratory, whatever the class."""
        n = len(images)
        density = -images.clamp(1 / 255, 1).log()
        deviation, mean = torch.std_mean(density, (2, 3), keepdim=True)
        other = torch.tensor([self.random.randrange(n) for _ in range(n)], device=images.device)
        chosen = [float(self.random.random() < self.augmentation.restain) for _ in range(n)]
        part = self.uniform(0, 1, n, 1, 1, 1, like=images) * torch.tensor(chosen, device=images.device).reshape(n, 1, 1, 1)
        ratio = ((deviation[other] + 0.01) / (deviation + 0.01)).clamp(0.4, 2.5)
        density = (density - mean) * (1 + part * (ratio - 1)) + mean + part * (mean[other] - mean)
        return torch.where(part > 0, density.neg().exp().clamp(0, 1), images)

    def stain(self, images):
        """Scales each stain's amount, in optical density: what differs from one laboratory's staining to the next."""
        stains = STAINS.to(images.device)
        stains = stains / stains.norm(dim=1, keepdim=True)
        factors = self.uniform(1 - self.augmentation.stain, 1 + self.augmentation.stain, len(images), 3, like=images)
        # density -> amounts -> scaled -> density is one 3x3 matrix an image
        mixing = torch.linalg.inv(stains)[None] @ (factors[:, :, None] * stains[None])
        density = -images.clamp(1 / 255, 1).log()
        return torch.einsum("nchw,ncd->ndhw", density, mixing).neg().exp().clamp(0, 1)

    def blur(self, images):
        """A Gaussian for half of the samples, separable, 7 taps."""
        chosen = [i for i in range(len(images)) if self.random.random() < 0.5]
        if not chosen:
            return images
        part = images[chosen]
        n, _, h, w = part.shape
        sigma = self.uniform(0.3, self.augmentation.blur, n, 1, like=images)
        kernel = torch.exp(-(torch.arange(-3, 4, device=images.device) ** 2) / (2 * sigma**2))
        kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
        flat = F.pad(part, (3, 3, 3, 3), mode="replicate").reshape(1, 3 * n, h + 6, w + 6)
        flat = F.conv2d(flat, kernel[:, None, None, :], groups=3 * n)
        images = images.clone()
        images[chosen] = F.conv2d(flat, kernel[:, None, :, None], groups=3 * n).reshape(n, 3, h, w)
        return images

    def jpeg(self, images):
        """Quantises the 8x8 cosine transform of each colour channel, as JPEG does, at a quality of 30 to 90."""
        h, w = images.shape[-2:]
        if h % 8 or w % 8:
            raise ValueError("sides must be multiples of 8")
        chosen = [i for i in range(len(images)) if self.random.random() < self.augmentation.jpeg]
        if not chosen:
            return images
        n = len(chosen)
        quality = self.uniform(30, 90, n, 1, 1, 1, 1, like=images)
        factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
        table = (QUANTISATION.to(images.device)[:, None] * factor).clamp(min=1) / 255
        k = torch.arange(8, dtype=torch.float32, device=images.device)
        cosines = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) * 0.5
        cosines[0] *= math.sqrt(0.5)
        # Down the columns of a row of blocks, then along the rows of each block: long matrix products, not many of 8x8.
        spectrum = (cosines @ images[chosen].reshape(-1, 8, w)).reshape(-1, 8) @ cosines.T
        spectrum = spectrum.reshape(n, 3 * h // 8, 8, w // 8, 8)
        spectrum = (spectrum / table).round_().mul_(table)
        images = images.clone()
        images[chosen] = (cosines.T @ (spectrum.reshape(-1, 8) @ cosines).reshape(-1, 8, w)).reshape(n, 3, h, w)
        return images
