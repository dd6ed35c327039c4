#!/usr/bin/env python3
"""Identifies the white blood cells of archives that are larger than one machine, by Ray Data: actors with an Engine each, on
all machines of a cluster or on this one. Research use only: not for diagnosis.

    identify_archive.py INPUT... --out results/

    from identify_archive import identify      # for a Dataset of your own

An INPUT is an image, a folder, a pattern, or an address that pyarrow.fs opens (s3://bucket/folder). results/images and
results/cells are folders of Parquet files. They are written block by block: a run that was killed goes on where it was when
it is started again, and an archive that has grown costs only what is new. Exit codes are those of `giemsa run`: 0 all images
done, 1 some failed, 2 usage, 3 a model cannot be used, 4 a device cannot, 5 results cannot be written.
"""

import argparse
import dataclasses
import json
import logging
import os
import sys
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # an archive of patients' images tells nobody of its use

import archive_actors
import archive_blocks
import archive_files
import archive_results
import archive_tables
import ray
from archive_actors import BlockIdentifier, Computing, DatasetIdentifier, try_engine
from archive_blocks import cut
from archive_files import InputError, find_images, printable
from archive_results import Results, SettingsDiffer
from giemsa import DeviceError, Engine, GiemsaError, ModelError, UsageError
from giemsa.files import SUFFIXES

SCHEMA = 1  # of the folder of results
MOST_RAY_BLOCKS = 10_000  # Ray's own blocks cost the driver memory; of a larger archive each holds several of ours
SHOWN_ERRORS = 20

# Actors on other machines get these modules with their work; giemsa and Ray are all that has to be installed there.
for _module in (archive_actors, archive_blocks, archive_files, archive_results, archive_tables):
    ray.cloudpickle.register_pickle_by_value(_module)


def _resources(threads, gpus):
    """What Ray reserves for an actor."""
    return {"num_cpus": threads} | ({"num_gpus": gpus} if gpus else {})


def _engine_arguments(threads, gpus, arguments):
    """Engine's. An actor computes where Ray has room for it: never on a CPU because its GPU fails."""
    return {"device": "cuda" if gpus else "cpu", "threads": threads, **arguments}


def identify(dataset, *, actors, num_gpus=0, threads=1, batch_size=8, options=None, **engine):
    """A Dataset with a row per image of a Dataset whose column "bytes" holds encoded images, or "path" where they are: the
    images' table, with the rows of its cells in the column `found`. `options` are Engine.identify's, `engine` is Engine's
    arguments. The cluster needs a CPU beside those of the actors, for tasks that read. Nothing is written, and an image that
    kills its process is given to Ray's next one again: for that there is the command."""
    computing = Computing(_engine_arguments(threads, num_gpus, engine), options or {})
    return dataset.map_batches(DatasetIdentifier, fn_constructor_kwargs={"computing": computing}, batch_size=batch_size,
                               batch_format="pyarrow", compute=ray.data.ActorPoolStrategy(size=actors), **_resources(threads, num_gpus))


def _size(text):
    """WxH or LONG."""
    width, _, height = text.partition("x")
    return (int(width), int(height)) if height else int(width)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("inputs", nargs="*", metavar="INPUT", help="images, folders, patterns, s3://bucket/folder")
    add("--list", action="append", default=[], metavar="FILE", help="a text file with the path or address of an image per line")
    add("--out", required=True, metavar="FOLDER", help="for results, which every machine of the cluster reaches")
    add("--retry-failed", action="store_true", help="compute blocks anew in which an image failed")
    cluster = parser.add_argument_group("cluster").add_argument
    cluster("--address", help="of a Ray cluster, or auto (default: RAY_ADDRESS, else one on this machine for this run)")
    cluster("--actors", type=int, metavar="N", help="processes that compute (default: as many as the cluster has room for)")
    cluster("--num-gpus", type=float, default=0, metavar="X", help="GPUs of each, 0.5 is half of one (default: 0, the CPU)")
    cluster("--threads", type=int, default=1, metavar="N", help="CPU threads of each (default: 1)")
    cluster("--block-size", type=int, default=64, metavar="N", help="images that are written together (default: 64)")
    networks = parser.add_argument_group("networks").add_argument
    networks("--segmenter", metavar="FILE", default="shipped", help="on every machine (default: the shipped one)")
    networks("--classifier", metavar="FILE", default="shipped", help="on every machine (default: the shipped one)")
    networks("--profile", metavar="FILE", help="what giemsa adapt learnt from a laboratory's cells")
    networks("--precision", default="auto", choices=("auto", "fp32", "fp16", "bf16", "int8"))
    finding = parser.add_argument_group("finding cells, as of giemsa run").add_argument
    finding("--segment-size", type=_size, metavar="WxH|LONG")
    finding("--min-area", type=int, default=200, metavar="PIXELS")
    finding("--threshold", type=float, default=0.5, metavar="P")
    finding("--crop", default="tight", choices=("tight", "matlab"))
    finding("--split", default="none", choices=("none", "distance"))
    finding("--min-probability", type=float, default=0.0, metavar="P")
    args = parser.parse_args(arguments)
    if not args.inputs and not args.list:
        parser.error("no INPUT")
    for name, least in (("actors", 1), ("threads", 1), ("block_size", 1), ("num_gpus", 0)):
        if getattr(args, name) is not None and getattr(args, name) < least:
            parser.error(f"--{name.replace('_', '-')} is {getattr(args, name)}, less than {least}")
    return args


