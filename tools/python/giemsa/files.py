"""Image files, read by Pillow."""

import os
import pathlib
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from giemsa.errors import ImageError
from giemsa.images import to_array

File = str | os.PathLike[str] | IO[bytes]
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def name_of(file: File) -> str:
    """Its path, or what a file object says is its name."""
    return os.fspath(file) if isinstance(file, (str, os.PathLike)) else str(getattr(file, "name", "image"))


def read_image(file: File) -> npt.NDArray[Any]:
    """The pixels of a PNG, JPEG or BMP as identify() takes them, turned as the file's EXIF data says. `file` is a path or a
    file object. Raises ImageError."""
    try:
        with Image.open(file) as image:
            return np.array(to_array(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError as error:
        raise ImageError(f"{name_of(file)}: not an image that Pillow can read") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{name_of(file)}: {error}") from error


def find_images(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The image files in a folder and below it, sorted."""
    return sorted(path for path in pathlib.Path(folder).rglob("*")
                  if path.suffix.lower() in SUFFIXES and path.is_file())
