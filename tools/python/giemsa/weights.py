"""Where the shipped models are."""

import os
import pathlib
import sys

from giemsa.errors import ModelError

SEGMENTER = "deeplabv3plus_resnet50_wbc.safetensors"
CLASSIFIER = "alexnet_wbc.safetensors"

VARIABLES = ("GIEMSA_WEIGHTS", "GIEMSA_MODELS")
"""Environment variables that name their folder, the first that is set. The command knows the second too."""


def find_weights(name: str) -> str:
    """The path of a shipped model: in the folder that the environment names, else in the package, else where
    `cmake --install` puts it. Raises ModelError, which says where it looked."""
    chosen = next(((variable, os.environ[variable]) for variable in VARIABLES if os.environ.get(variable)), None)
    if chosen:
        folders, source = [pathlib.Path(chosen[1])], f"the folder of {chosen[0]}, "
    else:
        installed = [pathlib.Path(prefix, "share/giemsa/weights") for prefix in (sys.prefix, "/usr/local", "/usr")]
        folders, source = [pathlib.Path(__file__).parent / "weights", *dict.fromkeys(installed)], ""
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    looked = ", ".join(map(str, folders))
    raise ModelError(f"{name}: not found in {source}{looked}; give Engine the models' paths, or set {VARIABLES[0]} to the "
                     "folder that holds them")
