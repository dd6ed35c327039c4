"""Model files: wrong ones, damaged ones, converting, inspecting, comparing."""

import json
import random
import shutil
import struct
import unittest

from support import CLASSIFIER, SEGMENTER, SOURCE, CommandTest, flat_png

GOLDEN = SOURCE / "tests/golden"
ALEXNET = ["--arch", "alexnet", "--preset", "torchvision"]


def safetensors(tensors, metadata=None):
    """A file of fp32 vectors."""
    return shaped_safetensors({name: ([len(values)], values) for name, values in tensors.items()}, metadata)


def header_of(data):
    """Of a safetensors file's bytes: what it says of its tensors, and where these begin."""
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + size]), 8 + size


def read_floats(file):
    """Shape and values of each tensor in fp32."""
    data = file.read_bytes()
    header, start = header_of(data)
    return {name: (entry["shape"], list(struct.unpack_from(f"<{(entry['data_offsets'][1] - entry['data_offsets'][0]) // 4}f",
                                                           data, start + entry["data_offsets"][0])))
            for name, entry in header.items() if entry.get("dtype") == "F32"}


def with_floats(data, name, values):
    """The file with other values for one of its fp32 tensors."""
    header, start = header_of(data)
    changed = bytearray(data)
    struct.pack_into(f"<{len(values)}f", changed, start + header[name]["data_offsets"][0], *values)
    return changed


def shaped_safetensors(tensors, metadata=None):
    """A file of fp32 tensors: name -> (shape, values)."""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def as_fp32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


