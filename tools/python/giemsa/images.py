"""Images as people have them, as the pixels that the library takes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from giemsa.errors import ImageError

_ON_THE_HOST = (1, 3)  # DLPack: kDLCPU, kDLCUDAHost


def to_array(image: Any) -> npt.NDArray[Any]:
    """numpy's view of an image: an array, what has __array_interface__ or __array__, or __dlpack__."""
    if isinstance(image, np.ndarray):
        return image
    device = image.__dlpack_device__()[0] if hasattr(image, "__dlpack_device__") else 1
    if device not in _ON_THE_HOST or hasattr(image, "__cuda_array_interface__"):
        raise ImageError(f"the image, a {type(image).__name__}, is in a GPU's memory; copy it to the host first (image.cpu() "
                         "of PyTorch, image.get() of CuPy)")
    if getattr(image, "mode", None) is not None and hasattr(image, "getbands"):  # of Pillow
        image = image.convert("RGB") if image.mode not in ("L", "RGB", "RGBA", "RGBX", "I;16") else image
    if hasattr(image, "__array_interface__") or hasattr(image, "__array__"):
        return np.asarray(image)
    if hasattr(image, "__dlpack__"):
        return np.from_dlpack(image)
    raise ImageError(f"a {type(image).__name__} is no image: give a numpy array, or what numpy can read in place; "
                     "giemsa.read_image() reads files")


def _check_type(array: npt.NDArray[Any]) -> None:
    if array.dtype.kind == "f":
        raise ImageError(f"the image is {array.dtype}: scale it to uint8 first, (image * 255).round().astype('uint8') where "
                         "its values are 0 to 1; which range is meant, is not guessed")
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        raise ImageError(f"the image is {array.dtype}: uint8 and uint16 are taken")


def _check_shape(array: npt.NDArray[Any]) -> None:
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4)):
        return
    advice = "; channels come last: numpy.moveaxis(image, 0, -1)" if array.ndim == 3 and array.shape[0] in (1, 3, 4) else ""
    raise ImageError(f"the image has shape {array.shape}, not (height, width), (height, width, 3) or (height, width, 4){advice}")


def _lies_in_rows(array: npt.NDArray[Any]) -> bool:
    """Whether the pixels of each row lie side by side and rows do not overlap."""
    pixel = array.itemsize * (array.shape[2] if array.ndim == 3 else 1)
    width = array.shape[1]
    return ((array.ndim == 2 or array.strides[2] == array.itemsize) and (array.strides[1] == pixel or width == 1)
            and (abs(array.strides[0]) >= pixel * width or array.shape[0] == 1))


def to_pixels(image: Any, channels: str = "RGB") -> tuple[npt.NDArray[Any], str]:
    """The image as an array whose rows the library can read, a copy only where the given one's cannot be, and the name of
    the library's pixel format. Raises ImageError."""
    if channels not in ("RGB", "BGR"):
        raise ImageError(f"channels is '{channels}', neither RGB nor BGR")
    array = to_array(image)
    _check_type(array)
    _check_shape(array)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    bits = array.itemsize * 8
    if array.ndim == 3 and bits == 16:  # the library has no wide format but RGB
        array = array[:, :, :3] if channels == "RGB" else array[:, :, 2::-1]
        channels = "RGB"
    if not _lies_in_rows(array):
        array = np.ascontiguousarray(array)
    kind = "GREY" if array.ndim == 2 else channels if array.shape[2] == 3 else channels + "X"
    return array, f"{kind}{bits}"


def to_rgb8(image: Any, channels: str = "RGB") -> npt.NDArray[np.uint8]:
    """A copy, uint8 (height, width, 3), of any image that to_pixels takes."""
    array, kind = to_pixels(image, channels)
    if kind.endswith("16"):
        array = ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if array.ndim == 2:
        array = np.repeat(array[:, :, np.newaxis], 3, axis=2)
    return array[:, :, 2::-1].copy() if kind.startswith("BGR") else array[:, :, :3].copy()
