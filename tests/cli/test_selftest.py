"""giemsa selftest: passes on this machine, and fails where a file or a digest is not what it was."""

import json
import os
import shutil
import unittest

from support import CLASSIFIER, CommandTest


class Selftest(CommandTest):
    def test_passes(self):
        text = self.giemsa("selftest", "--device", "cpu", code=0).out
        found = json.loads(self.giemsa("selftest", "--device", "cpu", "--threads", "1", "--json", code=0).out)
        self.assertTrue(found["ok"])
        self.assertEqual([check["name"] for check in found["checks"]], ["models unchanged", "known answer", "same bits twice"])
        self.assertTrue(all(check["ok"] and not check["error"] for check in found["checks"]))
        self.assertLessEqual(found["deviation"], found["allowed_deviation"])
        self.assertEqual(found["precision"], "fp32")
        self.assertIn(found["digest"], text)  # the same on any number of threads

        same = self.giemsa("selftest", "--device", "cpu", "--expect", found["digest"], code=0)
        self.assertRegex(same.out, r"expected digest +ok")
        other = ("1" if found["digest"][0] == "0" else "0") + found["digest"][1:]
        wrong = self.giemsa("selftest", "--device", "cpu", "--expect", other, code=4)
        self.assertRegex(wrong.out, r"expected digest +FAILED")
        self.assertEqual(len(wrong.errors), 1)
        self.assertIn(other, wrong.errors[0])

    def test_other_precisions(self):
        has = json.loads(self.giemsa("devices", "--json", code=0).out)["cpu"]
        if not has["bf16"]:
            self.skipTest("this CPU has no bf16")
        fp32 = json.loads(self.giemsa("selftest", "--device", "cpu", "--json", code=0).out)
        bf16 = json.loads(self.giemsa("selftest", "--device", "cpu", "--precision", "bf16", "--json", code=0).out)
        self.assertTrue(bf16["ok"])
        self.assertGreater(bf16["allowed_deviation"], fp32["allowed_deviation"])
        self.assertNotEqual(bf16["digest"], fp32["digest"])

    def test_a_damaged_model_file(self):
        damaged = self.dir / CLASSIFIER
        shutil.copy(self.models / CLASSIFIER, damaged)
        with open(damaged, "r+b") as file:
            file.seek(-1000, os.SEEK_END)
            byte = file.read(1)
            file.seek(-1000, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        self.refused("selftest", "--classifier", str(damaged), "--device", "cpu", code=3, says=CLASSIFIER)

    def test_mistakes(self):
        self.refused("selftest", "--expect", "abc", code=2, says="no digest")
        self.refused("selftest", "--device", "cuda:99", code=4, says="cuda:99")
        self.refused("selftest", "--device", "cpu", "--precision", "int8", code=3, says="calibrate")


if __name__ == "__main__":
    unittest.main()
