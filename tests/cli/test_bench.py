"""giemsa bench and giemsa trace: what they write, and what they refuse. No test depends on how long anything takes."""

import csv
import io
import json
import unittest

from support import CLASSIFIER, CommandTest, flat_png, noise_png

QUICK = {"--seconds": "0", "--idle": "0", "--cold-starts": "0"}  # the least number of calls, 10, and nothing else
STAGES = ["decode", "segment", "postprocess", "classify", "identify", "total"]


def quick(*arguments):
    """`arguments`, and what keeps a benchmark short where they do not say otherwise."""
    defaults = [word for option in QUICK.items() if option[0] not in arguments for word in option]
    return ["bench", "--quiet", *defaults, *arguments]


class Bench(CommandTest):
    def bench_json(self, *arguments):
        return json.loads(self.giemsa(*quick("--json", *arguments), code=0).out)

    def rows(self, report):
        return {row["name"]: row for row in report["rows"]}

    def test_smear(self):
        found = self.bench_json("--size", "90x70", "--images", "3", "--idle", "0.01", "--cold-starts", "2")
        self.assertEqual((found["schema"], found["subject"], found["precision"]), (1, "smear", "fp32"))
        rows = self.rows(found)
        self.assertEqual(list(rows), [*STAGES, "first_call", "after_idle", "load", "cold_start"])
        for name in STAGES:
            self.assertEqual((rows[name]["samples"], len(rows[name]["values"])), (10, 10))
            self.assertGreaterEqual(rows[name]["p90"], rows[name]["p50"])
            self.assertIsNone(rows[name]["p99"])
        self.assertEqual(rows["cold_start"]["samples"], 2)
        self.assertGreater(rows["cold_start"]["min"], 0)
        for decode, identify, total in zip(*(rows[name]["values"] for name in ["decode", "identify", "total"])):
            self.assertGreaterEqual(total + 1e-3, decode + identify)
        for key in ["peak_resident_bytes", "packed_weight_bytes", "arena_bytes"]:
            self.assertGreater(found["memory"][key], 0)
        self.assertIn("3 images", found["verified"])
        self.assertTrue(found["commit"])
        for moment in ["before", "after"]:
            self.assertIn("core_mhz", found["machine"][moment])

    def test_images_and_tables(self):
        self.write("images/a.png", noise_png(50, 40, 1))
        self.write("images/b.png", flat_png(30, 60))
        figures, page = self.dir / "figures.csv", self.dir / "page.md"
        table = self.giemsa(*quick(self.dir / "images", "--csv", figures, "--markdown", page), code=0).out
        self.assertIn("2 files", table)
        rows = {row["name"]: row for row in csv.DictReader(io.StringIO(figures.read_text()))}
        self.assertEqual(rows["total"]["samples"], "10")
        self.assertEqual(rows["total"]["p99"], "")
        self.assertIn("| total | 10 |", page.read_text())

    def test_networks(self):
        found = self.bench_json("--net", "alexnet:2", "--classifier", self.models / CLASSIFIER, "--cold-starts", "1")
        self.assertEqual(found["subject"], "network")
        self.assertEqual(found["settings"]["input"], "{2,3,127,97}")
        self.assertEqual(list(self.rows(found)), ["total", "first_call", "load", "cold_start"])

    def test_iterations_and_seconds(self):
        net = ["--net", "alexnet", "--classifier", self.models / CLASSIFIER]
        few = self.bench_json(*net, "--iterations", "3", "--seconds", "1000")
        self.assertEqual(self.rows(few)["total"]["samples"], 3)
        some = ["--iterations", "20", "--idle", "0", "--cold-starts", "0"]  # where only they are given, they are made
        many = json.loads(self.giemsa("bench", "--json", *net, *some, code=0).out)
        self.assertEqual(self.rows(many)["total"]["samples"], 20)
        self.assertEqual(self.rows(self.bench_json(*net))["total"]["samples"], 10)

    def report(self, name, factor, samples=50, drift=0, **machine):
        values = [factor * (5 + i % 7 * 0.01 + drift * i / samples) for i in range(samples)]
        document = {"schema": 1, "threads": factor, "rows": [{"name": "total", "values": values}], "machine": machine}
        return self.write(name, json.dumps(document).encode())

    def test_compare(self):
        before, slow = self.report("before.json", 1), self.report("slow.json", 1.1)
        few = self.report("few.json", 1, samples=3)
        for pair, verdict in [((before, before), "SAME"), ((before, slow), "SLOWER"), ((slow, before), "FASTER"),
                              ((before, few), "TOO FEW")]:
            with self.subTest(verdict):
                result = self.giemsa("bench", "--compare", *pair, code=0)
                self.assertIn(verdict, result.out)
                self.assertEqual("threads" in result.err, slow in pair)  # conditions that differ are said
                compared = json.loads(self.giemsa("bench", "--json", "--compare", *pair, code=0).out)
                self.assertEqual(compared["rows"][0]["verdict"], verdict)
                self.assertEqual(compared["rows"][0]["low"] is None, verdict == "TOO FEW")

    def test_own_reports_compare(self):
        net = ["--net", "alexnet", "--classifier", self.models / CLASSIFIER]
        report = self.bench_json(*net)
        self.assertIn("cores_busy_with_others", report["machine"])
        report["machine"]["cores_busy_with_others"] = 0.05  # however busy this machine is
        file = self.write("a.json", json.dumps(report).encode())
        self.assertIn("SAME", self.giemsa("bench", "--compare", file, file, code=0).out)

    def test_a_busy_machine_is_no_evidence(self):
        before, slow = self.report("before.json", 1), self.report("slow.json", 1.1)
        busy = self.report("busy.json", 1.1, cores_busy_with_others=0.63)
        hot = self.report("hot.json", 1.1, before={"throttle_events": 3}, after={"throttle_events": 4})
        drifting = self.report("drifting.json", 1.02, drift=0.4)  # by 4 % from half to half
        for candidate, reason in [(busy, "other processes kept 0.63 cores busy"), (hot, "throttled"), (drifting, "")]:
            with self.subTest(reason):
                result = self.giemsa("bench", "--compare", before, candidate, "--fail-if-slower", code=0)
                self.assertIn(" DISTURBED\n", result.out)
                self.assertIn(reason, result.err)
        self.giemsa("bench", "--compare", before, slow, "--fail-if-slower", code=1)
        self.giemsa("bench", "--compare", slow, before, "--fail-if-slower", code=0)
        self.refused("bench", "--fail-if-slower", code=2, says="--compare")

    def test_refusals(self):
        report, text = self.report("a.json", 1), self.write("text.json", b"hello")
        picture = self.write("a.png", flat_png(30, 20))
        for arguments, code, says in [
            (["--net", "vgg"], 2, "vgg"),
            (["--net", "alexnet:none"], 2, "none"),
            (["--size", "720"], 2, "--size"),
            (["--size", "0x5"], 2, "--size"),
            (["--segment-size", "large", picture], 2, "large"),
            (["--seconds", "soon"], 2, "--seconds"),
            (["--compare", report], 2, "--compare"),
            (["--compare", report, text], 2, "text.json"),
            (["--compare", report, self.dir / "missing"], 2, "missing"),
            ([self.dir / "missing.png"], 1, "missing.png"),
            ([text], 1, "text.json"),
            (["--segmenter", text], 3, "text.json"),
            (["--net", "alexnet", "--classifier", text], 3, "text.json"),
            (["--net", "deeplabv3plus", "--segmenter", self.models / CLASSIFIER], 3, CLASSIFIER),
            (["--csv", self.dir / "a.png/x.csv", picture], 5, "a.png: "),
        ]:
            with self.subTest(arguments):
                self.refused(*quick(*arguments), code=code, says=says)

    def test_no_gpu(self):
        if json.loads(self.giemsa("devices", "--json", code=0).out)["cuda"]["available"]:
            self.skipTest("there is a GPU")
        self.refused("bench", "--net", "alexnet", "--device", "cuda", code=4, says="cuda")
        self.refused("trace", "--net", "alexnet", "--device", "cuda", code=4, says="cuda")


