"""giemsa calibrate, and what becomes of a model that has scales."""

import json
import struct
import unittest

from support import CLASSES, CLASSIFIER, SEGMENTER, SOURCE, CommandTest, noise_png


def tensors_of(file):
    """Names of the tensors in a model file, and its metadata."""
    data = file.read_bytes()
    header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
    metadata = header.pop("__metadata__")
    return set(header), metadata


class Calibrate(CommandTest):
    def setUp(self):
        super().setUp()
        self.images = [self.write(f"images/{seed}.png", noise_png(80, 64, seed)) for seed in range(3)]
        self.segmenter, self.classifier = self.models / SEGMENTER, self.models / CLASSIFIER
        self.out = self.dir / "calibrated.safetensors"

    def calibrate(self, model, *arguments, out=None):
        return self.giemsa("calibrate", model, *arguments, "-o", out or self.out, code=0)

    def need_int8(self):
        if not json.loads(self.giemsa("devices", "--json", code=0).out)["cpu"]["int8"]:
            self.skipTest("this CPU lacks AVX512_VNNI and AVX_VNNI")

    def test_scales_are_added_and_nothing_else_changes(self):
        said = self.calibrate(self.segmenter, self.dir / "images").out
        before, description = tensors_of(self.segmenter)
        after, described = tensors_of(self.out)
        scales = after - before
        self.assertTrue(before <= after)
        self.assertIn("input.activation_scale", scales)
        self.assertIn("encoder.layer1.0.relu.activation_scale", scales)
        self.assertTrue(all(name.endswith(".activation_scale") for name in scales))
        self.assertIn(f"scales of {len(scales)} activations", said)
        self.assertIn("3 images", described.pop("calibration"))
        for text in [description, described]:
            text.pop("crc32")
        self.assertEqual(description, described)

    def test_the_same_images_give_the_same_file(self):
        self.calibrate(self.segmenter, *self.images)
        again = self.dir / "again.safetensors"
        self.calibrate(self.segmenter, *reversed(self.images), "--threads", "3", out=again)
        self.assertEqual(self.out.read_bytes(), again.read_bytes())
        self.calibrate(again, *self.images, out=again)  # replaces what is there, in place
        self.assertEqual(self.out.read_bytes(), again.read_bytes())

    def test_a_classifier_sees_the_cells(self):
        cells = sum(len(image["cells"]) for image in self.run_json(*self.images, "--min-area", "1")["images"])
        if cells == 0:
            self.skipTest("the tiny segmenter finds nothing")
        result = self.start("calibrate", self.classifier, *self.images, "-o", self.out)
        if result.code == 2:  # none is large enough
            self.assertIn("found no cells in 3 images", result.err)
        else:
            self.assertRegex(tensors_of(self.out)[1]["calibration"], r"\d+ cells in 3 images")

    def test_classifiers_of_other_bodies_in_int8(self):
        self.need_int8()
        segmenter = self.dir / "segmenter.safetensors"
        self.calibrate(self.segmenter, *self.images, out=segmenter)
        for golden, arch, layer in [("resnet18", "resnet", "layer4.1.relu"), ("mobilenet_v2", "mobilenet_v2", "features.18.1.relu")]:
            with self.subTest(golden):
                classifier = self.dir / f"{golden}.safetensors"
                self.giemsa("convert", SOURCE / f"tests/golden/{golden}/checkpoint.pt", "--arch", arch, "--preset", "torchvision",
                            "--classes", ",".join(CLASSES), "--input-size", "80x64", "--quiet", "-o", classifier, code=0)
                result = self.start("calibrate", classifier, *self.images, "-o", self.out)
                self.assertEqual(result.code, 0, result.err)
                self.assertIn(f"{layer}.activation_scale", tensors_of(self.out)[0])
                models = ["--segmenter", segmenter, "--classifier", self.out, "--min-area", "1"]
                found = self.run_json(*self.images, *models, "--precision", "int8")
                cells = [cell for image in found["images"] for cell in image["cells"]]
                self.assertTrue(cells)
                self.assertTrue(all(cell["class"] in CLASSES for cell in cells))

    def test_inspect_shows_them(self):
        self.assertIn("no scales for int8", self.giemsa("inspect", self.segmenter, code=0).out)
        self.calibrate(self.segmenter, *self.images)
        self.assertIn("largest values of 3 images", self.giemsa("inspect", self.out, code=0).out)
        found = json.loads(self.giemsa("inspect", self.out, "--json", code=0).out)
        self.assertIn("3 images", found["model"]["calibration"])
        scales = [layer["int8_scale"] for layer in found["layers"] if "int8_scale" in layer]
        self.assertTrue(scales and all(scale > 0 for scale in scales))

    def test_mistakes(self):
        self.refused("calibrate", self.segmenter, *self.images, code=2, says="--output")
        self.refused("calibrate", self.segmenter, "-o", self.out, code=2, says="INPUT")
        self.refused("calibrate", self.segmenter, self.write("a.png", b"no picture"), "-o", self.out, code=1, says="a.png")
        self.refused("calibrate", self.dir / "none.safetensors", *self.images, "-o", self.out, code=3, says="none")
        self.assertFalse(self.out.exists())

    def test_int8_without_scales_says_how_to_get_them(self):
        self.need_int8()
        self.refused("run", self.images[0], "--precision", "int8", code=3,
                     says=f"giemsa calibrate {self.segmenter} IMAGES -o ")

    def test_int8_runs(self):
        self.need_int8()
        self.calibrate(self.segmenter, *self.images)
        self.refused("run", self.images[0], "--segmenter", self.out, "--precision", "int8", code=3, says=CLASSIFIER)
        network = self.giemsa("trace", self.out, "--precision", "int8", "--runs", "1", code=0).out
        self.assertIn("int8", network)


if __name__ == "__main__":
    unittest.main()
