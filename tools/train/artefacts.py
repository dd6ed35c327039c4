"""Pictures of what is not a white cell, made from pictures of white cells, of platelets and of plain background.

A crop is an array {side, side, 3} of bytes: a cell's box in the middle and a margin around it (crops of classifier.py). What
a laboratory meets and no data set has: smudged and torn nuclei, cells cut by the image's edge, precipitate of the stain,
platelets in clumps. Drawn from a seeded generator, so that a data set is the same everywhere.
"""

import numpy as np
from PIL import Image, ImageFilter

DARK = 0.62  # of the background's brightness: below is nucleus, in every stain that was looked at


def background_of(crop):
    """The colour that is brightest but for reflections: the 90th percentile of each channel."""
    return np.percentile(crop.reshape(-1, 3), 90, axis=0)


def plain(shape, colour, rng):
    """Empty background: the colour, slowly varying, with the noise of a camera."""
    slow = Image.fromarray(rng.normal(128, 10, (6, 6)).clip(0, 255).astype(np.uint8)).resize(shape[1::-1], Image.BICUBIC)
    drift = (np.asarray(slow, np.float32) - 128)[..., None] * 0.4
    return np.asarray(colour, np.float32) + drift + rng.normal(0, 2, shape)


def nucleus_alpha(crop, colour):
    """How much of each pixel is nucleus, 0 to 1: green light is what it absorbs most."""
    share = crop[..., 1].astype(np.float32) / max(1.0, colour[1])
    return ((DARK + 0.12 - share) / 0.24).clip(0, 1)


def pulled(layers, rng):
    """Drawn out along x: an average of copies that are sheared and moved further and further."""
    side, steps = layers.size[0], 9
    pull, shear = rng.uniform(0.25, 0.55) * side, rng.uniform(-0.4, 0.4)
    total = np.zeros((side, side, len(layers.getbands())), np.float32)
    for i in range(steps):
        shift = (i / (steps - 1) - 0.5) * pull + shear * side / 2
        matrix = (rng.uniform(0.9, 1.1), shear, -shift, rng.uniform(-0.1, 0.1), 1, 0)
        total += np.asarray(layers.transform((side, side), Image.AFFINE, matrix, Image.BILINEAR), np.float32)
    return total / steps


def torn(side, rng):
    """Strands along x, thick at one end and thin at the other: a share {side, side, 1} of what was there."""
    strands = rng.integers(5, 14)
    noise = rng.uniform(0, 255, (strands, 3)).astype(np.uint8)
    field = np.asarray(Image.fromarray(noise).resize((side, side), Image.BICUBIC), np.float32) / 255
    fading = np.linspace(1, rng.uniform(0, 0.5), side)[None]
    return ((field - rng.uniform(0.1, 0.4)) * 2).clip(0, 1)[..., None] * fading[..., None]


def smudge(crop, rng):
    """The nucleus of a cell, burst and smeared over empty background, its cytoplasm gone."""
    side, colour = crop.shape[0], background_of(crop)
    alpha = nucleus_alpha(crop, colour)
    dark = crop[alpha > 0.8].mean(axis=0) if (alpha > 0.8).any() else colour * 0.5
    layers = Image.fromarray(np.dstack([crop, (255 * alpha).astype(np.uint8)]), "RGBA")
    layers = pulled(layers.rotate(rng.uniform(0, 360), Image.BILINEAR), rng)
    layers[..., 3:] *= torn(side, rng)
    turned = Image.fromarray(layers.astype(np.uint8), "RGBA").rotate(rng.uniform(0, 360), Image.BILINEAR)
    smeared = np.asarray(turned.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, side / 60))), np.float32)
    alpha = (smeared[..., 3:] / 255 * rng.uniform(1.2, 2.5)).clip(0, 1)
    texture = smeared[..., :3] - smeared[..., :3].mean(axis=(0, 1))
    fill = dark + (colour - dark) * rng.uniform(0, 0.35) + 0.5 * texture
    return (plain(crop.shape, colour, rng) * (1 - alpha) + fill * alpha).clip(0, 255).astype(np.uint8)


def half_cell(crop, rng, margin):
    """A quarter to less than half of a cell, where the image ends: outside, its last pixels are repeated."""
    side = crop.shape[0]
    box = round(side / (1 + 2 * margin))
    first = (side - box) // 2
    seen = round(box * rng.uniform(0.2, 0.42))
    columns = np.arange(first + box - seen - round(margin * seen), first + box).clip(0, side - 1)
    columns = np.concatenate([columns, np.full(round(margin * seen), first + box - 1)])
    end = crop[:, ::-1] if rng.random() < 0.5 else crop
    cut = Image.fromarray(np.ascontiguousarray(end[:, columns])).resize((side, side), Image.BILINEAR)
    return np.rot90(np.asarray(cut), rng.integers(4)).copy()


def precipitate(crop, rng):
    """Grains of stain, violet to black, in a heap or scattered, over the crop's background."""
    side, colour = crop.shape[0], background_of(crop)
    picture = plain(crop.shape, colour, rng)
    rows, columns = np.mgrid[:side, :side]
    ink = np.array([rng.uniform(20, 110), rng.uniform(0, 60), rng.uniform(50, 140)])
    spread = rng.uniform(0.05, 0.22) * side
    for _ in range(rng.integers(1, 40)):
        x, y = rng.normal(side / 2, spread, 2)
        radius = rng.uniform(0.01, 0.07) * side
        alpha = (radius + 1 - np.hypot(columns - x, rows - y)).clip(0, 1)[..., None] * rng.uniform(0.6, 1)
        picture = picture * (1 - alpha) + ink * alpha
    return picture.clip(0, 255).astype(np.uint8)


def clump(platelets, rng):
    """Three to nine platelets in a heap."""
    base = platelets[rng.integers(len(platelets))]
    side, colour = base.shape[0], background_of(base)
    picture = plain(base.shape, colour, rng)
    for _ in range(rng.integers(3, 10)):
        one = platelets[rng.integers(len(platelets))]
        size = round(side * rng.uniform(0.25, 0.5))
        small = Image.fromarray(one).rotate(rng.uniform(0, 360), Image.BILINEAR).resize((size, size), Image.BILINEAR)
        small = np.asarray(small, np.float32) / background_of(one) * colour
        x, y = (rng.normal(side / 2, side / 8, 2) - size / 2).clip(0, side - size).astype(int)
        place = picture[y : y + size, x : x + size]
        rows, columns = np.mgrid[:size, :size]
        alpha = (1.2 - np.hypot(columns - size / 2, rows - size / 2) / (size * 0.42)).clip(0, 0.2)[..., None] * 5
        place[:] = place * (1 - alpha) + np.minimum(place, small) * alpha
    return picture.clip(0, 255).astype(np.uint8)


def artefacts(white, platelets, count, margin, seed):
    """`count` times (crop, index of the white cell it was made from or None): smudges, half cells and precipitate from
    crops of white cells, clumps from those of platelets."""
    rng = np.random.default_rng(seed)
    makers = [smudge, lambda crop, rng: half_cell(crop, rng, margin), precipitate]
    made = []
    for i in range(count):
        if len(platelets) and i % 6 == 5:
            made.append((clump(platelets, rng), None))
        else:
            source = rng.integers(len(white))
            made.append((makers[(0, 0, 1, 1, 2)[i % 6 % 5]](white[source], rng), source))
    return made
