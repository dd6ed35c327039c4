"""What the tests of tools/gpu_check share: a folder of its own, programs that stand in for real ones, a checkout of the few files
that a stage needs."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from gpu.building import PROGRAMS  # noqa: E402


def safetensors(tensors, tail=b""):
    """The bytes of a file of {name: (dtype, bytes)}."""
    header, body = {"__metadata__": {"arch": "none"}}, b""
    for name, (dtype, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": [len(data)], "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body + tail


class FolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="giemsa-gpu-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def script(self, file, text):
        """A shell script at `file`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n" + text)
        file.chmod(0o755)
        return file


# A checkout without the weights and the tests.
TAKEN = ["tools/gpu", "tools/gpu_check", "tools/samples/images", "bench/frameworks/torch_graph.py"]


class CheckoutTest(FolderTest):
    """A git checkout, self.checkout, in which tools/gpu_check runs; programs in self.folder/bin come first in PATH."""

    def setUp(self):
        super().setUp()
        self.checkout = self.folder / "checkout"
        for name in TAKEN:
            source, to = ROOT / name, self.checkout / name
            to.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, to)
        (self.checkout / ".gitignore").write_text("/.gpu/\n/gpu-report/\n*.pyc\n__pycache__/\n")
        weights = self.checkout / "weights/pretrained"
        weights.mkdir(parents=True)
        (weights / "README.md").write_text("Weights\n")
        (weights / "deeplabv3plus_test.safetensors").write_bytes(safetensors({"a": ("F16", bytes(range(200)))}))
        (weights / "alexnet_test.safetensors").write_bytes(safetensors({"a": ("F32", os.urandom(1 << 20))}))
        (self.checkout / "bench/results").mkdir(parents=True)
        (self.checkout / "bench/results/old.json").write_text("{}\n")
        self.git("init", "-q")
        self.commit("first")

    def git(self, *words):
        return subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.compression=0", *words],
                              cwd=self.checkout, check=True, capture_output=True, text=True).stdout

    def commit(self, message):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def gpu_check(self, *arguments, status=0, environment=()):
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run([sys.executable, "-B", self.checkout / "tools/gpu_check", *map(str, arguments)], capture_output=True,
                              text=True, env={**os.environ, "PATH": path, **dict(environment)}, timeout=1200)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def stage(self, name, *arguments, status, hidden=False):
        """What the stage printed, and what its archive holds: bytes by name. `hidden`: programs see no GPU."""
        said = self.gpu_check(name, "--out", self.folder / "out", "--work", self.folder / "work", *arguments, status=status,
                              environment={"CUDA_VISIBLE_DEVICES": ""} if hidden else {})
        self.assertEqual([file.name for file in (self.folder / "out").iterdir() if file.name.startswith(name)], [f"{name}.tgz"])
        with tarfile.open(self.folder / f"out/{name}.tgz") as archive:
            files = {member.name.split("/", 1)[1]: archive.extractfile(member).read() for member in archive.getmembers()}
        return said, files

    def programs(self, text):
        """A build folder of scripts in place of all programs; `giemsa convert` makes its output."""
        build = self.folder / "build"
        for path in PROGRAMS.values():
            self.script(build / path, 'if [ "$1" = convert ]; then for out; do :; done; cp "$2" "$out"; exit 0; fi\n' + text)
        return build
