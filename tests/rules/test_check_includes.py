#!/usr/bin/env python3
"""Must-fail tests of check_includes.py: every rule is broken once in a made-up tree and has to be reported, alone."""

import pathlib
import subprocess
import tempfile
import unittest

import check_includes

HEADERS = [
    "engine/base/check.h", "engine/base/tensor.h", "engine/graph/graph.h", "engine/run/session.h", "engine/plan/plan.h", "engine/cpu/backend.h",
    "engine/device.h", "engine/cpu/resize.h", "kernels/cpu/nhwc.h", "kernels/cpu/parallel.h", "kernels/cpu/matmul/quantize.h",
    "kernels/cpu/imaging/components.h",
    "kernels/conv2d.h", "kernels/device.h", "kernels/ladder/steps.h", "weights/safetensors.h", "nets/smear.h",
    "weights/convert/pickle.h", "nets/convert/convert.h", "nets/onnx/export.h",
    "tools/image_io/decode.h", "bench/shapes.h", "tests/ref/conv2d.h",
]

FORBIDDEN = [
    ("kernels/conv2d.cu", '"engine/base/tensor.h"'),
    ("kernels/conv2d.cu", "<unistd.h>"),
    ("kernels/conv2d.cu", '"kernels/ladder/steps.h"'),
    ("engine/cuda/conv.cpp", '"kernels/ladder/steps.h"'),
    ("kernels/conv2d.cu", "<nlohmann/json.hpp>"),
    ("weights/sha256.cpp", '"engine/graph/graph.h"'),
    ("weights/sha256.cpp", '"nets/smear.h"'),
    ("engine/graph/graph.cpp", '"kernels/conv2d.h"'),
    ("engine/cpu/conv.cpp", '"kernels/conv2d.h"'),
    ("engine/cuda/conv.cpp", '"engine/cpu/resize.h"'),
    ("engine/base/tensor.cpp", '"kernels/cpu/nhwc.h"'),
    ("engine/graph/graph.cpp", '"kernels/cpu/nhwc.h"'),
    ("kernels/cpu/layers/pool.cpp", '"kernels/conv2d.h"'),
    ("kernels/cpu/layers/pool.cpp", '"engine/base/tensor.h"'),
    ("kernels/cpu/layers/pool.cpp", '"engine/base/check.h"'),
    ("kernels/cpu/layers/pool.simd.h", '"engine/base/tensor.h"'),
    ("kernels/cpu/layers/pool.cpp", "<oneapi/dnnl/dnnl.hpp>"),
    ("kernels/cpu/layers/pool.cpp", "<cuda_runtime.h>"),
    ("engine/cpu/conv.cpp", "<immintrin.h>"),
    ("kernels/conv2d.cu", "<immintrin.h>"),
    ("kernels/conv2d.cu", "<omp.h>"),
    ("kernels/cpu/parallel.h", "<omp.h>"),
    ("engine/cpu/session.cpp", "<omp.h>"),
    ("engine/cpu/session.cpp", "<sched.h>"),
    ("weights/pickle.cpp", '"kernels/cpu/nhwc.h"'),
    ("tools/commands/run.cpp", '"kernels/cpu/imaging/components.h"'),
    ("engine/graph/graph.cpp", '"weights/safetensors.h"'),
    ("engine/graph/graph.cpp", '"nets/smear.h"'),
    ("engine/graph/graph.cpp", "<dnnl.hpp>"),
    ("engine/cuda/conv.cpp", "<oneapi/dnnl/dnnl.hpp>"),
    ("engine/run/session.cpp", "<cuda_runtime.h>"),
    ("engine/trace.cpp", "<nlohmann/json.hpp>"),
    ("nets/model.cpp", '"weights/convert/pickle.h"'),
    ("weights/seal.cpp", '"weights/convert/pickle.h"'),
    ("nets/onnx/export.cpp", '"weights/convert/pickle.h"'),
    ("tools/cli/model_files.cpp", '"weights/convert/pickle.h"'),
    ("tools/commands/convert.cpp", '"weights/convert/pickle.h"'),
    ("nets/smear.cpp", '"nets/convert/convert.h"'),
    ("tools/commands/run.cpp", '"nets/convert/convert.h"'),
    ("bench/bench_conv2d.cpp", '"nets/convert/convert.h"'),
    ("nets/model.cpp", '"nets/onnx/export.h"'),
    ("weights/convert/pickle.cpp", '"nets/convert/convert.h"'),
    ("nets/model.cpp", "<nlohmann/json.hpp>"),
    ("nets/alexnet.cpp", '"engine/plan/plan.h"'),
    ("nets/alexnet.cpp", '"engine/cpu/backend.h"'),
    ("nets/alexnet.cpp", '"tools/image_io/decode.h"'),
    ("nets/alexnet.cpp", "<dnnl.hpp>"),
    ("tools/giemsa.cpp", '"kernels/conv2d.h"'),
    ("tools/giemsa.cpp", '"bench/shapes.h"'),
    ("tools/commands/run.cpp", "<CLI/CLI.hpp>"),
    ("tools/text/html.cpp", '"nets/smear.h"'),
    ("tools/python/binding/module.cpp", '"nets/smear.h"'),
    ("tools/python/binding/module.cpp", '"engine/device.h"'),
    ("tools/giemsa.cpp", "<nanobind/nanobind.h>"),
    ("tools/giemsa.cpp", "<giemsa.h>"),
    ("tools/giemsa.cpp", "<jpeglib.h>"),
    ("tools/giemsa.cpp", "<zlib.h>"),
    ("tools/giemsa.cpp", "<benchmark/benchmark.h>"),
    ("nets/alexnet.cpp", "<CLI/CLI.hpp>"),
    ("engine/graph/graph.cpp", "<doctest/doctest.h>"),
    ("tests/engine/test_graph.cpp", "<benchmark/benchmark.h>"),
    ("bench/bench_conv2d.cpp", '"tests/ref/conv2d.h"'),
    ("kernels/conv2d.cu", '"tests/ref/conv2d.h"'),
    ("engine/graph/graph.cpp", '"tests/ref/conv2d.h"'),
    ("weights/sha256.cpp", '"tests/ref/conv2d.h"'),
    ("nets/alexnet.cpp", '"tests/ref/conv2d.h"'),
    ("tools/giemsa.cpp", '"tests/ref/conv2d.h"'),
    ("engine/graph/graph.cpp", '"check.h"'),
    ("engine/graph/graph.cpp", '"engine/missing.h"'),
    ("engine/graph/graph.cpp", "<engine/base/check.h>"),
    ("engine/graph/graph.cpp", "<boost/context/fiber.hpp>"),
    ("tests/ops/test_conv2d.cpp", "<boost/context/fiber.hpp>"),
    ("engine/base/tensor.cpp", '"engine/graph/graph.h"'),
    ("engine/ops/conv2d.h", '"engine/graph/graph.h"'),
    ("engine/graph/graph.cpp", '"engine/plan/plan.h"'),
    ("engine/plan/plan.cpp", '"engine/run/session.h"'),
    ("engine/run/session.cpp", '"engine/cpu/backend.h"'),
    ("engine/run/session.cpp", '"engine/device.h"'),
    ("engine/cpu/backend.cpp", '"engine/device.h"'),
    ("extra/new_room.cpp", '"engine/base/check.h"'),
]