def _connect(args):
    """Ray, on a cluster or on this machine until this process ends."""
    if ray.is_initialized():  # where another program calls main()
        return
    common = {"log_to_driver": False, "logging_level": logging.ERROR}
    if args.address or os.environ.get("RAY_ADDRESS"):
        ray.init(address=args.address, **common)
    else:  # only addresses and counts go through the object store
        cpus = args.actors * args.threads if args.actors else None
        ray.init(include_dashboard=False, num_cpus=cpus, object_store_memory=100_000_000, **common)
    ray.data.DataContext.get_current().enable_progress_bars = False  # it tells of Ray's blocks: follow() of images
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _room(resources):
    """How many actors the cluster has room for. Raises DeviceError where it has none: Ray would wait for ever."""
    here = ray.cluster_resources()
    wanted = {"CPU": resources["num_cpus"], "GPU": resources.get("num_gpus", 0)}
    room = int(min(here.get(kind, 0) // count for kind, count in wanted.items() if count))
    if room < 1:
        has = ", ".join(f"{here.get(kind, 0):g} {kind}" for kind in wanted)
        needs = ", ".join(f"{count:g} {kind}" for kind, count in wanted.items())
        raise DeviceError(f"the cluster has {has}, an actor needs {needs}; with --actors N the run waits for machines to come")
    return room


def compute(args, results):
    """Identifies what is not done yet."""
    found = find_images(args.inputs, args.list, SUFFIXES)
    if not found:
        raise InputError(f"{', '.join((*args.inputs, *args.list))}: no images")
    _connect(args)
    engine = {"segmenter": args.segmenter, "classifier": args.classifier, "precision": args.precision, "profile": args.profile}
    options = {name: getattr(args, name) for name in
               ("segment_size", "min_area", "threshold", "crop", "split", "min_probability")}
    computing = Computing(_engine_arguments(args.threads, args.num_gpus, engine), options)
    resources = _resources(args.threads, args.num_gpus)
    actors = args.actors or _room(resources)
    facts = ray.get(ray.remote(try_engine).options(**resources).remote(computing))

    results.open({"schema": SCHEMA, "engine": facts, "options": json.loads(json.dumps(options))})
    results.remove_unfinished(failed=args.retry_failed)
    before = results.images(["file"])
    done = set(before["file"].to_pylist()) if before is not None else set()
    left = [address for address in found if printable(address) not in done]
    blocks = cut(left, args.block_size)
    print(f"{len(found)} images, {len(found) - len(left)} of them done; {len(blocks)} blocks to do", file=sys.stderr)
    if blocks:
        work = ray.data.from_items([{"files": json.dumps(block.files)} for block in blocks],
                                   override_num_blocks=min(len(blocks), MOST_RAY_BLOCKS))
        counts = work.map_batches(
            BlockIdentifier, batch_size=1, compute=ray.data.ActorPoolStrategy(size=min(actors, len(blocks))), **resources,
            fn_constructor_kwargs={"out": results.out, "computing": dataclasses.replace(computing, facts=facts)})
        follow(counts, len(left))


def follow(counts, total):
    """Has the blocks computed, and tells every ten seconds how far they are."""
    images = failed = 0
    told = time.monotonic()
    for row in counts.iter_rows():
        images, failed = images + row["images"], failed + row["failed"]
        if time.monotonic() - told >= 10:
            told = time.monotonic()
            print(f"{images} of {total} images, {failed} failed", file=sys.stderr, flush=True)


def summarize(results):
    """Prints what the folder of results holds. Returns the exit code."""
    table = results.images(["file", "error", "cells"])
    errors = table["error"].drop_null().to_pylist()
    for error in errors[:SHOWN_ERRORS]:
        print(error, file=sys.stderr)
    if len(errors) > SHOWN_ERRORS:
        print(f"... and {len(errors) - SHOWN_ERRORS} more", file=sys.stderr)
    twice = table.num_rows - len(table["file"].unique())
    if twice:
        print(f"{results.out}: {twice} images are there more than once", file=sys.stderr)
    print(f"{table.num_rows} images, {len(errors)} failed, {sum(table['cells'].to_pylist())} white cells: {results.out}")
    return 1 if errors or twice else 0


def _cause(error):
    """The error behind those that Ray wraps around it."""
    while (inner := getattr(error, "cause", None) or error.__cause__) is not None:
        error = inner
    return error


def main(arguments=None):
    args = parse(arguments)
    results = Results(args.out)
    try:
        compute(args, results)
        return summarize(results)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    except (GiemsaError, OSError, ValueError, ray.exceptions.RayError) as error:
        cause = _cause(error)
        print(f"identify_archive.py: {cause}", file=sys.stderr)
        codes = ((ModelError, 3), (DeviceError, 4), ((UsageError, InputError, SettingsDiffer), 2), (OSError, 5))
        return next((code for kind, code in codes if isinstance(cause, kind)), 70)
    finally:
        results.close()


if __name__ == "__main__":
    sys.exit(main())
