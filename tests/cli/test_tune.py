"""giemsa tune, and the files it makes: on a GPU where there is one, else that it says why it cannot."""

import json
import unittest

from support import CommandTest, noise_png


class Tune(CommandTest):
    def setUp(self):
        super().setUp()
        self.cuda = json.loads(self.giemsa("devices", "--json", code=0).out)["cuda"]
        self.file = self.dir / "gpu.tuning"

    def need_gpu(self):
        if not self.cuda["available"]:
            self.skipTest(self.cuda["reason"])

    def test_help(self):
        text = self.giemsa("tune", "--help", code=0).out
        for option in ["--out", "--segmenter", "--classifier", "--sizes", "--device"]:
            self.assertIn(option + " ", text)
        for command in ["run", "eval", "compare"]:
            self.assertIn("--tuning FILE", self.giemsa(command, "--help", code=0).out)

    def test_mistakes(self):
        self.refused("tune", code=2, says="--out")
        self.refused("tune", "-o", self.file, "--device", "tpu", code=2, says="cuda:N")
        self.assertFalse(self.file.exists())

    def test_without_a_gpu(self):
        if self.cuda["available"]:
            self.skipTest("there is a GPU")
        self.refused("tune", "-o", self.file, code=4, says=self.cuda["reason"])
        self.assertFalse(self.file.exists())

    def test_what_it_makes_can_be_used(self):
        self.need_gpu()
        table = self.giemsa("tune", "-o", self.file, "--sizes", "64x64,96x64", code=0).out
        self.assertIn("conv2d 1x64x64x3 ", table)
        self.assertIn("conv2d 1x64x96x3 ", table)
        lines = self.file.read_text().splitlines()
        self.assertEqual(lines[:2], ["giemsa-tuning 2", "gpu " + self.cuda["gpus"][0]["name"]])
        self.assertRegex(table, rf"\n{len(lines) - 2} of \d+ convolutions have a better plan")
        image = self.write("a.png", noise_png(64, 64, 1))
        self.giemsa("run", image, "--device", "cuda", "--tuning", self.file, code=0)

    def test_a_damaged_file_is_refused_by_line(self):
        self.need_gpu()
        image = self.write("a.png", noise_png(64, 64, 1))
        head = f"giemsa-tuning 2\ngpu {self.cuda['gpus'][0]['name']}\n"
        for text, line in [("", 1), ("giemsa-tuning 2\ngpu none such\n", 2), (head + "conv2d\n", 3)]:
            with self.subTest(text):
                self.file.write_text(text)
                self.refused("run", image, "--device", "cuda", "--tuning", self.file, code=2,
                             says=f"{self.file}:{line}: ")


if __name__ == "__main__":
    unittest.main()
