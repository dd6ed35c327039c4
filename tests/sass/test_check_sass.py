#!/usr/bin/env python3
"""Must-fail tests of check_sass.py: each fault that it is there for exists in a kernel of bad/ and has to be reported.

    test_check_sass.py ARCHIVE_OF_BAD_KERNELS [TOOL_FOLDER ...]
"""

import sys
import unittest

import check_sass
import expectations
import flow
import inspection
import listing
import occupancy
from expectations import BANDWIDTH, EXEMPT, GATHERING, TENSOR_CORE, Expectation

ARCHIVE, TOOLS = None, None

# Kernel of bad/ -> what it pretends to be, and a part of each fault that has to be found, in this order.
BAD = {
    "spilling_kernel": (BANDWIDTH, ["local-memory traffic", "bytes of local memory a thread"]),
    "indexing_kernel": (EXEMPT, ["local-memory traffic", "bytes of local memory a thread"]),
    "narrow_kernel": (BANDWIDTH, ["loads narrower than 16 bytes in the main loop"]),
    "narrow_loop_kernel": (BANDWIDTH, ["loads narrower than 16 bytes in the main loop"]),
    "mixed_loop_kernel": (BANDWIDTH, ["loads narrower than 16 bytes in the main loop"]),
    "no_matrix_kernel": (TENSOR_CORE, ["no matrix instruction"]),
    "hasty_kernel": (EXEMPT, ["global memory touched before the kernel before it is waited for"]),
    "wide_kernel": (BANDWIDTH, []),
    "matrix_kernel": (TENSOR_CORE, []),
}


def code(*lines):
    """Instructions, 16 bytes apart, of lines such as ":top FADD" and "@P0 BRA ->top"."""
    addresses = {word[1:]: i * 16 for i, line in enumerate(lines) for word in line.split()[:1] if word[0] == ":"}
    result = []
    for i, line in enumerate(lines):
        words = [word for word in line.split() if word[0] != ":"]
        words = [f"{addresses[word[2:]]:#x}" if word.startswith("->") else word for word in words]
        result.append(listing.parse_instruction(f"        /*{i * 16:04x}*/                   {' '.join(words)} ;"))
    return result


def opcodes(instructions):
    return [instruction.opcode for instruction in instructions]


class Parsing(unittest.TestCase):
    def test_an_instruction(self):
        line = "        /*11e0*/              @!P2 BRA 0x1230 ;                          /* 0x0000004000000947 */"
        found = listing.parse_instruction(line)
        self.assertEqual(found, listing.Instruction(0x11e0, "BRA", "0x1230", "@!P2"))
        self.assertEqual((found.target, found.conditional), (0x1230, True))
        self.assertIsNone(listing.parse_instruction(" " * 60 + "/* 0x000fe200078ec0ff */"))

    def test_widths(self):
        for opcode, size in [("LDG.E", 4), ("LDG.E.U8", 1), ("LDG.E.S16.CONSTANT", 2), ("LDG.E.64.SYS", 8),
                             ("LDG.E.128.CONSTANT", 16), ("LDGSTS.E.BYPASS.128", 16), ("LDG.E.LTC128B", 4)]:
            self.assertEqual(listing.Instruction(0, opcode, "").bytes, size, opcode)

    def test_conditions(self):
        for line, conditional in [("BRA 0x10", False), ("@P0 BRA 0x10", True), ("@PT BRA 0x10", False),
                                  ("BRA.U !UP0, 0x10", True), ("BRA !P1, 0x10", True), ("@!P3 EXIT", True)]:
            self.assertEqual(code(line)[0].conditional, conditional, line)

    def test_names(self):
        for demangled, name in [
                ("void giemsa::kernels::(anonymous namespace)::pool<giemsa::kernels::Half, true>(float*, int (*)(int))",
                 "pool<Half, true>"),
                ("giemsa::kernels::(anonymous namespace)::measure(giemsa::kernels::components::Workspace)", "measure")]:
            self.assertEqual(listing.readable(demangled), name)

    def test_resources(self):
        kernels = {}
        listing.parse_resources(["arch = sm_75", " Function f:",
                                 "  REG:40 STACK:8 SHARED:1536 LOCAL:4 CONSTANT[0]:568", "arch = sm_90", " Function f:",
                                 "  REG:41 STACK:0 SHARED:1536 LOCAL:0 CONSTANT[0]:568"], kernels)
        found = kernels["f", 75]
        self.assertEqual((found.registers, found.stack, found.shared, found.local), (40, 8, 1536, 4))
        self.assertEqual(kernels["f", 90].shared, 512)


