"""The self-test, devices and memory, as Python has them; held to what the command says."""

import json
import unittest

import giemsa
from support import command, engine, found, smear


class Selftest(unittest.TestCase):
    def test_passes_with_the_digest_of_the_command(self):
        result = engine().selftest()
        self.assertLessEqual(result["deviation"], result["allowed_deviation"])
        self.assertGreater(result["milliseconds"], 0)
        self.assertEqual(result["digest"], json.loads(command("selftest", "--device", "cpu", "--json"))["digest"])
        self.assertEqual(giemsa.selftest(result["digest"], device="cpu", threads=1)["digest"], result["digest"])

    def test_another_digest_fails(self):
        with self.assertRaisesRegex(giemsa.SelftestError, "expected digest") as caught:
            engine().selftest("0" * 64)
        self.assertEqual(caught.exception.status, "GIEMSA_E_SELFTEST")


class Devices(unittest.TestCase):
    def test_as_the_command_has_them(self):
        cpu, *gpus = giemsa.devices()
        said = json.loads(command("devices", "--json"))
        self.assertEqual((cpu["device"], cpu["name"], cpu["unusable"]), ("cpu", said["cpu"]["model"], ""))
        self.assertEqual({name: name in cpu["precisions"] for name in ("fp32", "bf16", "int8")},
                         {name: said["cpu"][name] for name in ("fp32", "bf16", "int8")})
        self.assertAlmostEqual(cpu["memory_bytes"] / 2**30, said["cpu"]["memory_gib"], delta=0.06)
        self.assertTrue(gpus)
        self.assertEqual(any(not gpu["unusable"] for gpu in gpus), said["cuda"]["available"])


class Memory(unittest.TestCase):
    def test_of_an_engine_and_its_sessions(self):
        with giemsa.Engine(device="cpu") as fresh:
            before = fresh.memory
            self.assertEqual((before["sessions"], before["host_weights"], before["host_activations"]), (0, 0, 0))
            self.assertGreater(before["host_models"], 0)
            self.assertEqual(len(fresh.identify(smear())), len(found()))
            after = fresh.memory
            self.assertEqual((after["sessions"], after["compiled_sizes"]), (1, 1))
            self.assertGreater(min(after[name] for name in ("host_weights", "host_activations", "host_results")), 0)
        with self.assertRaises(giemsa.UsageError):
            _ = fresh.memory
