#!/usr/bin/env python3
"""Identifies the white blood cells of more images than one machine can, by Ray Data: Parquet files, a row per image.

    identify.py INPUT... --out DIR [--actors N] [--cpus N] [--gpus N] [--batch N] [--precision P]

An INPUT is an image or a folder, DIR a folder: local paths that every machine sees, or of object stores (s3://...). What is written
is checkpointed block by block: started again with the same INPUTs and DIR, a run that was killed goes on where it stopped.
"""

import argparse
import io
import os

import pyarrow as pa
import ray.data
from ray.data.checkpoint import CheckpointConfig

import giemsa
from giemsa.files import SUFFIXES

CELL = pa.struct({"id": pa.int32(), "box": pa.list_(pa.int32()), "area": pa.int64(), "centroid": pa.list_(pa.float64()),
                  "class": pa.string(), "probability": pa.float64(), "probabilities": pa.map_(pa.string(), pa.float64()),
                  "at_edge": pa.bool_()})
IMAGE = pa.schema({"path": pa.string(), "width": pa.int32(), "height": pa.int32(), "ok": pa.bool_(), "error": pa.string(),
                   "cells": pa.list_(CELL)})


class Identify:
    """An actor: an engine, which gets batches of files and gives a row for each."""

    def __init__(self, **options):
        self.engine = giemsa.Engine(**options)

    def __call__(self, batch: pa.Table) -> pa.Table:
        files = []
        for path, data in zip(batch["path"].to_pylist(), batch["bytes"].to_pylist()):
            files.append(io.BytesIO(data))
            files[-1].name = path  # what its results are filed under
        found = self.engine.identify_files(files, errors="keep")
        rows = [{**image, "path": image["file"]} for image in (cells.to_dict() for cells in found)]
        return pa.Table.from_pylist([{name: row[name] for name in IMAGE.names} for row in rows], schema=IMAGE)


def identify(inputs, out, *, actors=1, cpus=1, gpus=0, batch=16, worker=Identify, **options):
    """Writes OUT/images/*.parquet, with checkpoints beside. `cpus` and `gpus` are an actor's; `options` are giemsa.Engine's."""
    *inputs, out = [path if "://" in path else os.path.abspath(path) for path in (*inputs, out)]
    context = ray.data.DataContext.get_current()
    context.checkpoint_config = CheckpointConfig("path", f"{out}/checkpoints", delete_checkpoint_on_success=False)
    files = ray.data.read_binary_files(inputs, include_paths=True, file_extensions=[suffix[1:] for suffix in SUFFIXES])
    rows = files.map_batches(worker, fn_constructor_kwargs={"threads": cpus, **options}, batch_format="pyarrow", batch_size=batch,
                             compute=ray.data.ActorPoolStrategy(size=actors), num_cpus=cpus, num_gpus=gpus)
    rows.write_parquet(f"{out}/images")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", metavar="INPUT")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--actors", type=int, default=1, help="engines at work at once (default: 1)")
    parser.add_argument("--cpus", type=int, default=1, help="of each actor; one more has to be free for reading (default: 1)")
    parser.add_argument("--gpus", type=float, default=0, help="of each actor; below 1, several share one (default: 0)")
    parser.add_argument("--batch", type=int, default=16, help="images that an actor is given at once (default: 16)")
    parser.add_argument("--precision", default="auto")
    arguments = vars(parser.parse_args())
    arguments["device"] = "cuda" if arguments["gpus"] else "cpu"
    identify(arguments.pop("inputs"), arguments.pop("out"), **arguments)


if __name__ == "__main__":
    main()