PERMITTED = [
    ("kernels/cpu/layers/pool.cpp", '"kernels/cpu/nhwc.h"'),
    ("kernels/cpu/layers/pool.cpp", "<immintrin.h>"),
    ("engine/cpu/banded_convolution.cpp", "<omp.h>"),
    ("kernels/cpu/thread_pool.cpp", "<sched.h>"),
    ("engine/cpu/conv.cpp", '"kernels/cpu/nhwc.h"'),
    ("engine/cuda/conv.cpp", '"kernels/cpu/nhwc.h"'),
    ("engine/graph/fold.cpp", '"kernels/cpu/parallel.h"'),
    ("weights/quantize.cpp", '"kernels/cpu/matmul/quantize.h"'),
    ("tools/eval/truth.cpp", '"kernels/cpu/imaging/components.h"'),
    ("kernels/conv2d.cu", '"kernels/device.h"'),
    ("kernels/device.h", "<cuda_runtime.h>"),
    ("kernels/conv2d.cu", "<cstdint>"),
    ("kernels/ladder/conv2d_v1.cu", '"kernels/ladder/steps.h"'),
    ("kernels/ladder/conv2d_v1.cu", '"kernels/conv2d.h"'),
    ("bench/bench_conv2d.cpp", '"kernels/ladder/steps.h"'),
    ("tests/ops/test_conv2d.cpp", '"kernels/ladder/steps.h"'),
    ("weights/sha256.cpp", '"engine/base/tensor.h"'),
    ("weights/sha256.cpp", "<nlohmann/json.hpp>"),
    ("weights/sha256.cpp", "<sys/mman.h>"),
    ("weights/convert/pickle.cpp", '"weights/safetensors.h"'),
    ("weights/convert/torch_zip.cpp", '"weights/convert/pickle.h"'),
    ("nets/convert/convert.cpp", '"weights/convert/pickle.h"'),
    ("tools/commands/convert.cpp", '"nets/convert/convert.h"'),
    ("tools/commands/convert.cpp", '"nets/onnx/export.h"'),
    ("tests/nets/test_convert.cpp", '"nets/convert/convert.h"'),
    ("engine/cuda/conv.cpp", '"kernels/conv2d.h"'),
    ("engine/cpu/conv.cpp", "<oneapi/dnnl/dnnl.hpp>"),
    ("engine/cpu/conv.cpp", '"engine/run/session.h"'),
    ("engine/device.cpp", '"engine/cpu/backend.h"'),
    ("nets/alexnet.cpp", '"engine/run/session.h"'),
    ("nets/alexnet.cpp", '"weights/safetensors.h"'),
    ("tools/giemsa.cpp", '"nets/smear.h"'),
    ("tools/python/binding/module.cpp", "<nanobind/nanobind.h>"),
    ("tools/python/binding/module.cpp", "<giemsa.h>"),
    ("tools/cli/command.h", "<CLI/CLI.hpp>"),
    ("tools/image_io/decode.cpp", "<jpeglib.h>"),
    ("tools/pictures/png.cpp", "<zlib.h>"),
    ("bench/bench_conv2d.cpp", '"kernels/conv2d.h"'),
    ("tests/ops/test_conv2d.cpp", '"tests/ref/conv2d.h"'),
    ("tests/ops/test_conv2d.cpp", '"kernels/conv2d.h"'),
]


