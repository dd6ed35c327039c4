"""Holds kernels to what is expected of them: counts their main loop's instructions and says what is wrong."""

import dataclasses

import expectations
import flow
import occupancy

MATRIX = {"HMMA", "IMMA", "BMMA", "DMMA", "QMMA", "OMMA", "HGMMA", "IGMMA", "QGMMA"}
GLOBAL_LOADS = {"LDG", "LDGSTS", "LD"}
SHARED_LOADS = {"LDS", "LDSM"}
STORES = {"STG", "ST", "STS"}  # and LDGSTS, which is counted as a load
LOCAL = {"LDL", "STL"}
GLOBAL = GLOBAL_LOADS | {"STG", "ST", "ATOM", "ATOMG", "RED", "REDG"}
WAIT = "ACQBULK"  # griddepcontrol.wait, from compute capability 9.0 on
FLOATING = {"FADD", "FFMA", "FMUL", "FMNMX", "HADD2", "HFMA2", "HMUL2", "HMNMX2", "DADD", "DFMA", "DMUL", "MUFU"}
INTEGER = {"IADD", "IADD3", "IMAD", "IABS", "IMNMX", "LEA", "LOP3", "SHF", "SHL", "SHR", "VIADD", "VIMNMX", "VIADDMNMX",
           "POPC", "FLO", "BREV", "ISETP"}
INTEGER |= {"U" + name for name in INTEGER}
WIDE = 16  # bytes


@dataclasses.dataclass
class Loop:
    """Instructions of a main loop, by kind."""
    matrix: int
    global_loads: int
    wide_loads: int   # of global_loads, those of 16 bytes
    shared_loads: int
    stores: int
    floating: int
    integer: int
    all: int


@dataclasses.dataclass
class Inspection:
    kernel: object      # listing.Kernel
    kind: expectations.Kind | None = None
    shared: int = 0     # bytes, with the dynamic part
    blocks: int = 0     # on a multiprocessor
    occupancy: float = 0
    loop: Loop | None = None
    faults: list = dataclasses.field(default_factory=list)


def main_loop_of(kernel):
    names = MATRIX if any(instruction.name in MATRIX for instruction in kernel.instructions) else GLOBAL_LOADS
    return flow.main_loop(kernel.instructions, lambda instruction: instruction.name in names)


def count(loop):
    # `@!PT LDS RZ, [RZ]` is how ptxas spaces out asynchronous copies: it never loads. IMAD.MOV only moves.
    working = [i for i in loop if i.predicate != "@!PT" and not i.opcode.startswith(("IMAD.MOV", "UIMAD.MOV"))]

    def of(names):
        return sum(i.name in names for i in working)
    wide = sum(i.name in GLOBAL_LOADS and i.bytes >= WIDE for i in working)
    return Loop(of(MATRIX), of(GLOBAL_LOADS), wide, of(SHARED_LOADS), of(STORES), of(FLOATING), of(INTEGER), len(loop))


def _places(instructions, most=4):
    """'3 LDG.E at 0x0120, 0x0140, ...'"""
    opcodes = ", ".join(sorted({i.opcode for i in instructions}))
    places = ", ".join(f"{i.address:#06x}" for i in instructions[:most]) + (", ..." if len(instructions) > most else "")
    return f"{len(instructions)} {opcodes} at {places}"


def _faults(kernel, expected, loop):
    if local := [i for i in kernel.instructions if i.name in LOCAL]:
        yield f"local-memory traffic: {_places(local)}"
    if kernel.stack or kernel.local:
        yield (f"{kernel.stack + kernel.local} bytes of local memory a thread, by what ptxas reports of it: spilled "
               "registers or an array that isn't in registers")
    waits = next((i for i, instruction in enumerate(kernel.instructions) if instruction.name == WAIT), 0)
    early = [i for i in kernel.instructions[:waits] if i.name in GLOBAL]
    if early and not expected.early:
        yield f"global memory touched before the kernel before it is waited for: {_places(early)}"
    if expected.kind.matrix and not any(i.name in MATRIX for i in loop):
        yield "no matrix instruction (HMMA)"
    if expected.kind.wide_loads:
        loads = [i for i in loop if i.name in GLOBAL_LOADS]
        narrow = [i for i in loads if i.bytes < WIDE]
        if len(narrow) > expected.narrow_loads:
            yield f"loads narrower than {WIDE} bytes in the main loop: {_places(narrow)}"
        elif len(narrow) == len(loads):
            yield f"no load of {WIDE} bytes from global memory"


def inspect(kernel, table):
    result = Inspection(kernel)
    try:
        expected = expectations.classify(kernel.name, table)
        loop = main_loop_of(kernel)
    except (LookupError, flow.UnknownFlow) as error:
        result.faults.append(str(error))
        return result
    result.kind = expected.kind
    result.shared = kernel.shared + expected.dynamic_shared
    result.loop = count(loop)
    result.faults += _faults(kernel, expected, loop)
    if kernel.threads and kernel.arch in occupancy.LIMITS:
        figures = (kernel.arch, kernel.threads, kernel.registers, result.shared)
        result.blocks, result.occupancy = occupancy.resident_blocks(*figures), occupancy.occupancy(*figures)
    return result


def inspect_library(kernels, table, archs):
    """Inspections of all kernels, and what is wrong with the library as a whole. `archs`: where each has to exist."""
    inspections = [inspect(kernel, table) for kernel in kernels]
    made = {}
    for kernel in kernels:
        made.setdefault(kernel.name, set()).add(kernel.arch)
    faults = [f"{name}: no machine code for {', '.join(f'sm_{arch}' for arch in sorted(missing))}"
              for name, found in made.items() if (missing := set(archs) - found)]
    faults += [f'the expectation of "{line.kernels}" names no kernel; delete it' for line in table
               if not any(map(line.names, made))]
    return inspections, faults
