"""Rows of the tables, from what giemsa.Engine finds. Names and meanings are those of the command's cells.csv and images.csv;
numbers are not rounded."""

import pathlib

import pyarrow as pa
from giemsa import Cells
from giemsa.export import columns

_TIMES = ("decode", "segment", "postprocess", "classify", "total")


def cell_schema(classes):
    """A row per cell. There is no label_image, as none is written; area_um2 is null, as the Python package does not read how
    large an image's pixels are."""
    return pa.schema([
        ("file", pa.string()), ("name", pa.string()), ("cell", pa.int32()), ("class", pa.string()), ("probability", pa.float32()),
        *((side, pa.int32()) for side in "xywh"), ("area", pa.int64()), ("centroid_x", pa.float64()), ("centroid_y", pa.float64()),
        *((f"p_{name}", pa.float32()) for name in classes), ("at_edge", pa.bool_()), ("area_um2", pa.float64())])


def image_schema(classes):
    """A row per image: `sha256` of the file's bytes, null where they could not be read; `cells`, how many white cells; how
    many regions are called what."""
    return pa.schema([
        ("file", pa.string()), ("name", pa.string()), ("sha256", pa.string()), ("width", pa.int32()), ("height", pa.int32()),
        ("ok", pa.bool_()), ("error", pa.string()), ("cells", pa.int64()),
        *((name, pa.int64()) for name in (*classes, "unsure")), *((f"{name}_ms", pa.float64()) for name in _TIMES)])


def cell_rows(cells: Cells):
    """A pyarrow table of one image's cells."""
    schema, values = cell_schema(cells.class_names), columns(cells)
    return pa.table([pa.array(values[field.name], field.type, from_pandas=True) for field in schema], schema=schema)


def image_row(cells: Cells, sha256):
    """A dict of one image, which may have failed."""
    counts, (height, width) = cells.counts(), cells.labels.shape
    return {"file": cells.file, "name": pathlib.PurePath(cells.file).stem if cells.file else None, "sha256": sha256,
            "width": width, "height": height, "ok": cells.error is None, "error": cells.error,
            "cells": sum(counts.values()) - counts.get("other", 0), **counts,
            **{f"{name}_ms": cells.ms.get(name, 0.0) for name in _TIMES}}
