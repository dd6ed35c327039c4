"""tools/gpu_check without a GPU: what it refuses, how parts fail, and what the report says."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from gpu import families, parts, report  # noqa: E402

STEP = {"layer": "conv1", "step": "conv2d 7x7/2 1x3x224x224 -> 1x64x112x112", "count": 2, "bytes": 1e6, "flops": 1e8,
        "in_graph": {"median_us": 5.0}, "after_flush": {"median_us": 9.0}, "percent_of_limit_flushed": 40.0,
        "vendor_us": None}


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def workplace(self, seconds=60):
        work = parts.Workplace(self.folder / "build", self.folder, None, seconds)
        work.begin("facts")
        return work

    def command(self, *arguments, path=None):
        """Runs tools/gpu_check where nvidia-smi is what stands in self.folder/bin, if anything does."""
        environment = {**os.environ, "PATH": path or f"{self.folder / 'bin'}:/usr/bin:/bin"}
        return subprocess.run([sys.executable, ROOT / "tools/gpu_check", "--out", self.folder / "out", "--build",
                               self.folder / "build", *arguments], env=environment, capture_output=True, text=True)

    def fake(self, name, script):
        (self.folder / "bin").mkdir(exist_ok=True)
        file = self.folder / "bin" / name
        file.write_text("#!/bin/sh\n" + script)
        file.chmod(0o755)

    def test_unknown_parts_are_a_usage_error(self):
        done = self.command("tests", "coffee")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown part coffee", done.stderr)

    def test_without_a_gpu_it_says_so_and_exits_4(self):
        self.fake("nvidia-smi", "echo 'no devices were found'; exit 6\n")
        done = self.command("facts", "tests", "kernels")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("no usable GPU: no devices were found", done.stdout)
        written = json.loads((self.folder / "out/report.json").read_text())
        self.assertEqual([part["result"] for part in written["parts"].values()], ["skipped"] * 3)
        self.assertIn("no devices were found", written["parts"]["tests"]["why"])

    def test_a_failing_part_stops_no_other_and_shows_in_the_status(self):
        self.fake("nvidia-smi", "echo 9.0\n")  # a GPU, as far as one can see from here
        self.fake("ctest", "echo 'all is lost'; exit 8\n")
        self.fake("nvcc", "echo release 13.0\n")
        done = self.command("tests", "whole", "facts")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        written = json.loads((self.folder / "out/report.json").read_text())["parts"]
        self.assertEqual({name: part["result"] for name, part in written.items()},
                         {"facts": "ok", "tests": "failed", "whole": "skipped"})
        self.assertIn("is not built", written["whole"]["why"])
        self.assertEqual(written["facts"]["found"]["nvcc"], "release 13.0")

    def test_a_field_that_the_driver_does_not_know_costs_no_other(self):
        self.fake("nvidia-smi", "case $1 in *vbios*) echo 'Field is not valid'; exit 2;; *,*) echo a, b;; "
                                "*) echo 1980 MHz;; esac\n")
        with unittest.mock.patch.dict(os.environ, PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}"):
            found = parts.ask_gpu(["clocks.sm", "vbios_version", "pstate"], time.monotonic() + 20)
            self.assertEqual(found, {"clocks.sm": "1980 MHz", "vbios_version": "unknown: Field is not valid",
                                     "pstate": "1980 MHz"})
            self.assertEqual(parts.ask_gpu(["clocks.sm", "pstate"], 0), {"clocks.sm": "a", "pstate": "b"})

    def test_a_test_that_found_no_gpu_is_a_failure_here(self):
        self.fake("nvidia-smi", "echo 9.0\n")
        self.fake("ctest", "echo '1/1 Test #3: kernels_gpu ......***Skipped   0.10 sec'\n")
        done = self.command("tests")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a test found no GPU", done.stdout)

    def test_a_command_that_takes_too_long_is_stopped_with_its_children(self):
        work, start = self.workplace(), time.monotonic()
        with self.assertRaisesRegex(parts.OutOfTime, "was stopped after 1 s; last words: started"):
            work.run(["sh", "-c", "echo started; sleep 60 & wait"], at_most=1)
        self.assertLess(time.monotonic() - start, 30)

    def test_no_time_left_runs_nothing(self):
        with self.assertRaisesRegex(parts.OutOfTime, "is over"):
            self.workplace(seconds=0).run(["true"])

    def test_a_status_that_is_not_allowed_fails_with_the_last_line(self):
        work = self.workplace()
        with self.assertRaisesRegex(parts.Failed, "'sh -c echo bad news; exit 3' ended with 3; last words: bad news"):
            work.run(["sh", "-c", "echo bad news; exit 3"])
        self.assertEqual(work.run(["sh", "-c", "echo well; exit 3"], allowed=(3,)), (3, "well\n"))

    def sanitized(self, script):
        self.fake("compute-sanitizer", script)
        program = self.folder / "build/tests/kernels/test_kernels_gpu"
        program.parent.mkdir(parents=True)
        program.touch()
        with unittest.mock.patch.dict(os.environ, PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}"):
            return parts.run_part("racecheck", self.workplace())

    def test_a_family_in_which_the_sanitizer_finds_something_fails(self):
        script = "case \"$*\" in *softmax*) echo RACE; exit 99;; esac\n"
        result = self.sanitized(script)
        self.assertEqual(result["result"], "failed")
        self.assertIn("softmax*: failed", result["why"])
        self.assertIn("last words: RACE", result["why"])
        self.assertEqual(list(result["found"].values()).count("ok"), len(families.SANITIZED["racecheck"]) - 1)

    def test_a_sanitizer_that_finds_nothing_passes(self):
        self.assertEqual(self.sanitized("exit 0\n")["result"], "ok")

    def providers(self, script):
        program = self.folder / "build/bench/gpu/bench_gpu_cascade"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\nfor file; do :; done\n" + script)  # the last argument is the file
        program.chmod(0o755)
        return parts.run_part("providers", self.workplace())

    def test_a_provider_that_is_not_at_hand_is_no_failure(self):
        result = self.providers("case \"$*\" in *cudnn*) echo 'libcudnn.so.9 cannot be loaded: none'; exit 4;; esac\n"
                                "echo '{\"runs_that_differ\": 0}' > $file\n")
        self.assertEqual(result["result"], "ok")
        self.assertEqual(result["found"], {"cudnn": {"absent": "libcudnn.so.9 cannot be loaded: none"},
                                           "cublas": {"runs_that_differ": 0}})

    def test_no_provider_at_all_is_skipped(self):
        result = self.providers("echo 'no lib cannot be loaded: none'; exit 4\n")
        self.assertEqual(result["result"], "skipped")
        self.assertIn("cannot be loaded", result["why"])

    def test_a_provider_that_fails_is_a_failure(self):
        for script in ["echo 'layer conv1: cuDNN: no'; exit 4\n", "echo 'runs differ'; exit 1\n"]:
            with self.subTest(script):
                result = self.providers(script)
                self.assertEqual(result["result"], "failed")
                self.assertIn("cublas: ", result["why"])

    def frameworks(self, torch, saved=None, then=""):
        """The part, with a python3 in PATH that has torch or not and whose bench/frameworks/run leaves `saved`, or one row."""
        for program in ("bench/giemsa-bench-worker", "tools/giemsa-samples"):
            (self.folder / "build" / program).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "build" / program).touch()
        case = {"title": "AlexNet", "rows": [{"name": "Giemsa", "precision": "fp16", "p50": 0.25, "error": 1e-3}]}
        self.fake("python3", f"[ \"$1\" = -c ] && exit {0 if torch else 1}\n"
                             "for folder; do :; done\n"  # the last argument
                             f"mkdir -p $folder/gpu && echo '{saved or json.dumps({'cases': [case]})}' > $folder/gpu/frameworks.json\n{then}\n")
        work = self.workplace()
        with unittest.mock.patch.dict(os.environ, PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}"):
            work.environment["PATH"] = os.environ["PATH"]
            return parts.run_part("frameworks", work)

    def test_frameworks_need_a_python_with_torch(self):
        self.assertIn("no Python in PATH", self.frameworks(torch=False)["why"])

    def test_frameworks_are_reported_row_by_row(self):
        result = self.frameworks(torch=True)
        self.assertEqual(result.get("found"), {"AlexNet": {"Giemsa, fp16": {"p50_ms": 0.25, "error": 1e-3}}}, result)

    def test_frameworks_that_run_out_of_time_leave_what_they_had(self):
        saved = json.dumps({"cases": [{"title": "AlexNet", "rows": [{"name": "Giemsa", "precision": "fp16", "p50": 0.25,
                                                                     "error": 1e-3}]}]})
        with unittest.mock.patch.dict(parts.LIMITS, frameworks=2):
            result = self.frameworks(torch=True, saved=saved, then="sleep 60")
        self.assertEqual(result["result"], "failed")
        self.assertIn("was stopped after", result["why"])
        self.assertEqual(result["found"], {"AlexNet": {"Giemsa, fp16": {"p50_ms": 0.25, "error": 1e-3}}})

    def kernels(self, kernels, ladder):
        """The part with two programs that leave these files and then do as told."""
        for name, (saved, then) in {"bench_gpu_kernels": kernels, "bench_gpu_ladder": ladder}.items():
            program = self.folder / "build/bench/gpu" / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\nfor file; do :; done\necho '{json.dumps(saved)}' >$file\n{then}\n")
            program.chmod(0o755)
        self.fake("nvidia-smi", "echo 1\n")
        with unittest.mock.patch.dict(os.environ, PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}"):
            return parts.run_part("kernels", self.workplace())

    def test_kernels_and_ladder_that_run_out_of_time_leave_what_they_had(self):
        with unittest.mock.patch.dict(parts.LIMITS, kernels=2):
            result = self.kernels(({"graphs": [1]}, "sleep 60"), ({}, ""))
            self.assertEqual((result["result"], result["found"]), ("failed", {"graphs": [1]}))
            result = self.kernels(({"graphs": [1]}, ""), ({"labels": [2]}, "sleep 60"))
        self.assertEqual(result["result"], "failed")
        self.assertIn("the ladder: 'bench_gpu_ladder --json", result["why"])
        self.assertEqual((result["found"]["graphs"], result["found"]["ladder"]), ([1], {"labels": [2]}))

    def test_the_whole_way_measures_cold_start_and_memory(self):
        bench = {"rows": [{"name": "total", "values": [1]}, {"name": "cold_start", "values": [200.5, 201]}], "memory": {"peak": 7}}
        for name, script in {"giemsa": f"echo '{json.dumps(bench)}'; echo \"$*\" >{self.folder}/asked",
                             "bench/gpu/bench_gpu_cascade": "for file; do :; done; echo '{}' >$file"}.items():
            program = self.folder / "build" / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        with unittest.mock.patch.object(parts, "weights", lambda: ["--segmenter", "s"]):
            result = parts.run_part("whole", self.workplace())
        self.assertEqual(result["result"], "ok", result)
        self.assertEqual(result["found"]["cold start and memory"], {"cold_start_ms": [200.5, 201], "memory": {"peak": 7}})
        self.assertIn("--json --quiet", (self.folder / "asked").read_text())

    def test_parts_together_stay_within_9_minutes(self):
        self.assertEqual(set(parts.LIMITS), set(parts.PARTS))
        self.assertLessEqual(sum(limit for part, limit in parts.LIMITS.items() if part not in parts.ONLY_IF_NAMED), 540)
        self.assertLess(parts.ONLY_IF_NAMED, set(parts.PARTS))

    def test_the_report_shows_figures_and_problems(self):
        graph = {"graph": "segment 224x224 fp16", "problems": ["layer conv1: not finite"], "steps": [STEP],
                 "sum_us": 10.0}
        row = {"total_ms": {"p50": 1.5, "p90": 1.6, "p99": 1.75}, "regions": 7, "runs_that_differ": 0}
        with contextlib.redirect_stdout(io.StringIO()):
            made = report.Report(self.folder, ["whole", "kernels"], None)
            made.add("whole", {"result": "ok", "seconds": 1.0, "found": {"fp16, PDL 1": row, "fp32, PDL 1": {}}})
            made.add("providers", {"result": "ok", "seconds": 1.0,
                                   "found": {"cudnn": row, "cublas": {"absent": "libcublasLt.so.13 is not there"}}})
            made.add("kernels", {"result": "failed", "why": "1 problem", "seconds": 2.0,
                                 "found": {"ceilings": {"copy_bytes_per_s": 3e12}, "graphs": [graph]}})
            made.finish()
        text = (self.folder / "report.txt").read_text()
        for expected in ("1.500 1.600 1.750 7 0", "no figures", "fp16, cudnn", "libcublasLt.so.13 is not there", "copy_bytes_per_s", "3e+12", "problem: layer conv1",
                         "conv2d 7x7/2", "failed", "1 problem"):
            self.assertIn(expected, text)
        self.assertEqual(made.failed(), ["kernels"])


if __name__ == "__main__":
    unittest.main()
