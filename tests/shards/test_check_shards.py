#!/usr/bin/env python3
"""Must-fail tests of check_shards.py: each way in which parts can miss the whole has to be reported, alone."""

import collections
import unittest

import check_shards


class Complaints(unittest.TestCase):
    def check(self, parts, *expected, whole=("a", "b", "b")):
        parts = {name: collections.Counter(cases) for name, cases in parts.items()}
        self.assertEqual(check_shards.complaints(collections.Counter(whole), parts), list(expected))

    def test_every_case_once(self):
        self.check({"p": ["a"], "q": ["b", "b"]})
        self.check({"p": ["a", "b"], "q": ["b"]})

    def test_a_case_left_out(self):
        self.check({"p": ["b", "b"]}, "'a' is there 1 times and run 0 times, by: none")

    def test_one_of_two_of_a_name_left_out(self):
        self.check({"p": ["a"], "q": ["b"]}, "'b' is there 2 times and run 1 times, by: q")

    def test_a_case_run_twice(self):
        self.check({"p": ["a"], "q": ["a", "b", "b"]}, "'a' is there 1 times and run 2 times, by: p, q")

    def test_an_empty_part(self):
        self.check({"p": ["a", "b", "b"], "q": []}, "q runs no case")

    def test_no_part(self):
        self.check({}, "'a' is there 1 times and run 0 times, by: none", whole="a")


class Parts(unittest.TestCase):
    def test_other_executables_and_disabled_tests_are_no_parts(self):
        tests = {"tests": [{"name": "p", "command": ["/x/test_kernels", "--source-file=*/a.cpp"]},
                           {"name": "q", "command": ["/x/test_kernels_gpu"]}, {"name": "r"}]}
        self.assertEqual(check_shards.parts_of(tests, "/x/test_kernels"),
                         {"p": ["/x/test_kernels", "--source-file=*/a.cpp"]})


if __name__ == "__main__":
    unittest.main()
