"""napari's reader: an image with its cells as layers. napari.yaml tells of it."""

import functools
import os
from collections.abc import Callable
from typing import Any

from giemsa.engine import Engine
from giemsa.files import SUFFIXES, read_image

Layer = tuple[Any, dict[str, Any], str]


@functools.cache
def _engine() -> Engine:
    return Engine()


def read(path: str | list[str]) -> list[Layer]:
    """The layers of each image: pixels, label image, outlines."""
    layers: list[Layer] = []
    for file in [path] if isinstance(path, str) else path:
        image = read_image(file)
        layers.append((image, {"name": os.path.basename(file)}, "image"))
        layers += _engine().identify(image).to_napari()
    return layers


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[Layer]] | None:
    """`read` where every file is an image that it reads, else None."""
    files = [path] if isinstance(path, str) else path
    return read if all(file.lower().endswith(SUFFIXES) for file in files) else None
