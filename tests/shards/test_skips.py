#!/usr/bin/env python3
"""What tools/test says of skipped tests: a line for each reason, however many tests gave it."""

import pathlib
import subprocess
import tempfile
import unittest

LIBRARY = pathlib.Path(__file__).resolve().parents[2] / "tools/lib.sh"


class ListSkips(unittest.TestCase):
    def check(self, log, *expected):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "LastTest.log"
            path.write_text(log)
            script = f"set -euo pipefail; source '{LIBRARY}'; list_skips '{path}'; echo end"
            lines = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True).stdout
        self.assertEqual(lines.splitlines(), [*expected, "end"])

    def test_a_line_for_each_reason_with_how_often(self):
        bf16 = "/x/running.cpp:92: MESSAGE: skipped in bf16: this CPU lacks AVX512_BF16\n"
        self.check(bf16 + "TEST CASE: other\n" + 11 * bf16 + "MESSAGE: no usable GPU: all of these tests are skipped\n",
                   "  no usable GPU: all of these tests are skipped",
                   "  12 times skipped in bf16: this CPU lacks AVX512_BF16")

    def test_what_is_no_skip_is_left_out(self):
        self.check("/x/a.cpp:1: MESSAGE: equal: 1 of 2\nCHECK( skipped )\n")

    def test_a_reason_that_starts_with_a_number(self):
        self.check("MESSAGE: 3 files are not there: skipped\n", "  3 files are not there: skipped")


if __name__ == "__main__":
    unittest.main()
