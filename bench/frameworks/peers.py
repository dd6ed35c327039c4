"""The frameworks that take part: where they come from, and an interpreter that has them."""

import json
import pathlib
import subprocess
import sys
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
SYSTEM_PYTHON = "/usr/bin/python3"


class Peer(NamedTuple):
    name: str
    packages: tuple  # of PyPI, pinned
    worker: str
    reads: str  # "safetensors" or "onnx"
    quantized: str = ""  # suffix of what quantize_<key>.py writes


PEERS = {
    "pytorch": Peer("PyTorch", ("torch==2.15.0", "torchvision==0.29.2", "numpy==2.4.6"), "torch_worker.py", "safetensors"),
    "onnxruntime": Peer("ONNX Runtime", ("onnxruntime==1.32.0", "onnx==1.23.2", "numpy==2.4.6"), "onnxruntime_worker.py", "onnx",
                        ".onnx"),
    "openvino": Peer("OpenVINO", ("openvino==2026.4.1", "nncf==3.4.0", "numpy==2.4.6"), "openvino_worker.py", "onnx", ".xml"),
    "opencv": Peer("OpenCV DNN", ("opencv-python-headless==5.0.0.93", "numpy==2.4.6"), "opencv_worker.py", "onnx"),
}


class Installed(NamedTuple):
    """A peer that an interpreter has."""

    key: str
    python: str
    version: str
    settings: dict  # of the device asked for: precisions by setting

    @property
    def peer(self):
        return PEERS[self.key]

    @property
    def name(self):
        return f"{self.peer.name} {self.version}"


class Missing(Exception):
    """A peer that cannot take part, and why."""


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def make_environment(key, folder, say):
    """A virtual environment with the peer's packages; its interpreter."""
    python, ready = folder / "bin" / "python", folder / "ready"
    packages = "\n".join(PEERS[key].packages)
    if not ready.exists() or ready.read_text() != packages:
        say(f"installing {', '.join(PEERS[key].packages)} into {folder}")
        for command in ([sys.executable, "-m", "venv", "--clear", folder],
                        [python, "-m", "pip", "install", "--quiet", *PEERS[key].packages]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Missing(f"cannot be installed: {last_line(done.stderr or done.stdout)}")
        ready.write_text(packages)
    return python


def ask(key, python, device):
    """The peer as that interpreter has it."""
    done = subprocess.run([python, HERE / PEERS[key].worker, "--list", "--device", device], capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"does not start: {last_line(done.stderr)}")
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return Installed(key, str(python), answer["version"], answer["settings"])


def find(keys, given, folder, device, say):
    """(those that take part, {name: why not} of the others). `given`: interpreters by key, used instead of an environment."""
    installed, missing = [], {}
    for key in keys:
        try:
            pythons = given.get(key) or [make_environment(key, folder / key, say)]
            installed += [ask(key, python, device) for python in pythons]
        except (Missing, OSError) as why:
            missing[PEERS[key].name] = str(why)
    if "pytorch" in keys and not given.get("pytorch"):
        try:
            installed.append(ask("pytorch", SYSTEM_PYTHON, device))  # the distribution's own, where it is there
        except (Missing, OSError):
            pass
    return installed, missing