class CheckIncludes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for header in HEADERS:
            self.write(header, "#pragma once\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def found(self):
        return list(check_includes.violations(self.root))

    def assert_reported(self, start, part):
        found = self.found()
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(start), found)
        self.assertIn(part, found[0])

    def test_forbidden_includes_are_reported(self):
        for path, header in FORBIDDEN:
            with self.subTest(path=path, header=header):
                file = self.write(path, f"#include <vector>\n#  include {header}\n")
                self.assert_reported(f"{path}:2: ", header)
                file.unlink()

    def test_permitted_includes_are_not(self):
        for path, header in PERMITTED:
            with self.subTest(path=path, header=header):
                self.write(path, f"#include {header}\n")
                self.assertEqual(self.found(), [])

    def test_hardware_is_reached_through_the_seam_only(self):
        for line in ("kernel<<<1, 32>>>(out);", 'asm volatile("bar.sync 0;");', "extern __shared__ float tile[];",
                     "__shared__ float tile[32];", "__syncthreads();", "__syncwarp();", "v = __shfl_sync(m, v, 0);",
                     "v = __ldg(p);", "__stcs(p, v);", "atomicAdd(p, 1);", "__threadfence();", "m = __activemask();"):
            for path in ("kernels/conv2d.cu", "kernels/conv2d.h", "tests/kernels/test_conv2d.cu"):
                with self.subTest(line=line, path=path):
                    file = self.write(path, f"// why\n{line}\n")
                    self.assert_reported(f"{path}:2: ", "through kernels/device.h only")
                    file.unlink()
            self.write("kernels/mma.h", f"{line}\n")
            self.assertEqual(self.found(), [])
        self.write("kernels/conv2d.cu", "__shared__ Shared<float, 32> tile;\n__global__ void __launch_bounds__(32)\n"
                                        "atomic_add(p, 1);\n")
        self.assertEqual(self.found(), [])

    def test_threads_are_started_in_one_place(self):
        for path in ("kernels/cpu/layers/pool.cpp", "kernels/cpu/layers/pool.simd.h", "engine/graph/fold.cpp",
                     "kernels/cpu/parallel.h"):
            with self.subTest(path=path):
                file = self.write(path, "// why\n#  pragma omp parallel for\n")
                self.assert_reported(f"{path}:2: ", "kernels/cpu/parallel.h only")
                file.unlink()

    def test_the_library_knows_no_command_line(self):
        for line in ('fail("take --preset smp");', 'fail("--device ", name);', "// as `--to onnx` wants", "// what giemsa tune made",
                     'cat("make one with: giemsa convert ", file);', "usage,  ///< wrong (exit code 2)"):
            for path in ("engine/device.cpp", "kernels/conv2d.cu", "nets/model.cpp", "weights/seal.h"):
                with self.subTest(line=line, path=path):
                    file = self.write(path, f"// why\n{line}\n")
                    self.assert_reported(f"{path}:2: ", "knows no command line")
                    file.unlink()
            self.write("tools/cli/messages.cpp", f"{line}\n")
            self.assertEqual(self.found(), [])
        self.write("weights/seal.h", "for (; blocks > 0; --blocks) --node;  // compiled with --fmad=false\n")
        self.assertEqual(self.found(), [])

    def test_large_file(self):
        self.write("weights/pretrained/segmenter.safetensors", "x" * (check_includes.MAX_FILE_BYTES + 1))
        self.write("tools/exactly.bin", "x" * check_includes.MAX_FILE_BYTES)
        self.assertEqual(self.found(), [])
        self.write("tools/large.bin", "x" * (check_includes.MAX_FILE_BYTES + 1))
        self.assert_reported("tools/large.bin: ", "bytes")

    def test_long_source(self):
        self.write("engine/long.cpp", "\n" * 499)
        self.assertEqual(self.found(), [])
        self.write("engine/long.cpp", "\n" * 500)
        self.assert_reported("engine/long.cpp: ", "500 lines")

    def test_unfinished_work(self):
        for word in ("TO" "DO", "FIX" "ME"):
            for path in ("engine/graph/graph.cpp", "tools/goldens.py", "CMakeLists.txt"):
                with self.subTest(word=word, path=path):
                    file = self.write(path, f"# {word}: later\n")
                    self.assert_reported(f"{path}:1: ", word)
                    file.unlink()

    def test_git_decides_what_belongs_to_the_repository(self):
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.write(".gitignore", "/ignored/\n")
        self.write("ignored/large.bin", "x" * (check_includes.MAX_FILE_BYTES + 1))
        self.assertEqual(self.found(), [])
        self.write("engine/not_added_yet.cpp", '#include "tests/ref/conv2d.h"\n')
        self.assert_reported("engine/not_added_yet.cpp:1: ", "tests/ref/conv2d.h")

    def test_an_archive_without_git(self):
        self.write("build-ci/large.bin", "x" * (check_includes.MAX_FILE_BYTES + 1))
        self.assertEqual(self.found(), [])


if __name__ == "__main__":
    unittest.main()
