"""What the tests of the command share: running it, tiny models, images written by hand (standard library only)."""

import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXE = os.environ.get("GIEMSA_EXE", str(SOURCE / "build/giemsa"))
SEGMENTER = "deeplabv3plus_resnet50_wbc.safetensors"
CLASSIFIER = "alexnet_wbc.safetensors"
CLASSES = ["basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil"]


def png_file(header, rows):
    """Bytes of a PNG of the 13 bytes of IHDR and the filtered rows."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png(width, height, pixel):
    """Bytes of an RGB PNG; pixel(x, y) gives (r, g, b)."""
    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    return png_file(struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), rows)


def png_rows(file, kind, pixel_bytes):
    """Width and unfiltered rows of a PNG without interlacing; `kind` is its (depth, colour type)."""
    data = pathlib.Path(file).read_bytes()
    width, height, *found = struct.unpack(">IIBB", data[16:26])
    assert tuple(found) == kind, found
    packed, at = b"", 8
    while at < len(data):
        size, chunk = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if chunk == b"IDAT" else b""
        at += size + 12
    raw, stride, step = zlib.decompress(packed), pixel_bytes * width, pixel_bytes
    rows, above = [], bytes(stride)
    for y in range(height):
        filtering, *line = raw[y * (stride + 1):(y + 1) * (stride + 1)]
        for i in range(stride):
            left, up, corner = (line[i - step] if i >= step else 0), above[i], (above[i - step] if i >= step else 0)
            estimate = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(estimate - value))
            line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[filtering]) & 255
        above = bytes(line)
        rows.append(above)
    return width, rows


def read_grey16_png(file):
    """Rows of a 16-bit grey PNG without interlacing."""
    width, rows = png_rows(file, (16, 0), 2)
    return [struct.unpack(f">{width}H", row) for row in rows]


def noise_png(width, height, seed):
    generator = random.Random(seed)
    return png(width, height, lambda x, y: generator.randbytes(3))


def flat_png(width, height):
    return png(width, height, lambda x, y: (200, 120, 180))


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def errors(self):
        return [line for line in self.err.splitlines() if line.startswith("giemsa: error: ")]


class CommandTest(unittest.TestCase):
    """Each test has a folder of its own, self.dir; the class shares one with two tiny models, cls.models."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="giemsa-cli-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.models = cls.shared / "models"
        cls.models.mkdir()
        golden = SOURCE / "tests/golden"
        cls.start("convert", golden / "smp/checkpoint.pt", "--arch", "deeplabv3plus", "--preset", "smp",
                  "--classes", "background,cell", "--input-size", "64", "-o", cls.models / SEGMENTER)
        cls.start("convert", golden / "alexnet/checkpoint.pt", "--arch", "alexnet", "--preset", "torchvision",
                  "--classes", ",".join(CLASSES), "--input-size", "97x127", "-o", cls.models / CLASSIFIER)

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="giemsa-cli-"))
        self.addCleanup(shutil.rmtree, self.dir)

    @classmethod
    def popen(cls, *arguments, **options):
        environment = {**os.environ, "GIEMSA_MODELS": str(cls.models)}
        environment.pop("GIEMSA_DUMP", None)
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, **options}
        return subprocess.Popen([EXE, *map(os.fspath, arguments)], **options)

    @classmethod
    def start(cls, *arguments):
        with cls.popen(*arguments) as process:
            out, err = process.communicate(timeout=300)
        return Result(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def giemsa(self, *arguments, code):
        """Runs the command, which must end with `code`."""
        result = self.start(*arguments)
        self.assertEqual(result.code, code, f"{arguments}\nstdout: {result.out}\nstderr: {result.err}")
        return result

    def refused(self, *arguments, code, says):
        """Runs the command, which must end with `code` and one line that contains `says`."""
        result = self.giemsa(*arguments, code=code)
        lines = [line for line in result.err.splitlines() if not line.startswith("giemsa: using ")]
        self.assertEqual(len(lines), 1, result.err)
        self.assertTrue(lines[0].startswith("giemsa: error: "), lines[0])
        self.assertIn(says, lines[0])
        return result

    def write(self, name, data):
        file = self.dir / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def run_json(self, *arguments, code=0):
        return json.loads(self.giemsa("run", "--json", *arguments, code=code).out)
