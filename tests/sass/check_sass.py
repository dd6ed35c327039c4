#!/usr/bin/env python3
"""Disassembles what nvcc made of the kernels, prints a table of it and holds it to expectations.py.

    check_sass.py ARCHIVE --arch 75 80 90 120 [--tools FOLDER ...]

cuobjdump and nvdisasm are looked for in the folders (and the virtual environments that they may be), then in PATH.
Exits 1 where a kernel isn't as expected, 77 where the tools are missing.
"""

import argparse
import sys

import expectations
import inspection
import listing

SKIPPED = 77

HEADINGS = ["kernel", "sm", "kind", "threads", "registers", "shared", "blocks", "occupancy",
            "matrix", "load", "by 16", "shared load", "store", "float", "integer", "all"]

LEGEND = """
Registers a thread, bytes of shared memory a block, blocks a multiprocessor; from `matrix` on, instructions in the main
loop (see expectations.py): matrix products, loads from global memory and how many of them are of 16 bytes, loads from
shared memory, stores, floating-point and integer arithmetic, and all there are.
"""


def row_of(result):
    kernel, loop = result.kernel, result.loop
    row = [kernel.name, kernel.arch, result.kind.name if result.kind else "?", kernel.threads or "?", kernel.registers,
           result.shared, result.blocks or "?", f"{result.occupancy:.0%}" if result.blocks else "?"]
    if not loop:
        return row + ["?"] * 8
    return row + [loop.matrix, loop.global_loads, loop.wide_loads, loop.shared_loads, loop.stores, loop.floating,
                  loop.integer, loop.all]


def print_table(inspections):
    rows = [HEADINGS] + [[str(cell) for cell in row_of(result)] for result in inspections]
    widths = [max(map(len, column)) for column in zip(*rows)]
    print(LEGEND)
    for row in rows:
        print("  ".join(cell.ljust(width) if i in (0, 2) else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive")
    parser.add_argument("--arch", type=int, nargs="+", required=True, help="each kernel has to exist for, e.g. 75 80")
    parser.add_argument("--tools", nargs="*", default=[], help="where cuobjdump and nvdisasm may be")
    options = parser.parse_args()
    tools = listing.find_tools(options.tools)
    if tools is None:
        print(listing.MISSING_TOOLS)
        return SKIPPED

    kernels = listing.read_kernels(options.archive, tools)
    inspections, faults = inspection.inspect_library(kernels, expectations.EXPECTATIONS, options.arch)
    print_table(inspections)
    archs_of = {}  # what is wrong with a kernel -> where
    for result in inspections:
        for fault in result.faults:
            archs_of.setdefault((result.kernel.name, fault), []).append(f"sm_{result.kernel.arch}")
    faults += [f"{name}, {' '.join(archs)}: {fault}" for (name, fault), archs in archs_of.items()]
    print("\n" + ("\n".join(faults) or f"machine code: {len(kernels)} kernels as expected"))
    return 1 if faults or not kernels else 0


if __name__ == "__main__":
    sys.exit(main())
