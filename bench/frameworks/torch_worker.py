"""One PyTorch peer: answers run's commands, a line of JSON each, on stdin and stdout (the protocol is in README.md).

    python3 torch_worker.py --setting SETTING --precision fp32|bf16|int8 --threads N
    python3 torch_worker.py --list

Settings, in what PyTorch recommends for inference on the CPU:
  eager          the network as it is
  channels_last  NHWC activations and weights
  jit            channels_last, torch.jit.trace, freeze, optimize_for_inference (oneDNN layouts, conv fusions)
  compile        channels_last, torch.compile (inductor) with weights frozen into the graph
  int8           fp32 network whose Linear layers are dynamically quantised (int8 weights and activations)
"""

import argparse
import json
import os
import resource
import sys
import time

import torch

import torch_nets

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.float32}
SETTINGS = ["eager", "channels_last", "jit", "int8"] + (["compile"] if hasattr(torch, "compile") else [])


def memory():
    """Megabytes in use now, and at most so far."""
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * resource.getpagesize()
    return {"resident_mb": resident / 2**20, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def prepare(network, setting, example):
    """The network in that setting; `example` is one input batch."""
    if setting == "int8":
        return torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, dtype=torch.qint8)
    if setting == "jit":
        return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, example)))
    if setting == "compile":
        from torch._inductor import config

        config.freezing = True
        return torch.compile(network)
    return network


class Worker:
    def __init__(self, setting, precision):
        self.setting, self.precision = setting, precision
        self.layout = torch.contiguous_format if setting in ("eager", "int8") else torch.channels_last

    def load(self, command):
        """Network and inputs; the inputs lie ready in the setting's layout and precision."""
        shape = [command["batch"], 3, command["height"], command["width"]]
        with open(command["inputs"], "rb") as file:
            inputs = torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape([-1] + shape)
        started = time.perf_counter()
        network = torch_nets.load_network(command["model"]).to(dtype=self.precision, memory_format=self.layout)
        self.inputs = [batch.to(dtype=self.precision).contiguous(memory_format=self.layout) for batch in inputs]
        self.network = prepare(network, self.setting, self.inputs[0])
        for _ in range(3):  # compiles; the jit's profiling executor settles at its third call
            self.network(self.inputs[0])
        self.calls = 0
        return {"load_ms": (time.perf_counter() - started) * 1e3}

    def verify(self, command):
        """Writes the logits of every input as fp32, NCHW."""
        with open(command["out"], "wb") as file:
            for batch in self.inputs:
                file.write(self.network(batch).float().contiguous().numpy().tobytes())
        return {}

    def run(self, command):
        """Times one call after the other, each on the next input."""
        ms = []
        for _ in range(command["calls"]):
            batch = self.inputs[self.calls % len(self.inputs)]
            self.calls += 1
            started = time.perf_counter()
            self.network(batch)
            ms.append((time.perf_counter() - started) * 1e3)
        return {"ms": ms}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--setting", choices=SETTINGS)
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="print version and settings as JSON")
    options = parser.parse_args()
    if options.list:
        print(json.dumps({"version": torch.__version__, "settings": SETTINGS}))
        return
    # Replies go to the real stdout; whatever a library prints goes to stderr.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    torch.set_num_threads(options.threads)
    worker = Worker(options.setting, PRECISIONS[options.precision])
    with torch.inference_mode():
        for line in sys.stdin:
            command = json.loads(line)
            try:
                reply = getattr(worker, command["do"])(command)
            except Exception as error:  # a setting that cannot run this network is a row of its own in the table
                reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
            reply["memory"] = memory()
            print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    main()