class Models(CommandTest):
    def setUp(self):
        super().setUp()
        self.image = self.write("a.png", flat_png(30, 20))
        self.segmenter, self.classifier = self.models / SEGMENTER, self.models / CLASSIFIER

    def test_wrong_role(self):
        self.refused("run", self.image, "--segmenter", self.classifier, code=3, says=CLASSIFIER)
        self.refused("run", self.image, "--classifier", self.segmenter, code=3, says=SEGMENTER)

    def test_files_that_are_no_models(self):
        for name, data in {
            "empty.safetensors": b"",
            "text.safetensors": b"hello, world\n" * 10,
            "plain.safetensors": safetensors({"weight": [1.0, 2.0]}),
            "foreign.safetensors": safetensors({"weight": [1.0]}, {"format": "pt"}),
        }.items():
            with self.subTest(name):
                self.refused("run", self.image, "--segmenter", self.write(name, data), code=3, says=name)
        self.refused("run", self.image, "--segmenter", self.dir / "foreign.safetensors", code=3,
                     says="; make one with: giemsa convert IN --arch ARCH --preset PRESET -o OUT.safetensors")
        self.refused("run", self.image, "--segmenter", self.dir / "missing", code=3, says="missing")
        self.refused("run", self.image, "--segmenter", self.dir, code=3, says=str(self.dir))

    def test_checkpoints_get_a_hint(self):
        checkpoint = GOLDEN / "alexnet/checkpoint.pt"
        for arguments in [["run", self.image, "--classifier", checkpoint], ["inspect", checkpoint]]:
            self.refused(*arguments, code=3, says="giemsa convert")

    def test_damaged_models_are_refused_or_harmless(self):
        data = self.classifier.read_bytes()
        header = struct.unpack("<Q", data[:8])[0]
        for size in [0, 4, 8, header // 2, header + 8, len(data) - 1]:
            with self.subTest(size=size):
                self.refused("inspect", self.write("cut.safetensors", data[:size]), code=3, says="cut.safetensors")
        generator = random.Random(3)
        for _ in range(40):  # a flipped bit in the header may leave it readable
            damaged = bytearray(data)
            damaged[generator.randrange(8 + header)] ^= 1 << generator.randrange(8)
            result = self.start("inspect", self.write("flipped.safetensors", damaged))
            self.assertIn(result.code, (0, 3), result.err)
            self.assertEqual(len(result.errors), 1 if result.code else 0, result.err)

    def test_defaults_are_looked_for(self):
        (self.models / CLASSIFIER).rename(self.dir / CLASSIFIER)
        try:
            self.refused("run", self.image, code=3, says="GIEMSA_MODELS")
            self.giemsa("run", self.image, "--classifier", self.dir / CLASSIFIER, code=0)
        finally:
            shutil.move(self.dir / CLASSIFIER, self.models / CLASSIFIER)

    def test_convert(self):
        checkpoint, target = GOLDEN / "alexnet/checkpoint.pt", self.dir / "out.safetensors"
        result = self.giemsa("convert", checkpoint, *ALEXNET, "--classes", "a,b,c,d,e", "--dtype", "int8", "--mean",
                             "0.5,0.5,0.5", "--set", "norm=lrn", "-o", target, code=0)
        self.assertRegex(result.out, r"norm +lrn +\(given\)")
        self.assertRegex(result.out, r"conv1_padding +2 +\(preset\)")
        model = json.loads(self.giemsa("inspect", target, "--json", code=0).out)["model"]
        self.assertEqual((model["classes"], model["dtype"], model["options"]["norm"]), (list("abcde"), "int8", "lrn"))
        quiet = self.giemsa("convert", checkpoint, *ALEXNET, "--quiet", "--output", target, code=0)
        self.assertEqual(quiet.out + quiet.err, "")

    def test_a_centre_head_is_kept_shown_and_split_by(self):
        model, golden = self.dir / "centres.safetensors", GOLDEN / "smp_centres"
        result = self.giemsa("convert", golden / "checkpoint.pt", "--arch", "deeplabv3plus", "--preset", "smp", "-o", model,
                             code=0)
        self.assertRegex(result.out, r"centre_offset +true +\(checkpoint\)")
        self.assertIn("centre_head.1", self.giemsa("inspect", model, code=0).out)
        self.assertIn("agree", self.giemsa("compare", model, "--golden", golden / "activations.safetensors", code=0).out)
        for split in ("centre", "distance"):
            found = self.run_json(self.image, "--segmenter", model, "--split", split)
            self.assertEqual(found["settings"]["split"], split)
        calibrated = self.dir / "calibrated.safetensors"
        self.giemsa("calibrate", model, self.image, "-o", calibrated, code=0)
        self.assertIn("centre_head.0.1.relu.activation_scale", header_of(calibrated.read_bytes())[0])
        self.refused("run", self.image, "--split", "centre", code=3, says="has no centre head, which split centre needs")

    def test_convert_refusals(self):
        checkpoint, target = GOLDEN / "alexnet/checkpoint.pt", self.dir / "out.safetensors"
        bad = self.write("bad.pt", b"PK\x03\x04 no zip")
        for arguments, code, says in [
            ([bad, *ALEXNET, "-o", target], 3, "bad.pt"),
            ([self.dir / "missing.pt", *ALEXNET, "-o", target], 3, "missing.pt"),
            ([checkpoint, "--arch", "alexnet", "--preset", "smp", "-o", target], 2, "torchvision"),
            ([checkpoint, "--arch", "resnet", "--preset", "smp", "-o", target], 2, "resnet"),
            ([checkpoint, "--arch", "deeplabv3plus", "--preset", "smp", "-o", target], 3, "checkpoint.pt"),
            ([checkpoint, "--arch", "alexnet", "--preset", "caffe", "-o", target], 3,
             "those of alexnet of preset torchvision, not of alexnet of preset caffe; "
             "take: --arch alexnet --preset torchvision"),
            ([checkpoint, "--arch", "alexnet", "-o", target], 2, "--preset"),
            ([checkpoint, "--preset", "torchvision", "-o", target], 2, "--arch"),
            ([checkpoint, *ALEXNET, "--dtype", "fp8", "-o", target], 2, "fp8"),
            ([checkpoint, *ALEXNET, "--classes", "a,b", "-o", target], 3, "classes"),
            ([checkpoint, *ALEXNET, "--output-stride", "8", "-o", target], 2, "output_stride"),
            ([checkpoint, *ALEXNET, "--set", "norm", "-o", target], 2, "NAME=VALUE"),
            ([checkpoint, *ALEXNET, "-o", self.write("file", b"") / "out.safetensors"], 5, "out.safetensors"),
        ]:
            with self.subTest(arguments):
                self.refused("convert", *arguments, code=code, says=says)
        self.assertFalse(target.exists())

    def test_convert_to_onnx(self):
        target = self.dir / "out.onnx"
        text = self.giemsa("convert", self.segmenter, "--to", "onnx", "--input-size", "96x80", "-o", target, code=0).out
        self.assertIn("input {batch,3,80,96}", text)
        self.assertIn("segmentation_head.1 {batch,2,80,96}", text)
        self.assertIn(b"encoder.layer4.2.bn3.running_var", target.read_bytes())
        quiet = self.giemsa("convert", self.classifier, "--to", "onnx", "--quiet", "-o", target, code=0)
        self.assertEqual(quiet.out + quiet.err, "")

        checkpoint, refused = GOLDEN / "alexnet/checkpoint.pt", self.dir / "refused.onnx"
        for arguments, code, says in [
            ([checkpoint, "--to", "onnx", "-o", refused], 3, "giemsa convert"),
            ([self.dir / "missing", "--to", "onnx", "-o", refused], 3, "missing"),
            ([self.classifier, "--to", "tflite", "-o", refused], 2, "tflite"),
            ([self.classifier, "--to", "onnx", *ALEXNET, "-o", refused], 2, "--arch"),
            ([self.classifier, "--to", "onnx", "--dtype", "fp16", "-o", refused], 2, "dtype"),
            ([self.segmenter, "--to", "onnx", "--input-size", "50x64", "-o", refused], 2, "50x64"),
            ([self.segmenter, "--to", "onnx", "--input-size", "big", "-o", refused], 2, "--input-size"),
            ([self.segmenter, "--to", "onnx", "-o", self.write("file", b"") / "out.onnx"], 5, "out.onnx"),
        ]:
            with self.subTest(arguments):
                self.refused("convert", *arguments, code=code, says=says)
        self.assertFalse(refused.exists())

    def test_inspect(self):
        text = self.giemsa("inspect", self.segmenter, code=0).out
        self.assertIn("segmentation_head.0", text)
        self.assertIn("arena", text)
        fused = json.loads(self.giemsa("inspect", self.segmenter, "--json", code=0).out)
        unfused = json.loads(self.giemsa("inspect", self.segmenter, "--json", "--unfused", "--input", "64x48", code=0).out)
        self.assertGreater(len(unfused["layers"]), len(fused["layers"]))
        self.assertEqual(unfused["layers"][0]["output"], [1, 3, 48, 64])
        self.assertEqual(fused["total"]["parameters"], sum(layer["parameters"] for layer in fused["layers"]))
        for block in fused["memory"]["blocks"]:
            self.assertLessEqual(block["offset"] + block["bytes"], fused["memory"]["arena_bytes"])
        self.assertTrue(self.giemsa("inspect", self.classifier, "--dot", code=0).out.startswith("digraph"))

    def test_compare(self):
        golden = GOLDEN / "smp/activations.safetensors"
        for options in [[], ["--unfused"]]:
            self.assertIn("agree", self.giemsa("compare", self.segmenter, "--golden", golden, *options, code=0).out)
        result = self.giemsa("compare", self.segmenter, "--golden", golden, "--tolerance", "0", code=1)
        self.assertIn("first divergence: ", result.out)

    def test_compare_names_the_first_layer_that_differs(self):
        data = bytearray((GOLDEN / "smp/activations.safetensors").read_bytes())
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        layers = ["encoder.maxpool", "decoder.up"]
        for layer in layers:
            at = 8 + size + header[layer]["data_offsets"][0]
            data[at:at + 4] = struct.pack("<f", float("nan"))
        result = self.giemsa("compare", self.segmenter, "--golden", self.write("bad.safetensors", data), code=1)
        self.assertIn("first divergence: encoder.maxpool\n", result.out)
        self.assertEqual(result.out.count("diverges"), 2)

    def test_compare_judges_by_the_networks_own_conditioning(self):
        """The last layer takes away nearly all that it adds up: what is left magnifies the roundings of the layers before."""
        plain, golden = self.dir / "plain.safetensors", GOLDEN / "alexnet/activations.safetensors"
        self.giemsa("convert", GOLDEN / "alexnet/checkpoint.pt", *ALEXNET, "--dtype", "fp32", "--quiet", "-o", plain, code=0)
        tensors, activations = read_floats(plain), read_floats(golden)
        hidden = [max(value, 0.0) for value in activations["classifier.4"][1]]
        (outputs, inputs), weight = tensors["classifier.6.weight"]
        sums = [sum(w * x for w, x in zip(weight[o * inputs:], hidden)) for o in range(outputs)]
        left = [1e-3 * max(map(abs, sums)) * share for share in (1.0, -1.0, 0.5, 0.25, -0.75)]
        bias = [as_fp32(part - whole) for part, whole in zip(left, sums)]
        expected = [whole + part for whole, part in zip(sums, bias)]
        tensors["classifier.6.bias"] = ([outputs], bias)
        checkpoint, model = self.write("checkpoint.safetensors", shaped_safetensors(tensors)), self.dir / "model.safetensors"
        self.giemsa("convert", checkpoint, *ALEXNET, "--quiet", "-o", model, code=0)

        def compare(logits, *options, code):
            changed = with_floats(golden.read_bytes(), "classifier.6", logits)
            return self.giemsa("compare", model, "--golden", self.write("golden.safetensors", changed), *options, code=code).out

        said = compare(expected, code=0)
        relative, tolerated = map(float, next(line for line in said.splitlines() if line.startswith("classifier.6 ")).split()[2:4])
        rounding = 4 * 2**-24 * sum(len(values) / shape[0] for shape, values in tensors.values() if len(shape) > 1) ** 0.5
        self.assertGreater(relative, rounding)  # without regard to the conditioning a right network would diverge
        self.assertGreater(tolerated, 10 * rounding)
        self.assertIn("first divergence: classifier.6\n", compare(expected, "--tolerance", str(rounding), code=1))
        wrong = [expected[0] + 2 * tolerated * max(map(abs, expected)), *expected[1:]]
        self.assertIn("first divergence: classifier.6\n", compare(wrong, code=1))

    def test_compare_in_every_precision_that_run_offers(self):
        golden = GOLDEN / "smp/activations.safetensors"
        text = self.giemsa("compare", "--help", code=0).out
        for precision in ["auto", "fp32", "fp16", "bf16"]:
            self.assertIn(precision, text[text.index("--precision"):text.index("--tuning")])
        self.refused("compare", self.segmenter, "--golden", golden, "--precision", "fp64", code=2, says="fp16")
        self.refused("compare", self.segmenter, "--golden", golden, "--device", "cpu", "--precision", "fp16", code=2,
                     says="not in 'fp16'")

    def test_compare_refusals(self):
        self.refused("compare", self.segmenter, "--golden", self.dir / "missing", code=2, says="missing")
        (self.dir / "empty").mkdir()
        self.refused("compare", self.segmenter, "--golden", self.dir / "empty", code=2, says="input")


if __name__ == "__main__":
    unittest.main()
