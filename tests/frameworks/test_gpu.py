"""bench/frameworks with a GPU: what a result says of it, where it is filed, and that all contestants copy the same bytes."""

import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "frameworks"))
import contest
import machine
import report
from worker import WorkerError

H100 = {"name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0", "driver": "13.0"}  # as our worker's --list has it
STATE = {"power_state": "P0", "sm_mhz": 1980.0, "memory_mhz": 2619.0, "celsius": 41.0, "watts": 312.5, "throttle_reasons": "0x0"}

# An nvidia-smi that knows all fields but one, of which it complains as the real one does.
NVIDIA_SMI = """#!/bin/sh
fields=${1#--query-gpu=}
answers=
for field in $(echo $fields | tr , ' '); do
  case $field in
    driver_version) answer=580.65;; vbios_version) answer=96.00.89.00.01;; memory.total) answer=81559;;
    clocks.max.sm) answer=1980;; clocks.max.memory) answer=2619;; clocks.applications.graphics) answer='[N/A]';;
    power.limit) answer=700.00;; persistence_mode) answer=Enabled;; ecc.mode.current) answer=Enabled;;
    pstate) answer=P0;; clocks.sm) answer=1755;; clocks.mem) answer=2619;; temperature.gpu) answer=41;;
    power.draw) answer=312.50;;
    *) echo "Field \\"$field\\" is not a valid field to query."; exit 2;;
  esac
  answers="$answers, $answer"
done
echo "${answers#, }"
"""


class Gpu(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patched = mock.patch.dict(os.environ, PATH=f"{self.folder}:/usr/bin:/bin")
        patched.start()
        self.addCleanup(patched.stop)

    def install(self, script):
        file = self.folder / "nvidia-smi"
        file.write_text(script)
        file.chmod(0o755)

    def test_a_result_is_filed_under_the_gpu_with_what_it_was(self):
        self.install(NVIDIA_SMI)
        facts = machine.facts(H100)
        self.assertEqual(facts["device"], "nvidia-h100-80gb-hbm3")
        self.assertEqual(facts["gpu"], {
            "name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0", "cuda_of_driver": "13.0", "driver": "580.65",
            "vbios": "96.00.89.00.01", "memory_mb": 81559, "max_sm_mhz": 1980, "max_memory_mhz": 2619, "set_sm_mhz": None,
            "power_limit_w": 700, "persistence": "Enabled", "ecc": "Enabled"})
        text = report.gpu_text(facts)
        for part in ("NVIDIA H100 80GB HBM3", "driver 580.65", "at most 1980 MHz", "700 W"):
            self.assertIn(part, text)

    def test_without_a_gpu_it_is_the_cpu(self):
        self.install(NVIDIA_SMI)
        facts = machine.facts()
        self.assertEqual(facts["device"], machine.device_name())
        self.assertNotIn("gpu", facts)
        self.assertEqual(report.gpu_text(facts), "")

    def test_a_field_that_a_driver_does_not_know_costs_no_other(self):
        self.install(NVIDIA_SMI)
        self.assertEqual(machine.gpu_state(), {"power_state": "P0", "sm_mhz": 1755, "memory_mhz": 2619, "celsius": 41,
                                               "watts": 312.5, "throttle_reasons": None})

    def test_without_nvidia_smi_nothing_is_known_but_what_our_worker_sees(self):
        facts = machine.facts(H100)
        self.assertEqual(facts["device"], "nvidia-h100-80gb-hbm3")
        self.assertEqual(facts["gpu"]["compute_capability"], "9.0")
        self.assertIsNone(facts["gpu"]["driver"])
        self.assertEqual(set(machine.gpu_state().values()), {None})
        self.assertIn("tells nothing", report.state_text({"gpu_states": [machine.gpu_state()]}))

    def test_states_are_reported_from_least_to_most(self):
        states = [STATE, {**STATE, "sm_mhz": 1755.0, "throttle_reasons": "0x4"}]
        text = report.state_text({"gpu_states": states})
        self.assertIn("P0, 1755 to 1980 MHz, 2619 MHz memory, 41 degrees, 312 W, 0x0 to 0x4 throttling", text)
        self.assertEqual(report.state_text({}), "")


class Copies(unittest.TestCase):
    CASE = contest.Case("classifier", "cls", 8, 8, 2, 4)  # two images of 3x8x8 a call

    def judge(self):
        return contest.Judge(self.CASE, None, None, on_gpu=True)

    def test_all_copy_the_same_bytes(self):
        judge, row = self.judge(), {}
        judge.hold_to_same_copies(row, [2 * 3 * 64 * 4, 40])
        judge.hold_to_same_copies({}, [2 * 3 * 64 * 4, 40])
        self.assertEqual(row["host_bytes"], [1536, 40])

    def test_who_copies_fp16_takes_no_part(self):
        judge = self.judge()
        with self.assertRaisesRegex(WorkerError, "768 bytes to the GPU"):
            judge.hold_to_same_copies({}, [768, 40])
        judge.hold_to_same_copies({}, [1536, 40])
        with self.assertRaisesRegex(WorkerError, "20 back, the others' 1536 and 40"):
            judge.hold_to_same_copies({}, [1536, 20])

    def test_pytorch_keeps_fp32_for_a_gpu_and_converts_there(self):
        try:
            import torch
        except ImportError:
            self.skipTest("no PyTorch here")
        import numpy
        import torch_worker

        network = torch_worker.Network("channels_last", "fp16", 1, "cuda")
        network.hold(numpy.ones((1, 2, 3, 8, 8), numpy.float32))
        seen = []

        def layer(pixels):
            seen.append((pixels.dtype, pixels.is_contiguous(memory_format=torch.channels_last)))
            return pixels

        converted = torch_worker.FromAndToHost(layer, torch.float16, torch.channels_last)
        result = converted(network.inputs[0])
        self.assertEqual(seen, [(torch.float16, True)])
        self.assertTrue(result.is_contiguous())
        self.assertEqual(network.host_bytes(result), [1536, 1536])


if __name__ == "__main__":
    unittest.main()
