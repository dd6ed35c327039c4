#!/usr/bin/env python3
"""Writes tests/weights/fixtures: tiny PyTorch checkpoints and, beside each, what they hold.

    tools/torch_fixtures.py tests/weights/fixtures

Run once with PyTorch 1.13 and once with a 2.x; each writes the files that carry its major version in their names. NAME.json
gives, by plain state_dict key, the element type, the shape and the row-major little-endian bytes in hexadecimal.
"""

import collections
import contextlib
import inspect
import json
import pathlib
import shutil
import sys
import zipfile

import numpy
import torch

MAJOR = int(torch.__version__.split(".")[0])
NAMES = {
    torch.float64: "fp64", torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16", torch.int64: "int64",
    torch.int32: "int32", torch.int16: "int16", torch.int8: "int8", torch.uint8: "uint8", torch.bool: "bool",
}


def every_kind_of_tensor():
    shared = torch.arange(24, dtype=torch.float32) / 8
    half = torch.tensor([1.5, -0.0, 65504.0, float("inf"), 6e-8]).half()
    return collections.OrderedDict([
        ("matrix.weight", shared.reshape(4, 6)),
        ("matrix.tied", shared.reshape(4, 6)),
        ("matrix.part", shared[5:11]),
        ("matrix.transposed", shared.reshape(4, 6).t()),
        ("matrix.steps", shared.reshape(4, 6)[1::2, ::3]),
        ("matrix.repeated", shared[:3].expand(2, 3)),
        ("conv.channels_last", torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last)),
        ("conv.parameter", torch.nn.Parameter(torch.randn(2, 1, 1, 1))),
        ("f64", torch.tensor([1 / 3, -1e300], dtype=torch.float64)),
        ("f16", half),
        ("bf16", half.bfloat16()),
        ("i64", torch.tensor([-(2**62), 2**53 + 1])),
        ("i32", torch.tensor([-(2**31), 7], dtype=torch.int32)),
        ("i16", torch.tensor([-(2**15), 7], dtype=torch.int16)),
        ("i8", torch.tensor([-128, 127], dtype=torch.int8)),
        ("u8", torch.tensor([0, 255], dtype=torch.uint8)),
        ("bool", torch.tensor([True, False, True])),
        ("num_batches_tracked", torch.tensor(41)),
        ("empty", torch.empty(0, 4)),
        ("not_a_tensor", {"lr": 0.1, "steps": [1, 2**40, None], "names": {"a", "b"}}),
    ])


def trained(model):
    """A checkpoint as training scripts write it: the state_dict among numpy scalars and optimizer state."""
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 1, 4, 4)).sum().backward()
    optimizer.step()
    return {"epoch": 3, "best_score": numpy.float64(0.75), "model_state": model.state_dict(),
            "optimizer_state": optimizer.state_dict()}


def small_net():
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))


class Cell(torch.nn.Module):
    """A class that no reader knows, with what modules may hold beside weights: a shared parameter, buffers of both kinds, hooks."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.ModuleDict({"first": small_net(), "second": small_net()})
        self.body["second"][0].weight = self.body["first"][0].weight
        self.scale = torch.nn.Parameter(torch.tensor([2.0]), requires_grad=False)
        self.register_buffer("mean", torch.tensor([0.5, 0.25]))
        self.register_buffer("passing", torch.ones(3), persistent=False)
        self.head = torch.nn.Linear(2, 1)
        self.names, self.nothing = ["a", "b"], None


def expectation(tensor):
    plain = tensor.detach().contiguous()
    numbers = plain.view(torch.int16) if tensor.dtype == torch.bfloat16 else plain
    return {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "bytes": numbers.numpy().tobytes().hex()}


def save(folder, name, checkpoint, state_dict, **options):
    torch.save(checkpoint, folder / f"{name}.pt", **options)
    tensors = {key: expectation(value) for key, value in state_dict.items() if isinstance(value, torch.Tensor)}
    (folder / f"{name}.json").write_text(json.dumps({"torch": torch.__version__, "tensors": tensors}, indent=0) + "\n")


@contextlib.contextmanager
def without_sources():
    """A legacy file of a whole module holds its classes' sources and where they lay: a few words stand for them here."""
    kept = inspect.getsourcefile, inspect.getsourcelines
    inspect.getsourcefile, inspect.getsourcelines = lambda _: "net.py", lambda _: (["class Net: ...\n"], 1)
    try:
        yield
    finally:
        inspect.getsourcefile, inspect.getsourcelines = kept


def deflate(folder, name):
    """The same archive as people's tools pack it anew."""
    with zipfile.ZipFile(folder / f"{name}.pt") as stored, \
            zipfile.ZipFile(folder / f"{name}_deflated.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in stored.namelist():
            packed.writestr(zipfile.ZipInfo(entry), stored.read(entry), zipfile.ZIP_DEFLATED)
    shutil.copy(folder / f"{name}.json", folder / f"{name}_deflated.json")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    kinds, legacy = every_kind_of_tensor(), {"_use_new_zipfile_serialization": False}

    save(folder, f"torch{MAJOR}_zip", kinds, kinds)
    save(folder, f"torch{MAJOR}_legacy", kinds, kinds, **legacy)
    cell = Cell()
    save(folder, f"torch{MAJOR}_whole_nested", {"epoch": 3, "model": cell}, cell.state_dict())
    with without_sources():
        net = small_net()
        save(folder, f"torch{MAJOR}_legacy_whole", net, net.state_dict(), **legacy)
    if MAJOR == 1:
        save(folder, "torch1_zip_protocol4", {"state_dict": kinds}, kinds, pickle_protocol=4)
        save(folder, "torch1_legacy_protocol4", {"state_dict": kinds}, kinds, pickle_protocol=4, **legacy)

        net = small_net()
        save(folder, "torch1_data_parallel", trained(torch.nn.DataParallel(net)), net.state_dict())
        lightning = collections.OrderedDict((f"model.{key}", value) for key, value in net.state_dict().items())
        save(folder, "torch1_lightning", {"pytorch-lightning_version": "1.9.0", "state_dict": lightning}, net.state_dict(), **legacy)

        save(folder, "torch1_whole_model", net, net.state_dict())
        deflate(folder, "torch1_zip")
        torch.jit.script(net).save(str(folder / "refused_torchscript.pt"))
        torch.save({"sparse.weight": torch.eye(3).to_sparse()}, folder / "refused_sparse.pt")
    else:
        attributed = torch.nn.Parameter(torch.ones(3))
        attributed.origin = "tests"
        buffer = torch.ones(2)
        buffer.origin = "tests"
        states = {"attributed.parameter": attributed, "attributed.buffer": buffer}
        torch.serialization.set_crc32_options(False)
        save(folder, "torch2_zip_no_crc", states, states)


if __name__ == "__main__":
    main()
