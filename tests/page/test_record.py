"""bench/record: what is kept of a suite's runs."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("record", str(ROOT / "bench/record"))
record = importlib.util.module_from_spec(importlib.util.spec_from_loader("record", loader))
loader.exec_module(record)


def run(name, family, time, **more):
    return {"name": name, "run_name": name, "run_type": "iteration", "family_index": family, "per_family_instance_index": 0,
            "repetitions": 3, "repetition_index": 0, "threads": 1, "iterations": 5, "real_time": time, "cpu_time": time,
            "time_unit": "us", **more}


class Record(unittest.TestCase):
    def test_rows_are_medians_in_the_order_of_the_suite(self):
        runs = [run("b/real_time", 1, 7.0), run("a/fp32/manual_time", 0, 3.0, label="x", rate=30.0),
                run("a/fp32/manual_time", 0, 1.0, label="x", rate=10.0), run("a/fp32/manual_time", 0, 2.0, label="x", rate=20.0),
                {**run("a/fp32/manual_time_mean", 0, 9.0), "run_type": "aggregate"}]
        self.assertEqual(list(record.rows(runs)), [
            {"name": "a/fp32", "unit": "us", "median": 2.0, "min": 1.0, "max": 3.0, "repetitions": 3, "label": "x", "rate": 20.0},
            {"name": "b", "unit": "us", "median": 7.0, "min": 7.0, "max": 7.0, "repetitions": 1}])

    def test_time_of_others(self):
        cores = record.os.cpu_count()
        self.assertEqual(record.busy_with_others((0, 0), (10 * cores, 5 * cores), 10), 0.5)
        self.assertEqual(record.busy_with_others((0, 0), (4, 5), 10), 0)  # clocks tick apart
        before, after = record.ticks(), record.ticks()
        self.assertGreaterEqual(after[0], before[0])
