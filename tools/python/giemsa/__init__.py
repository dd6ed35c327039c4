"""Finds and names the white blood cells of blood-smear images. Research use only: not validated for diagnosis.

    import giemsa, skimage.io
    engine = giemsa.Engine()                          # the shipped weights; device "auto"
    cells = engine.identify(skimage.io.imread("smear.png"))
    cells.classes                                     # ['neutrophil', 'lymphocyte']
    cells.to_pandas()                                 # a row per cell
"""

from importlib.metadata import version as _version

from giemsa._giemsa import version as library_version
from giemsa.cells import Cell, Cells
from giemsa.engine import Engine, devices, selftest
from giemsa.errors import (Cancelled, DeviceError, GiemsaError, ImageError, ModelError, SelftestError,
                           UsageError)
from giemsa.files import read_image

__version__ = _version("giemsa")

__all__ = ["Cancelled", "Cell", "Cells", "DeviceError", "Engine", "GiemsaError", "ImageError", "ModelError", "SelftestError",
           "UsageError", "__version__", "devices", "library_version", "read_image", "selftest"]
