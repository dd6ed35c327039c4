"""Command lines: help, versions, mistakes."""

import json
import unittest

from support import CommandTest, flat_png

COMMANDS = ["run", "eval", "bench", "trace", "convert", "inspect", "compare", "tune", "devices", "selftest",
            "completion"]


class Usage(CommandTest):
    def test_no_arguments(self):
        result = self.giemsa(code=2)
        self.assertEqual(result.out, "")
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", result.err)

    def test_help(self):
        result = self.giemsa("--help", code=0)
        self.assertIn("Exit codes", result.out)
        self.assertEqual(result.err, "")
        for command in COMMANDS:
            with self.subTest(command):
                self.assertIn("Examples:\n", self.giemsa(command, "--help", code=0).out)

    def test_every_option_of_run_is_explained(self):
        text = self.giemsa("run", "--help", code=0).out
        for option in ["--segmenter", "--classifier", "--device", "--precision", "--threads", "--provider",
                       "--segment-size",
                       "--threshold", "--min-area", "--split", "--mask-resolution", "--crop", "--max-pixels", "--out", "--resume",
                       "--crops", "--geojson", "--json", "--quiet"]:
            self.assertIn(option + " ", text)

    def test_version(self):
        self.assertRegex(self.giemsa("--version", code=0).out, r"^giemsa \d+\.\d+\.\d+\n$")

    def test_mistakes(self):
        image = self.write("a.png", flat_png(8, 8))
        for arguments, says in [
            (["fly"], "'fly'"),
            (["benchmark"], "'benchmark'"),
            (["--wrong"], "'--wrong'"),
            (["run"], "INPUT"),
            (["run", "--wrong", image], "'--wrong'"),
            (["run", image, "--threshold", "2"], "--threshold"),
            (["run", image, "--threshold", "nan"], "--threshold"),
            (["run", image, "--threshold", "0"], "--threshold"),
            (["run", image, "--threshold", "0.9999999999"], "--threshold"),
            (["run", image, "--min-area", "-1"], "--min-area"),
            (["run", image, "--min-area", "many"], "--min-area"),
            (["run", image, "--crop", "round"], "tight"),
            (["run", image, "--split", "watershed"], "none, distance, centre"),
            (["run", image, "--mask-resolution", "8"], "frame"),
            (["run", image, "--precision", "fp64"], "fp32"),
            (["run", image, "--device", "tpu"], "cuda"),
            (["run", image, "--provider", "cutlass"], "cublas"),
            (["run", image, "--device", "cpu", "--provider", "cudnn"], "provider cudnn computes on GPUs"),
            (["run", image, "--device", "cuda:x"], "cuda:N"),
            (["run", image, "--threads", "0"], "--threads"),
            (["run", image, "--segment-size", "0x3"], "--segment-size"),
            (["run", image, "--segment-size", "large"], "large"),
            (["run", image, "--out"], "--out"),
            (["run", image, "--resume"], "--out"),
            (["run", image, "--crops"], "--out"),
            (["convert"], "required"),
            (["inspect"], "MODEL"),
            (["compare", "model.safetensors"], "--golden"),
        ]:
            with self.subTest(arguments):
                self.refused(*arguments, code=2, says=says)

    def test_precisions_that_a_cpu_does_not_compute_in(self):
        image = self.write("a.png", flat_png(8, 8))
        for precision in ["fp16"]:
            self.refused("run", image, "--device", "cpu", "--precision", precision, code=2, says=precision)

    def test_devices(self):
        text = self.giemsa("devices", code=0).out
        found = json.loads(self.giemsa("devices", "--json", code=0).out)
        self.assertIn("auto takes " + found["auto"], text)
        self.assertGreaterEqual(found["cpu"]["cores"], 1)
        image = self.write("a.png", flat_png(8, 8))
        if not found["cuda"]["available"]:
            self.refused("run", image, "--device", "cuda", code=4, says="cuda")
        if not found["cpu"]["bf16"]:
            self.refused("run", image, "--device", "cpu", "--precision", "bf16", code=4, says="bf16")


if __name__ == "__main__":
    unittest.main()
