"""tools/gpu_check pack and both stages with the programs of a build, GIEMSA_BUILD, on a machine that has no GPU, or as if it had
none: every program takes its arguments and says so. The models are narrow ones, to keep it short."""

import json
import os
import pathlib
import re
import subprocess
import unittest

from gpu_support import ROOT, CheckoutTest

BUILD = pathlib.Path(os.environ.get("GIEMSA_BUILD", ROOT / "build-ci"))
# What needs no GPU. nvidia-smi, ncu and compute-sanitizer may not be there.
ON_ANY_MACHINE = {"unpack_programs", "unpack_models", "facts", "facts_after", "devices", "run_cpu"}


class RealPack(CheckoutTest):
    def test_every_program_says_that_there_is_no_gpu(self):
        self.script(self.folder / "bin/nvidia-smi", "echo no devices were found; exit 6\n")
        segmenter = self.folder / "segmenter.safetensors"
        subprocess.run([BUILD / "giemsa", "convert", ROOT / "tests/golden/smp/checkpoint.pt", "--arch", "deeplabv3plus", "--preset",
                        "smp", "--classes", "background,cell", "--input-size", "64", "--quiet", "-o", segmenter], check=True)
        said = self.gpu_check("pack", "--binaries", BUILD, "--segmenter", segmenter, "--fast", "--limit", 500)
        self.assertRegex(said, r"needs GLIBC 2\.\d+, GLIBCXX 3\.4")
        for name in ("stage1", "stage2"):
            said, files = self.stage(name, "--patience", 20, "--seconds", 1000, status=4, hidden=True)
            for step in json.loads(files["steps.json"])["steps"]:
                with self.subTest(step["name"]):
                    self.assertEqual(step["result"], "ok" if step["name"] in ON_ANY_MACHINE else "no GPU", step)
                    # Not the words of a program that stumbled over its arguments.
                    if re.match("test_|whole|network|tune|kernels|ladder|run_cuda|smear", step["name"]):
                        self.assertRegex(step["why"], "status (4|77): .*(GPU|NVIDIA|CUDA)", step)


if __name__ == "__main__":
    unittest.main()
