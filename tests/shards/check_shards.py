#!/usr/bin/env python3
"""Holds the ctests that run one doctest executable in parts to running each of its cases exactly once.

    check_shards.py BUILD EXECUTABLE

Prints a line for each case that no part or more than one runs and for each part that runs none, and exits 1 where there
is any.
"""

import collections
import json
import subprocess
import sys


def cases_of(command):
    """The names of the cases that a doctest command would run; a name is there as often as cases bear it."""
    listing = subprocess.run([*command, "--list-test-cases", "--no-intro", "--no-version"], check=True,
                             capture_output=True, text=True).stdout
    lines = [line for line in listing.splitlines() if not line.startswith("[doctest]") and set(line) != {"="}]
    return collections.Counter(lines)


def parts_of(tests, executable):
    """The commands by ctest's name for them, from `ctest --show-only=json-v1`, that start `executable`."""
    return {test["name"]: test["command"] for test in tests["tests"] if test.get("command", [""])[0] == executable}


def complaints(all_cases, parts):
    """What is wrong with parts (a Counter of cases for each name) of a whole, a line each."""
    run = sum(parts.values(), collections.Counter())
    lines = [f"{name} runs no case" for name, cases in parts.items() if not cases]
    for case in sorted(all_cases | run):
        if run[case] != all_cases[case]:
            where = ", ".join(name for name, cases in parts.items() if case in cases) or "none"
            lines.append(f"'{case}' is there {all_cases[case]} times and run {run[case]} times, by: {where}")
    return lines


def main(build, executable):
    tests = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True,
                           text=True).stdout
    parts = {name: cases_of(command) for name, command in parts_of(json.loads(tests), executable).items()}
    all_cases = cases_of([executable])
    wrong = complaints(all_cases, parts)
    print(*wrong, f"{all_cases.total()} cases in {len(parts)} parts", sep="\n")
    return bool(wrong) or not all_cases


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
