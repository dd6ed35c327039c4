#!/usr/bin/env python3
"""What `giemsa convert --to onnx` writes, in another runtime: ONNX Runtime's activations against PyTorch's.

    tests/acceptance/onnx_against_torch.py --giemsa build/giemsa

Needs the packages onnx, onnxruntime and numpy. Exports every network of tests/golden, has onnx check the file, and runs it on
the golden input: as written, where every value that the golden holds is compared, and with all of ONNX Runtime's graph
optimisations, where the logits are. Prints the worst of each network as a share of its tolerance; exits 1 where one exceeds it.

Tolerance, as tests/nets/golden.h derives it for the engine: the unit roundoff of fp32, times the roundings on the longest path
to a value (the products and sums of its convolutions and linear layers, a handful for anything else), times the largest
magnitude of the value, which bounds what layers of gain about one pass on.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
TYPES = {"F16": np.float16, "F32": np.float32}


def read_golden(path):
    """Activations in fp32 by name, and the file's metadata."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(data[8 + length + begin : 8 + length + end], TYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"]).astype(np.float32)
    return tensors, metadata


def export(giemsa, golden, metadata, shape, scratch):
    """The golden's checkpoint, by way of a model file, as ONNX."""
    options = []
    for key, value in metadata.items():
        if key.startswith("convert.") and key != "convert.input_size":
            options += ["--" + key.removeprefix("convert.").replace("_", "-"), value]
    model, target = scratch / "model.safetensors", scratch / "model.onnx"
    size = f"{shape[3]}x{shape[2]}"
    fixed = ["--input-size", size] if "convert.input_size" in metadata else []
    for command in ([golden / "checkpoint.pt", *options, *fixed, "--dtype", "fp32", "-o", model],
                    [model, "--to", "onnx", "--input-size", size, "-o", target]):
        subprocess.run([giemsa, "convert", "--quiet", *command], check=True)
    return target


def roundings(graph):
    """By value: roundings on the longest path from the input."""
    weights = {constant.name: list(constant.dims) for constant in graph.initializer}
    shapes = {value.name: [extent.dim_value for extent in value.type.tensor_type.shape.dim]
              for value in [*graph.input, *graph.value_info]}
    counts = {graph.input[0].name: 0}
    for node in graph.node:
        own = 6
        if node.op_type in ("Conv", "Gemm"):
            own += int(np.prod(weights[node.input[1]][1:])) + 1
        if node.op_type == "GlobalAveragePool":
            own = int(np.prod(shapes[node.input[0]][2:]))
        counts[node.output[0]] = own + max(counts.get(name, 0) for name in node.input)
    return counts


def run(model, wanted, image, level):
    """Values by name, at a level of graph optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(wanted, session.run(wanted, {"input": image})))


def worst(values, golden, counts):
    """(largest share of its tolerance that a value takes, largest error relative to the largest magnitude)"""
    shares, errors = [], []
    for name, value in values.items():
        assert value.shape == golden[name].shape, (name, value.shape, golden[name].shape)
        error, largest = np.abs(value - golden[name]).max(), np.abs(golden[name]).max()
        # Where a ReLU let nothing through the largest is 0, and so must be the error.
        shares.append(error and error / (2.0**-24 * counts[name] * largest or 1e-30))
        errors.append(error and error / (largest or 1e-30))
    return np.max(shares), np.max(errors)  # a NaN stays


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--giemsa", required=True)
    arguments = parser.parse_args()
    levels = onnxruntime.GraphOptimizationLevel
    good = True
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    for folder in sorted(GOLDEN.iterdir()):
        golden, metadata = read_golden(folder / "activations.safetensors")
        image, logits = golden.pop("input"), metadata["logits"]
        with tempfile.TemporaryDirectory() as scratch:
            model = onnx.load(export(arguments.giemsa, folder, metadata, image.shape, pathlib.Path(scratch)))
        onnx.checker.check_model(model, full_check=True)
        counts = roundings(model.graph)
        optimised = run(model, [logits], image, levels.ORT_ENABLE_ALL)
        twice = run(model, [logits], np.concatenate([image, image]), levels.ORT_ENABLE_ALL)[logits]
        # A value that no node hands on is not kept: ask for those of the golden.
        kept = {value.name for value in model.graph.output}
        model.graph.output.extend(value for value in model.graph.value_info if value.name in golden and value.name not in kept)
        written = run(model, list(golden), image, levels.ORT_DISABLE_ALL)
        results = {"as written": worst(written, golden, counts), "optimised": worst(optimised, golden, counts),
                   "second of a batch": worst({logits: twice[1:]}, golden, counts)}
        good = good and all(share <= 1 for share, _ in results.values())
        print(f"{folder.name:20} {len(golden):3} values; " + "; ".join(
            f"{how}: error {error:.1e}, {share:.3f} of the tolerance" for how, (share, error) in results.items()))
    print("all within tolerance" if good else "BEYOND TOLERANCE")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
