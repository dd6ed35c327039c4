#!/usr/bin/env python3
"""Holds the C ABI, as engine/giemsa.h declares it, to the dump of it in tests/abi/giemsa.abi.

    check_abi.py [--header FILE]     says what differs, and exits 1 where anything does
    check_abi.py --update            writes the dump anew, after a change that is meant

A library that is built for use has no debug information, from which libabigail reads types. This compiles, with debug
information, a library of the header's functions with empty bodies: what a program can see of the ABI is the header, and that
the real library has exactly these functions is what test_install.py checks. Exits 77 where abidw and abidiff (Debian:
abigail-tools) are missing.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / "engine/giemsa.h"
DUMP = ROOT / "tests/abi/giemsa.abi"
FUNCTION = re.compile(r"^GIEMSA_API ([^;(]*?)\b(giemsa_\w+)\(([^;]*)\);", re.M | re.S)


def functions_of(header):
    """(type of the result, name, parameters) of every function."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    return [(result.strip(), name, " ".join(parameters.split())) for result, name, parameters in FUNCTION.findall(text)]


def with_empty_bodies(header):
    lines = ['#include "giemsa.h"']
    for result, name, parameters in functions_of(header):
        lines.append(f"{result} {name}({parameters}) {{{'' if result == 'void' else f' return ({result})0; '}}}")
    return "\n".join(lines) + "\n"


def dump_of(header, folder):
    """The ABI of a header's text, as abidw writes it."""
    (folder / "giemsa.h").write_text(header)
    (folder / "giemsa.c").write_text(with_empty_bodies(header))
    subprocess.run(["cc", "-std=c99", "-w", "-g", "-fPIC", "-shared", "-Wl,-soname,libgiemsa.so.0", "giemsa.c", "-o",
                    "libgiemsa.so"], cwd=folder, check=True)
    # Nothing of where and in which order it was compiled: the dump is the same everywhere.
    done = subprocess.run(["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--type-id-style", "hash",
                           "libgiemsa.so"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def differences(header, dump=DUMP):
    """What abidiff says, empty where nothing differs."""
    with tempfile.TemporaryDirectory() as scratch:
        now = pathlib.Path(scratch) / "now.abi"
        now.write_text(dump_of(header, pathlib.Path(scratch)))
        done = subprocess.run(["abidiff", "--harmless", str(dump), str(now)], capture_output=True, text=True)
    if done.returncode & 3:  # abidiff itself failed, or was called wrongly
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout if done.returncode else ""


def missing_tools():
    return [tool for tool in ("abidw", "abidiff", "cc") if not shutil.which(tool)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--header", type=pathlib.Path, default=HEADER)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    if missing_tools():
        print(f"skipped: {', '.join(missing_tools())} missing (Debian: abigail-tools)")
        return 77
    header = arguments.header.read_text()
    if arguments.update:
        with tempfile.TemporaryDirectory() as scratch:
            DUMP.write_text(dump_of(header, pathlib.Path(scratch)))
        print(f"{DUMP.relative_to(ROOT)}: {len(functions_of(header))} functions")
        return 0
    if found := differences(header):
        print(f"{found}\nThe ABI differs from tests/abi/giemsa.abi. If that is meant: members are added at the end of structs only, "
              "anything else needs a new SOVERSION; then run tests/abi/check_abi.py --update")
        return 1
    print(f"{len(functions_of(header))} functions, as in {DUMP.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
