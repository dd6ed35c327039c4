"""What cuobjdump tells about the kernels in an object or archive: their machine code, registers, memory, block size."""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

TOOLS = ("cuobjdump", "nvdisasm")  # cuobjdump starts nvdisasm
MISSING_TOOLS = ("MESSAGE: no cuobjdump and nvdisasm (of the CUDA toolkit, or of PyPI's nvidia-cuda-cuobjdump and "
                 "nvidia-cuda-nvdisasm): the kernels' machine code is not checked, skipped")


@dataclasses.dataclass(frozen=True)
class Instruction:
    address: int
    opcode: str    # with its suffixes: "LDG.E.128.CONSTANT"
    operands: str
    predicate: str = ""  # "@!P0", or empty

    @property
    def name(self):
        """The opcode without its suffixes."""
        return self.opcode.partition(".")[0]

    @property
    def target(self):
        """The address it jumps to, or None."""
        last = self.operands.rpartition(",")[2].strip()
        return int(last, 16) if last.startswith("0x") else None

    @property
    def conditional(self):
        """Whether it has a condition, before it or (BRA.U UP0, ...) among its operands."""
        return self.predicate not in ("", "@PT", "@UPT") or (self.name == "BRA" and "," in self.operands)

    @property
    def bytes(self):
        """How many bytes a load or store of global memory moves for each thread."""
        width = re.search(r"\.[US]?(8|16|64|128|256)\b", self.opcode)
        return int(width[1]) // 8 if width else 4


@dataclasses.dataclass
class Kernel:
    function: str      # the linker's name
    arch: int          # compute capability times ten
    name: str = ""     # for people: "linear_kernel<float, Half, Half, 1>"
    registers: int = 0
    stack: int = 0     # bytes of local memory: arrays and spilled registers
    local: int = 0
    shared: int = 0    # bytes, static
    threads: int = 0   # a block's, of __launch_bounds__; 0 without
    instructions: list = dataclasses.field(default_factory=list)


RESERVED_SHARED = 1024  # bytes of a block's, for the system

# ---- parsing ----

_ARCH = re.compile(r"arch = sm_(\d+)")
_INSTRUCTION = re.compile(r"\s+/\*([0-9a-f]{4,})\*/\s+(@!?U?P\w+\s+)?([A-Z]\w*(?:\.\w+)*)\s*([^;]*);")
_RESOURCES = re.compile(r"\s+REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")
_MAX_THREADS = re.compile(r"\s*Value:\s+(0x[0-9a-f]+) (0x[0-9a-f]+) (0x[0-9a-f]+)")


def parse_instruction(line):
    match = _INSTRUCTION.match(line)
    if not match:
        return None
    address, predicate, opcode, operands = match.groups()
    return Instruction(int(address, 16), opcode, operands.strip(), (predicate or "").strip())


def parse_sass(lines, kernels):
    """Adds the instructions in the output of `cuobjdump -sass` to `kernels`: (function, arch) -> Kernel."""
    arch, kernel = None, None
    for line in lines:
        if instruction := parse_instruction(line):
            kernel.instructions.append(instruction)
        elif match := _ARCH.match(line):
            arch = int(match[1])
        elif line.lstrip().startswith("Function : "):
            function = line.split()[-1]
            kernel = kernels.setdefault((function, arch), Kernel(function, arch))


def parse_resources(lines, kernels):
    """The same for `cuobjdump -res-usage`."""
    arch, function = None, None
    for line in lines:
        if match := _ARCH.match(line):
            arch = int(match[1])
        elif line.startswith(" Function "):
            function = line.split()[-1].rstrip(":")
        elif match := _RESOURCES.match(line):
            kernel = kernels.setdefault((function, arch), Kernel(function, arch))
            kernel.registers, kernel.stack, kernel.shared, kernel.local = map(int, match.groups())
            # From 9.0 on the figure of a kernel that has shared memory counts what the system reserves.
            if arch >= 90 and kernel.shared:
                kernel.shared -= RESERVED_SHARED


def parse_launch_bounds(lines, kernels):
    """The same for `cuobjdump -elf`."""
    arch, function, attribute = None, None, ""
    for line in lines:
        if match := _ARCH.match(line):
            arch = int(match[1])
        elif line.startswith("."):  # a section
            function = line.strip().removeprefix(".nv.info.") if line.startswith(".nv.info._Z") else None
        elif function and line.lstrip().startswith("Attribute:"):
            attribute = line.split()[-1]
        elif function and attribute == "EIATTR_MAX_THREADS" and (match := _MAX_THREADS.match(line)):
            x, y, z = (int(extent, 16) for extent in match.groups())
            kernels.setdefault((function, arch), Kernel(function, arch)).threads = x * y * z


def readable(demangled):
    """A kernel's name and template arguments out of its whole signature, without return type and namespaces."""
    name = re.sub(r"\(anonymous namespace\)::|\b(?:[a-z]\w*::)+", "", demangled.removeprefix("void "))
    depth = 0
    for i, character in enumerate(name):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "(" and depth == 0:
            return name[:i]
    return name


# ---- running ----

def find_tools(folders):
    """The folder that holds cuobjdump and nvdisasm: the first of `folders` (or where pip puts them below it) with both,
    else PATH's; None where there is none."""
    for folder in filter(None, folders):
        folder = pathlib.Path(folder)
        for place in [folder, *sorted(folder.glob("lib/python*/site-packages/nvidia/*/bin"))]:
            if all(os.access(place / tool, os.X_OK) for tool in TOOLS):
                return place
    found = [shutil.which(tool) for tool in TOOLS]
    return pathlib.Path(found[0]).parent if all(found) else None


def _lines(command, tools):
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process:
            yield from process.stdout
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}\n{errors.read()}")


def _demangle(functions):
    result = subprocess.run(["c++filt"], input="\n".join(functions), capture_output=True, text=True, check=True)
    return dict(zip(functions, map(readable, result.stdout.splitlines())))


def read_kernels(file, tools):
    """The kernels in `file`, by name and architecture. A function that a kernel calls counts as one."""
    cuobjdump = str(tools / "cuobjdump")
    listed = "".join(_lines([cuobjdump, "-lelf", str(file)], tools))
    archs = sorted(set(re.findall(r"\.sm_(\d+)\w*\.cubin", listed)))

    def read(arch):
        kernels = {}
        for option, parse in [("-sass", parse_sass), ("-res-usage", parse_resources), ("-elf", parse_launch_bounds)]:
            parse(_lines([cuobjdump, option, "-arch", f"sm_{arch}", str(file)], tools), kernels)
        return list(kernels.values())

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        kernels = [kernel for of_arch in pool.map(read, archs) for kernel in of_arch]
    names = _demangle(sorted({kernel.function for kernel in kernels}))
    for kernel in kernels:
        kernel.name = names[kernel.function]
    return sorted(kernels, key=lambda kernel: (kernel.name, kernel.arch))
