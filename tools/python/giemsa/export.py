"""What was found, as tables and documents of other programs. Names and rounding are those of the command's files."""

import math
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from giemsa.palette import color_of

if TYPE_CHECKING:
    from giemsa.cells import Cell, Cells

NOTICE = "Research use only: not for diagnosis."


def _rounded(value: float, decimals: int) -> float:
    scale = 10.0 ** decimals
    return math.floor(value * scale + 0.5) / scale  # halves up, as the command rounds; Python's round() takes the even one


def _name(cells: "Cells") -> str | None:
    return pathlib.PurePath(cells.file).stem if cells.file else None


def columns(cells: "Cells") -> dict[str, Any]:
    """The columns of cells.csv but for label_image, which no file is here."""
    count = len(cells)
    chosen = cells.probabilities.max(axis=1, initial=0)
    return {
        "file": [cells.file] * count, "name": [_name(cells)] * count, "cell": cells.ids, "class": cells.classes,
        "probability": chosen, **dict(zip("xywh", cells.boxes.T)), "area": cells.areas,
        "centroid_x": cells.centroids[:, 0], "centroid_y": cells.centroids[:, 1],
        **{f"p_{name}": cells.probabilities[:, i] for i, name in enumerate(cells.class_names)},
        "at_edge": cells.at_edge, "area_um2": np.full(count, np.nan)}  # an array does not tell how large its pixels are


def _cell_object(cell: "Cell") -> dict[str, Any]:
    return {"id": cell.id, "box": list(cell.box), "area": cell.area, "centroid": [_rounded(v, 3) for v in cell.centroid],
            "class": cell.cls, "probability": _rounded(cell.probability, 6),
            "probabilities": {name: _rounded(value, 6) for name, value in cell.probabilities.items()}, "at_edge": cell.at_edge}


def image_object(cells: "Cells") -> dict[str, Any]:
    height, width = cells.labels.shape
    return {"file": cells.file, "name": _name(cells), "width": width, "height": height, "ok": cells.error is None,
            "error": cells.error, "warning": None, "pixel_size_um": None, "cells": [_cell_object(cell) for cell in cells],
            "ms": {name: _rounded(cells.ms.get(name, 0), 3)
                   for name in ("decode", "segment", "postprocess", "classify", "total")}}


def feature_collection(cells: "Cells") -> dict[str, Any]:
    features = []
    for cell, outline, index in zip(cells, cells.outlines(), map(int, cells.class_indices)):
        properties: dict[str, Any] = {"objectType": "detection", "name": str(cell.id)}
        if cell.cls is not None:
            properties["classification"] = {"name": cell.cls, "color": list(color_of(cell.cls, index))}
        properties["measurements"] = {
            "Area px": cell.area,
            **{f"Probability: {name}": _rounded(value, 6) for name, value in cell.probabilities.items()}}
        features.append({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [outline.tolist()]},
                         "properties": properties})
    return {"type": "FeatureCollection", "giemsa": {"notice": NOTICE, **cells.provenance}, "features": features}


def napari_layers(cells: "Cells") -> list[tuple[Any, dict[str, Any], str]]:
    table = {"id": cells.ids.astype(np.int64), "class": np.array(cells.classes, dtype=object),
             "probability": cells.probabilities.max(axis=1, initial=0), "area": cells.areas, "at_edge": cells.at_edge}
    # napari's axes are rows and columns, and its pixels have their centres at whole numbers.
    polygons = [outline[:-1, ::-1] - 0.5 for outline in cells.outlines()]
    colors = ["#%02x%02x%02x" % color_of(name, int(index)) for name, index in zip(cells.classes, cells.class_indices)]
    layers: list[tuple[Any, dict[str, Any], str]] = [
        (cells.labels, {"name": "cells", "features": {"index": table["id"], **table}}, "labels")]
    if polygons:
        layers.append((polygons, {"name": "cell outlines", "shape_type": "polygon", "features": table,
                                  "face_color": "transparent", "edge_color": colors, "edge_width": 2,
                                  "text": {"string": "{class} {probability:.0%}", "anchor": "upper_left"}}, "shapes"))
    return layers