class Flow(unittest.TestCase):
    def test_the_loop_with_the_work(self):
        found = code("MOV", ":first LDG.E", "@P0 BRA ->first", ":second LDG.E.128", "LDG.E.128", "FADD",
                     "@P0 BRA ->second", "LDG.E", "LDG.E", "LDG.E", "EXIT")
        loop = flow.main_loop(found, lambda i: i.name == "LDG")
        self.assertEqual(opcodes(loop), ["LDG.E.128", "LDG.E.128", "FADD", "BRA"])

    def test_a_loop_inside_keeps_its_instructions(self):
        found = code(":outer LDS", ":inner IADD3", "@P0 BRA ->inner", "HMMA", "@P1 BRA ->outer", "EXIT")
        self.assertEqual([opcodes(loop) for loop in flow.loops_of(found)], [["LDS", "HMMA", "BRA"], ["IADD3", "BRA"]])
        self.assertEqual(opcodes(flow.main_loop(found, lambda i: i.name == "HMMA")), ["LDS", "HMMA", "BRA"])

    def test_a_way_back_from_the_end_is_no_loop(self):
        found = code("@P0 BRA ->rare", ":back STG.E", "EXIT", ":rare LDG.E", "BRA ->back", ":stop BRA ->stop")
        self.assertEqual(flow.loops_of(found), [])
        self.assertEqual(flow.main_loop(found, lambda i: i.name == "LDG"), found)

    def test_code_at_the_end_that_belongs_to_a_loop(self):
        found = code(":loop LDG.E", "@P0 BRA ->rare", ":back FADD", "@P1 BRA ->loop", "EXIT",
                     ":rare FMUL", "BRA ->back")
        self.assertEqual([opcodes(loop) for loop in flow.loops_of(found)],
                         [["LDG.E", "BRA", "FADD", "BRA", "FMUL", "BRA"]])

    def test_a_called_function_returns(self):
        found = code(":loop LDG.E", "CALL.REL.NOINC ->divide", "@P1 BRA ->loop", "EXIT", ":divide MUFU.RCP",
                     "RET.REL.NODEC R2")
        self.assertEqual([opcodes(loop) for loop in flow.loops_of(found)], [["LDG.E", "CALL.REL.NOINC", "BRA"]])

    def test_a_jump_to_anywhere_is_refused(self):
        with self.assertRaises(flow.UnknownFlow):
            flow.loops_of(code("MOV", "BRX R2", "EXIT"))


class Occupancy(unittest.TestCase):
    # As cudaOccMaxActiveBlocksPerMultiprocessor() (cuda_occupancy.h) computes them: arch, threads, registers, shared.
    CASES = [
        (75, 128, 40, 0, 8), (75, 32, 16, 0, 16), (75, 128, 96, 46080, 1), (75, 1024, 72, 0, 0),
        (80, 96, 40, 1072, 16), (80, 256, 168, 0, 1), (86, 128, 32, 6656, 12), (89, 32, 16, 0, 24),
        (90, 32, 16, 0, 32), (90, 128, 128, 46080, 4), (90, 1000, 32, 100, 2), (100, 128, 72, 16384, 7),
        (120, 32, 16, 0, 24), (120, 128, 96, 40960, 2), (120, 256, 40, 1072, 6),
    ]

    def test_resident_blocks(self):
        for arch, threads, registers, shared, blocks in self.CASES:
            with self.subTest(arch=arch, threads=threads, registers=registers, shared=shared):
                self.assertEqual(occupancy.resident_blocks(arch, threads, registers, shared), blocks)

    def test_share(self):
        self.assertEqual(occupancy.occupancy(90, 256, 32, 0), 1.0)
        self.assertEqual(occupancy.occupancy(90, 256, 40, 0), 0.75)