class Trace(CommandTest):
    def test_trace(self):
        file = self.dir / "trace.json"
        model = self.models / CLASSIFIER
        table = self.giemsa("trace", model, "-o", file, "--runs", "3", "--top", "2", "--batch", "2", code=0).out
        trace = json.loads(file.read_text())
        events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
        run, layers = events[0], events[1:]
        self.assertEqual(run["args"]["layers"], len(layers))
        total = sum(layer["dur"] for layer in layers)
        self.assertLessEqual(total, run["dur"] + 1)
        at = 0  # microseconds
        for layer in layers:
            self.assertAlmostEqual(layer["ts"], at, delta=0.1)
            at += layer["dur"]
            self.assertGreaterEqual(set(layer["args"]), {"op", "shape", "flops", "bytes", "median_ms"})
        self.assertAlmostEqual(total, at, delta=0.1)
        self.assertEqual(layers[0]["args"]["shape"], [2, 3, 127, 97])
        self.assertGreater(sum(layer["args"]["flops"] for layer in layers), 0)
        self.assertEqual(trace["otherData"]["network"], str(model))
        self.assertIn(f"{len(layers) - 2} layers more", table)
        self.assertIn("GFLOP/s fp32", table)

    def test_refusals(self):
        text, model = self.write("text.safetensors", b"hello"), self.models / CLASSIFIER
        for arguments, code, says in [
            ([], 2, "MODEL"),
            ([model, "--net", "alexnet"], 2, "--net"),
            (["--net", "vgg"], 2, "vgg"),
            (["--net", "alexnet", "--batch", "2"], 2, "MODEL"),
            ([model, "--input", "wide"], 2, "--input"),
            ([model, "--top", "0"], 2, "--top"),
            ([text], 3, "text.safetensors"),
            ([self.dir / "missing"], 3, "missing"),
            ([model, "--runs", "1", "-o", text / "trace.json"], 5, "text.safetensors"),
        ]:
            with self.subTest(arguments):
                self.refused("trace", *arguments, code=code, says=says)


if __name__ == "__main__":
    unittest.main()
