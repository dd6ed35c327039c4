"""How many of a kernel's blocks a multiprocessor holds at a time.

Limits are those of the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"; the rules of
allocation, and what is rounded up to what, those of the toolkit's cuda_occupancy.h.
"""

import dataclasses

WARP = 32
REGISTERS = 64 << 10   # of a multiprocessor
PARTITIONS = 4         # of it, with a quarter of the registers each
REGISTER_UNIT = 256    # registers are given to a warp in so many
KIB = 1 << 10


@dataclasses.dataclass(frozen=True)
class Limits:
    warps: int          # of a multiprocessor
    blocks: int
    shared: int         # bytes of it
    shared_unit: int    # shared memory is given to a block in so many bytes
    reserved: int       # bytes that each block loses to the system


LIMITS = {  # compute capability times ten
    75: Limits(warps=32, blocks=16, shared=64 * KIB, shared_unit=256, reserved=0),
    80: Limits(warps=64, blocks=32, shared=164 * KIB, shared_unit=128, reserved=KIB),
    86: Limits(warps=48, blocks=16, shared=100 * KIB, shared_unit=128, reserved=KIB),
    89: Limits(warps=48, blocks=24, shared=100 * KIB, shared_unit=128, reserved=KIB),
    90: Limits(warps=64, blocks=32, shared=228 * KIB, shared_unit=128, reserved=KIB),
    100: Limits(warps=64, blocks=32, shared=228 * KIB, shared_unit=128, reserved=KIB),
    120: Limits(warps=48, blocks=24, shared=100 * KIB, shared_unit=128, reserved=KIB),
}


def _round_up(value, unit):
    return -(-value // unit) * unit


def resident_blocks(arch, threads, registers, shared):
    """Blocks of `threads` threads, each with `registers` registers, and `shared` bytes that fit a multiprocessor."""
    limits = LIMITS[arch]
    warps = -(-threads // WARP)
    of_warp = _round_up(registers * WARP, REGISTER_UNIT)
    by_registers = REGISTERS // PARTITIONS // of_warp * PARTITIONS // warps
    if of_warp * _round_up(warps, PARTITIONS) > REGISTERS:
        by_registers = 0
    block_shared = _round_up(shared + limits.reserved, limits.shared_unit)
    by_shared = limits.shared // block_shared if block_shared else limits.blocks
    return min(limits.blocks, limits.warps // warps, by_registers, by_shared)


def occupancy(arch, threads, registers, shared):
    """The share of a multiprocessor's warps that these blocks fill, 0 to 1."""
    warps = -(-threads // WARP)
    return resident_blocks(arch, threads, registers, shared) * warps / LIMITS[arch].warps
