"""A stage of tools/gpu_check: limits hold, everything is reported, the archive is whole after every step."""

import io
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import time
import unittest

from gpu_support import ROOT, FolderTest

from gpu import stage
from gpu.stage import Stage, Step


def lives(pid):
    """Whether the process runs: one that has ended may wait for its parent to notice."""
    try:
        return pathlib.Path(f"/proc/{pid.strip()}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Stages(FolderTest):
    def run_stage(self, steps, seconds=60, no_gpu=None):
        """Status, outcomes by name, and the stage."""
        made = Stage("stage1", self.folder / "logs", self.folder / "out", seconds, self.folder, dict(os.environ), no_gpu)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = made.run(steps)
        self.said = said.getvalue()
        return status, {outcome.name: outcome for outcome in made.outcomes}

    def archive(self):
        with tarfile.open(self.folder / "out/stage1.tgz") as archive:
            return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}

    def test_every_step_is_reported_and_archived(self):
        status, outcomes = self.run_stage([Step("good", ["echo", "well done"], 5),
                                           Step("bad", ["sh", "-c", "echo 'all is lost'; exit 3"], 5),
                                           Step("absent", ["/nowhere/to/be/found"], 5),
                                           Step("no_tool", [None, "-x"], 5, needs="ncu"),
                                           Step("crash", ["sh", "-c", "kill -SEGV $$"], 5)])
        self.assertEqual(status, 1)
        self.assertEqual({name: outcome.result for name, outcome in outcomes.items()},
                         {"good": "ok", "bad": "failed", "absent": "failed", "no_tool": "left out", "crash": "failed"})
        self.assertEqual(outcomes["bad"].why, "status 3: all is lost")
        self.assertIn("status 139", outcomes["crash"].why)
        self.assertIn("failed: bad, absent, crash; left out: no_tool", self.said)
        files = self.archive()
        self.assertIn(b"well done", files["stage1/good.log"])
        steps = json.loads(files["stage1/steps.json"])["steps"]
        self.assertEqual([step["name"] for step in steps], ["good", "bad", "absent", "no_tool", "crash"])

    def test_a_step_over_its_limit_ends_with_its_children(self):
        pid_file = self.folder / "pid"
        began = time.monotonic()
        status, outcomes = self.run_stage([
            Step("slow", ["sh", "-c", f"echo begun; sleep 60 & echo $! >{pid_file}; wait"], stage.LEAST_SECONDS),
            Step("cut", ["sh", "-c", "echo half; sleep 60"], stage.LEAST_SECONDS, may_be_cut=True)])
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(status, 1)
        self.assertEqual([outcomes["slow"].result, outcomes["cut"].result], ["stopped", "cut"])
        self.assertIn("over its 2 s: begun", outcomes["slow"].why)
        self.assertFalse(lives(pid_file.read_text()))

    def test_what_no_time_is_left_for_is_left_out(self):
        began = time.monotonic()
        seconds = stage.RESERVE_SECONDS + stage.LEAST_SECONDS + 1
        status, outcomes = self.run_stage([Step("long", ["sleep", "60"], 60, may_be_cut=True), Step("late", ["true"], 5)], seconds)
        self.assertLess(time.monotonic() - began, seconds + 10)
        self.assertEqual((status, outcomes["late"].result, outcomes["late"].why), (1, "left out", "no time"))
        self.assertEqual(len(json.loads(self.archive()["stage1/steps.json"])["steps"]), 2)

    def test_steps_of_a_group_run_side_by_side(self):
        """Each waits for the other's file."""
        def meet(mine, other):
            return ["sh", "-c", f"touch {self.folder}/{mine}; while [ ! -e {self.folder}/{other} ]; do sleep 0.05; done"]
        status, _ = self.run_stage([Step("a", meet("a", "b"), 30, "both"), Step("b", meet("b", "a"), 30, "both")])
        self.assertEqual(status, 0)

    def test_no_gpu_is_no_failure_where_there_is_none_and_one_where_there_is(self):
        steps = [Step("ours", ["sh", "-c", "echo no usable GPU; exit 4"], 5), Step("tests", ["sh", "-c", "exit 77"], 5),
                 Step("tool", [None], 5, needs="ncu"), Step("vendor", ["sh", "-c", "echo cuDNN cannot be loaded: x; exit 4"], 5)]
        status, outcomes = self.run_stage(steps, no_gpu="no devices were found")
        self.assertEqual((status, {outcome.result for outcome in outcomes.values()}), (4, {"no GPU"}))
        self.assertIn("no GPU: no devices were found", self.said)
        status, outcomes = self.run_stage(steps)
        self.assertEqual((status, [outcome.result for outcome in outcomes.values()]),
                         (1, ["failed", "failed", "left out", "left out"]))

    def test_a_log_that_is_too_long_keeps_its_beginning_and_end(self):
        much = stage.MOST_LOG_BYTES
        self.run_stage([Step("talk", ["sh", "-c", f"echo first; head -c {much} /dev/zero | tr '\\0' x; echo; echo last"], 20)])
        log = self.archive()["stage1/talk.log"]
        self.assertLess(len(log), much + 100)
        self.assertIn(b"first\n", log)
        self.assertTrue(log.endswith(b"x\nlast\n"))
        self.assertIn(b"bytes left out", log)

    def test_standard_output_can_have_a_file_of_its_own(self):
        file = self.folder / "logs/it.json"
        self.run_stage([Step("it", ["sh", "-c", "echo '{}'; echo note >&2"], 5, stdout=file)])
        files = self.archive()
        self.assertEqual(files["stage1/it.json"], b"{}\n")
        self.assertIn(b"note", files["stage1/it.log"])

    def test_whoever_stops_the_stage_finds_what_it_had(self):
        """And no step lives on."""
        pid_file, done = self.folder / "pid", self.folder / "out/stage1.tgz"
        code = f"""
import os, pathlib, signal, sys
sys.path.insert(0, {str(ROOT / 'tools')!r})
from gpu import stages
from gpu.stage import Stage, Step
signal.signal(signal.SIGTERM, stages.stop)
folder = pathlib.Path({str(self.folder)!r})
Stage("stage1", folder / "logs", folder / "out", 60, folder, dict(os.environ)).run([
    Step("first", ["echo", "kept"], 5), Step("second", ["sh", "-c", "echo $$ >{pid_file}; sleep 60"], 60)])
"""
        with subprocess.Popen([sys.executable, "-B", "-c", code], stdout=subprocess.DEVNULL) as process:
            until = time.monotonic() + 30
            while time.monotonic() < until and not (done.is_file() and pid_file.is_file() and pid_file.read_text().strip()):
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=30), 128 + signal.SIGTERM)
        self.assertIn(b"kept", self.archive()["stage1/first.log"])
        self.assertFalse(lives(pid_file.read_text()))


if __name__ == "__main__":
    unittest.main()
