"""How a model travels to a GPU, how test cases are chosen there, and how runs are held against each other."""

import fnmatch
import json
import random
import re
import struct
import subprocess
import sys
import unittest
import zlib

from gpu_support import ROOT, FolderTest, safetensors

from gpu import compare_runs, families, model_packing, random_alexnet


class ModelPacking(unittest.TestCase):
    def exact(self, data):
        packed = model_packing.pack(data)
        self.assertEqual(model_packing.unpack(packed), data)
        return packed

    def test_every_type_comes_back_exactly(self):
        generator = random.Random(3)
        tensors = {"half": ("F16", generator.randbytes(2 * 31)), "brain": ("BF16", generator.randbytes(2 * 7)),
                   "int8": ("I8", generator.randbytes(33)), "float": ("F32", generator.randbytes(4 * 5)),
                   "empty": ("F16", b""), "scalar": ("F16", b"\x00\x3c"), "last": ("I64", generator.randbytes(8))}
        self.exact(safetensors(tensors))
        self.exact(safetensors(dict(reversed(tensors.items()))))

    def test_odd_files(self):
        self.exact(safetensors({}))
        self.exact(safetensors({"empty": ("F32", b"")}))
        self.exact(safetensors({"a": ("F16", b"abcd")}, tail=b"what no tensor covers"))
        self.exact(safetensors({"odd": ("F16", b"abc"), "b": ("I8", b"x")}))  # not a whole number of elements
        self.exact(safetensors({"a": ("F32", b"1234"), "b": ("BF16", b"56")}).replace(b'"BF16"', b'"F16" '))

    def test_gaps_between_tensors(self):
        header = {"a": {"dtype": "F16", "shape": [2], "data_offsets": [3, 7]}, "b": {"dtype": "I8", "shape": [1], "data_offsets": [9, 10]}}
        text = json.dumps(header).encode()
        self.exact(struct.pack("<Q", len(text)) + text + b"0123456789ab")

    def test_weights_get_smaller_than_by_xz_alone(self):
        generator = random.Random(1)
        data = safetensors({"w": ("F16", bytes(random_alexnet.random_halves(50000, -5, generator)))})
        self.assertLess(len(self.exact(data)), 0.75 * len(data))

    def test_what_is_no_such_file_is_refused(self):
        good = safetensors({"a": ("F16", b"abcd")})
        overlapping = json.dumps({"a": {"dtype": "F16", "data_offsets": [0, 4]}, "b": {"dtype": "I8", "data_offsets": [3, 5]}}).encode()
        outside = json.dumps({"a": {"dtype": "F16", "data_offsets": [0, 400]}}).encode()
        for data in (b"", b"1234567", good[:20], b"\xff" * 64, struct.pack("<Q", len(overlapping)) + overlapping + b"12345",
                     struct.pack("<Q", len(outside)) + outside + b"12345"):
            with self.assertRaises(ValueError):
                model_packing.pack(data)


class RandomAlexNet(unittest.TestCase):
    def test_halves_have_the_size_asked_for(self):
        data = random_alexnet.random_halves(5000, -5, random.Random(1))
        sizes = [abs(value) for value in struct.unpack("<5000e", data)]
        self.assertGreaterEqual(min(sizes), 2**-5)
        self.assertLess(max(sizes), 2**-4)
        signs = sum(value < 0 for value in struct.unpack("<5000e", data))
        self.assertTrue(2000 < signs < 3000, signs)

    def test_shapes_are_torchvisions(self):
        shapes = dict(random_alexnet.tensors(5))
        self.assertEqual(shapes["features.0.weight"], (64, 3, 11, 11))
        self.assertEqual(shapes["classifier.6.bias"], (5,))
        self.assertEqual(len(shapes), 16)


class Families(unittest.TestCase):
    """A filter that matches nothing would check nothing."""

    def names(self, program):
        folders = {"test_kernels_gpu": "tests/kernels", "test_cuda_gpu": "tests/cuda"}
        return [name for file in (ROOT / folders[program]).glob("test_*")
                for name in re.findall(r'^TEST_CASE(?:_TEMPLATE)?\("([^"]*)"', file.read_text(), re.MULTILINE)]

    def matches(self, pattern, names):
        return [name for name in names if fnmatch.fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))]

    def test_every_filter_matches_a_case(self):
        for program, filters in families.TESTED.items():
            names = self.names(program)
            self.assertGreater(len(names), 20)
            for pattern in [pattern for family in filters for pattern in families.patterns(family)]:
                self.assertTrue(self.matches(pattern, names), f"{program}: {pattern}")
        names = self.names("test_kernels_gpu")
        for table in (families.SANITIZED, families.SANITIZED_IN_SHORT):
            for pattern in [pattern for filters in table.values() for family in filters for pattern in families.patterns(family)]:
                self.assertTrue(self.matches(pattern, names), pattern)
        for pattern in families.patterns(families.NOT_SANITIZED):
            self.assertTrue(self.matches(pattern, names), pattern)

    def test_no_case_is_run_by_two_families_or_by_none(self):
        for program, filters in families.TESTED.items():
            rest = families.rest(program)
            for name in self.names(program):
                taken = [family for family in filters if any(self.matches(p, [name]) for p in families.patterns(family))]
                left = not any(self.matches(pattern, [name]) for pattern in families.patterns(rest))
                with self.subTest(program=program, case=name):
                    self.assertEqual(len(taken) + left, 1, taken)

    def test_sanitized_families_keep_a_case_after_what_is_left_out(self):
        names = [name for name in self.names("test_kernels_gpu")
                 if not any(self.matches(pattern, [name]) for pattern in families.patterns(families.NOT_SANITIZED))]
        for table in (families.SANITIZED, families.SANITIZED_IN_SHORT):
            for family in [family for filters in table.values() for family in filters]:
                self.assertTrue(any(self.matches(pattern, names) for pattern in families.patterns(family)), family)


