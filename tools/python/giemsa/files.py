"""Image files, read by Pillow."""

import os
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from giemsa.errors import ImageError
from giemsa.images import to_array

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def read_image(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """The pixels of a PNG, JPEG or BMP as identify() takes them, turned as the file's EXIF data says. Raises ImageError."""
    try:
        with Image.open(path) as image:
            return np.array(to_array(ImageOps.exif_transpose(image)))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{os.fspath(path)}: {error}") from error


def find_images(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The image files in a folder and below it, sorted."""
    return sorted(path for path in pathlib.Path(folder).rglob("*")
                  if path.suffix.lower() in SUFFIXES and path.is_file())
