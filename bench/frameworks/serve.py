"""What the Python workers share: run's commands, a line of JSON each, on stdin, replies on stdout (README.md has the protocol).

A worker is `serve(version, settings, Network)`, where a Network has

  Network(setting, precision, threads, device)
  open(model, shape)   the file, for batches of {batch,3,height,width}
  hold(inputs)         fp32 {n,batch,3,height,width}; keeps them as this setting likes them best
  infer(i)             runs input i: what is timed
  logits(result)       of infer, as fp32 NCHW
  host_bytes(result)   of infer, with a GPU: the bytes that it copied from the host, and to it
"""

import argparse
import contextlib
import json
import os
import resource
import sys
import time

import numpy as np

WARM_UP_CALLS = 3  # compiles; a profiling just-in-time compiler settles at its third call


def memory():
    """Megabytes in use now, and at most so far."""
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * resource.getpagesize()
    return {"resident_mb": resident / 2**20, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


class Commands:
    def __init__(self, network, device):
        self.network, self.device, self.opened = network, device, None

    def load(self, command):
        """Network and inputs. Loading the same network again only changes the inputs."""
        shape = [command["batch"], 3, command["height"], command["width"]]
        inputs = np.fromfile(command["inputs"], np.float32).reshape([-1] + shape)
        started = time.perf_counter()
        new = self.opened != (command["model"], shape)
        if new:
            self.network.open(command["model"], shape)
        self.opened = command["model"], shape
        self.network.hold(inputs)
        for _ in range(WARM_UP_CALLS if new else 0):
            self.network.infer(0)
        self.count, self.calls = len(inputs), 0
        reply = {"load_ms": (time.perf_counter() - started) * 1e3}
        if self.device != "cpu":
            reply["host_bytes"] = self.network.host_bytes(self.network.infer(0))
        return reply

    def verify(self, command):
        """Writes the logits of every input."""
        with open(command["out"], "wb") as file:
            for i in range(self.count):
                file.write(np.ascontiguousarray(self.network.logits(self.network.infer(i)), np.float32).tobytes())
        return {}

    def run(self, command):
        """Times one call after the other, each on the next input."""
        ms = []
        for _ in range(command["calls"]):
            i = self.calls % self.count
            self.calls += 1
            started = time.perf_counter()
            self.network.infer(i)
            ms.append((time.perf_counter() - started) * 1e3)
        return {"ms": ms}


def serve(version, settings, network, context=contextlib.nullcontext()):
    """`settings`: {"cpu": {setting: precisions}, "cuda": ...}, for the devices that this interpreter can use."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true", help="print version and settings as JSON")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--setting")
    parser.add_argument("--precision")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.list:
        print(json.dumps({"version": version.partition("+")[0], "settings": settings.get(options.device, {})}))
        return
    # Replies go to the real stdout; whatever a library prints goes to stderr.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    commands = Commands(network(options.setting, options.precision, options.threads, options.device), options.device)
    with context:
        for line in sys.stdin:
            command = json.loads(line)
            try:
                reply = getattr(commands, command["do"])(command)
            except Exception as error:  # a setting that cannot run this network is a row of its own in the table
                reply = {"error": f"{type(error).__name__}: {error}".strip().splitlines()[0]}
            reply["memory"] = memory()
            print(json.dumps(reply), file=replies)