def grey16_png(rows, filtering):
    """Rows of 16-bit samples as a PNG, with one of the five filters."""
    width, height = len(rows[0]), len(rows)
    raw, above = b"", bytes(2 * width)
    for row in rows:
        line = struct.pack(f">{width}H", *row)
        raw += bytes([filtering])
        for i, byte in enumerate(line):
            left, up, corner = (line[i - 2] if i > 1 else 0), above[i], (above[i - 2] if i > 1 else 0)
            estimate = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(estimate - value))
            raw += bytes([(byte - (0, left, up, (left + up) // 2, paeth)[filtering]) & 255])
        above = line

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    packed = zlib.compress(raw)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0))
            + chunk(b"IDAT", packed[:9]) + chunk(b"IDAT", packed[9:]) + chunk(b"IEND", b""))


class CompareRuns(FolderTest):
    def run_of(self, name, cells, rows=((0, 1, 1, 0),) * 4, filtering=0):
        folder = self.folder / name
        (folder / "labels").mkdir(parents=True)
        made = [{"box": box, "class": kind, "probability": probability,
                 "probabilities": {"basophil": 0.01, "neutrophil": 0.89, kind: probability}} for box, kind, probability in cells]
        (folder / "results.json").write_text(json.dumps({"images": [{"file": "a/x.png", "name": "x", "cells": made}]}))
        (folder / "labels/x.png").write_bytes(grey16_png([list(row) for row in rows], filtering))
        return folder

    def compare(self, *folders):
        done = subprocess.run([sys.executable, "-B", ROOT / "tools/gpu/compare_runs.py", *folders], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    CELL = ([10, 20, 30, 40], "monocyte", 0.9)

    def test_png_filters_are_undone(self):
        generator = random.Random(2)
        rows = [[generator.randrange(65536) for _ in range(7)] for _ in range(5)] + [[0] * 7]
        for filtering in range(5):
            file = self.folder / "a.png"
            file.write_bytes(grey16_png(rows, filtering))
            self.assertEqual(list(compare_runs.read_grey16_png(file)), sum(rows, []), filtering)

    def test_equal_and_nearly_equal_runs_agree(self):
        first = self.run_of("first", [self.CELL])
        same = self.run_of("same", [([11, 20, 30, 39], "monocyte", 0.5)], filtering=4)
        tie = self.run_of("tie", [([10, 20, 30, 40], "neutrophil", 0.895)])
        status, said = self.compare(first, same, tie)
        self.assertEqual(status, 0, said)
        self.assertIn("tie against first: the same: 1 cells, 1 of the same box, largest change of a probability 5.0e-03", said)

    def test_every_difference_is_found(self):
        first = self.run_of("first", [self.CELL])
        for name, cells, rows, says in [
                ("class", [([10, 20, 30, 40], "basophil", 0.9)], None, "basophil, not monocyte"),
                ("box", [([13, 20, 30, 40], "monocyte", 0.9)], None, "box [13, 20, 30, 40], not"),
                ("count", [self.CELL, self.CELL], None, "2 cells, not 1"),
                ("probability", [([10, 20, 30, 40], "monocyte", 0.8)], None, "a probability differs by 0.1000"),
                ("pixels", [self.CELL], ((0, 1, 0, 0),) * 4, "0.75000 of the pixels agree"),
                ("size", [self.CELL], ((0, 1),), "label images of different sizes")]:
            status, said = self.compare(first, self.run_of(name, cells, *([rows] if rows else [])))
            self.assertEqual(status, 1, name)
            self.assertIn(says, said)

    def test_nothing_to_compare_is_no_agreement(self):
        status, said = self.compare(self.run_of("first", []), self.run_of("second", []))
        self.assertEqual(status, 1)
        self.assertIn("no cell was found", said)
        status, said = self.compare(self.folder / "first", self.folder / "absent")
        self.assertEqual((status, said), (4, "no results in absent\n"))


if __name__ == "__main__":
    unittest.main()