class Expectations(unittest.TestCase):
    TABLE = [Expectation("pool<*, true>", BANDWIDTH), Expectation("pool<Half, *>", EXEMPT, "why")]

    def test_one_line_has_to_name_a_kernel(self):
        self.assertIs(expectations.classify("pool<float, true>", self.TABLE), self.TABLE[0])
        for name in ("pool<float, false>", "pool<Half, true>", "pool"):
            with self.assertRaises(LookupError):
                expectations.classify(name, self.TABLE)

    def test_an_exemption_gives_its_reason(self):
        for kind, narrow_loads in [(EXEMPT, 0), (GATHERING, 0), (BANDWIDTH, 1)]:
            with self.assertRaises(ValueError):
                Expectation("pool", kind, narrow_loads=narrow_loads)

    def test_narrow_loads_beside_wide_ones(self):
        for wide, narrow, fault in [(2, 1, None), (1, 1, None), (1, 2, "narrower"), (0, 1, "no load of 16"),
                                    (0, 0, "no load of 16")]:
            found = code(":loop FADD", *["LDG.E.128"] * wide, *["LDG.E.64"] * narrow, "@P0 BRA ->loop", "EXIT")
            table = [Expectation("pool", BANDWIDTH, "why", narrow_loads=1)]
            faults = inspection.inspect(listing.Kernel("pool", 90, "pool", instructions=found), table).faults
            self.assertEqual([fault in line for line in faults], [True] if fault else [], (wide, narrow, faults))

    def test_the_library(self):
        wide = code(":loop LDG.E.128", "@P0 BRA ->loop", "EXIT")
        kernels = [listing.Kernel(name, arch, name, instructions=wide)
                   for name, arch in [("pool<float, true>", 80), ("pool<float, true>", 90), ("new", 80)]]
        inspections, faults = inspection.inspect_library(kernels, self.TABLE, [80, 90])
        self.assertEqual([len(result.faults) for result in inspections], [0, 0, 1])
        self.assertIn("named by no line", inspections[2].faults[0])
        self.assertEqual(len(faults), 2, faults)
        self.assertIn("new: no machine code for sm_90", faults)
        self.assertIn('"pool<Half, *>" names no kernel', faults[1])


class BadKernels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        table = [Expectation(name, kind, "a test") for name, (kind, _) in BAD.items()]
        kernels = listing.read_kernels(ARCHIVE, TOOLS)
        cls.inspections, cls.faults = inspection.inspect_library(kernels, table, [90])
        check_sass.print_table(cls.inspections)

    def test_all_of_them_are_there(self):
        self.assertEqual(sorted(result.kernel.name for result in self.inspections), sorted(BAD))
        self.assertEqual(self.faults, [])

    def test_each_fault_is_reported_and_nothing_else(self):
        for result in self.inspections:
            with self.subTest(kernel=result.kernel.name):
                _, parts = BAD[result.kernel.name]
                self.assertEqual(len(result.faults), len(parts), result.faults)
                for part, fault in zip(parts, result.faults):
                    self.assertIn(part, fault)

    def test_launch_bounds_are_read(self):
        threads = {result.kernel.name: result.kernel.threads for result in self.inspections}
        self.assertEqual((threads["spilling_kernel"], threads["matrix_kernel"]), (1024, 32))

    def test_an_unclassified_kernel_is_reported(self):
        kernel = self.inspections[0].kernel
        self.assertIn("named by no line", inspection.inspect(kernel, []).faults[0])


if __name__ == "__main__":
    ARCHIVE, TOOLS = sys.argv[1], listing.find_tools(sys.argv[2:])
    if TOOLS is None:
        del BadKernels
    passed = unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful()
    if TOOLS is None:
        print(listing.MISSING_TOOLS)
    sys.exit(1 if not passed else check_sass.SKIPPED if TOOLS is None else 0)
