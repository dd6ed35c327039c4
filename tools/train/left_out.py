"""Cross validation whose folds are laboratories: the classifier is trained without one and tested on it. Free of torch.

Given cross_validate's Bench: what the engine finds in every set, the cells at both networks' sizes, then for each laboratory
teacher, classifier, `giemsa convert` and `giemsa eval`; with --final the same without leaving one out. What is evaluated
are five outputs; the sixth, `other`, is for an engine that reports such regions apart.
"""

import os
import shutil
import sys

from laboratories import CLASSES, LABORATORY, read_cells

LEFT_OUT = ("bccd", "pbc", "krd", "chula", "raabin")
# Sets that giemsa eval reads as they are; of the others a folder of links for each class is made.
FIELDS = {"bccd": "fields", "krd": "krd"}


def found(bench):
    """The folder of what the engine found: found/SET/results.json."""
    folder = bench.work / "found"
    folder.mkdir(exist_ok=True)
    engine = ["--device", bench.options.engine_device, "--precision", bench.options.precision, "--quiet", "--out"]
    for name in LABORATORY:
        images = bench.options.across / name
        images = images / "images" if (images / "images").is_dir() else images
        bench.once(folder / name, bench.options.giemsa, "run", images, *engine)
    return folder


def cells(bench, side):
    folder = bench.work / f"cells{side}"
    given = ["--data", bench.options.across, "--found", found(bench), "--side", side, "--seed", bench.options.seed]
    bench.once(folder, sys.executable, bench.here / "cells.py", *given, "--out")
    return folder


def train(bench, network, side, left_out, *more):
    folder = bench.work / network / (f"without-{left_out}" if left_out else "all")
    if not (folder / "five.pt").exists():
        given = ["--network", network, "--seed", bench.options.seed, "--out", folder]
        given += ["--precision", bench.options.train_precision]
        given += ["--leave-out", left_out] if left_out else []
        given += ["--minutes", bench.minutes_left()] if bench.end else []
        plan = bench.schedule[f"{network}_across"]
        bench.run(sys.executable, bench.here / "across.py", cells(bench, side), *given, *plan, *more)
    return folder


def model(bench, left_out):
    """AlexNet, converted, that has learned from a teacher; neither saw this laboratory."""
    teacher = train(bench, "teacher", 128, left_out, "--imagenet", bench.options.imagenet)
    folder = train(bench, "classifier", 224, left_out, "--teacher", teacher / "model.pt")
    return bench.convert("classifier", folder / "five.pt", folder.with_suffix(".safetensors"))


def single_cells(bench, laboratory):
    """held-out/LABORATORY/CLASS/: links to the images of this laboratory's cells."""
    folder = bench.work / "held-out" / laboratory
    shutil.rmtree(folder, ignore_errors=True)
    names = [name for name, of in LABORATORY.items() if of == laboratory]
    for cell in read_cells(bench.options.across, found(bench), names):
        if cell.kind in CLASSES:
            link = folder / cell.kind / cell.image.replace("/", "-")
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(os.path.abspath(bench.options.across / cell.image))
    return folder


def evaluate(bench, name, laboratory, models):
    if laboratory in FIELDS:
        bench.evaluate(f"{name}-{laboratory}", bench.options.across / FIELDS[laboratory], *models)
    else:
        bench.evaluate(f"{name}-{laboratory}", single_cells(bench, laboratory), "--cells", "found", *models)


def leave_laboratories_out(bench):
    bench.evaluate_unseen("shipped", [])
    for laboratory in bench.options.leave_out.split(","):
        evaluate(bench, "shipped", laboratory, [])
        evaluate(bench, "without", laboratory, ["--classifier", model(bench, laboratory)])
    if bench.options.final:
        bench.evaluate_unseen("final", ["--classifier", model(bench, None)])
