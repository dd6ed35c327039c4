#!/usr/bin/env python3
"""Holds the repository to its own rules: who may include whom, what kernels may say, and how large files may be.

    check_includes.py [REPOSITORY]

Prints one line a violation, `file:line: what, why`, and exits 1 where there is any.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

# Room -> our headers that it may include: a file, or a folder with everything below it. The longest room that holds the
# including file decides.
GRAPH = ["engine/base/", "engine/ops/", "engine/graph/"]
RUN = [*GRAPH, "engine/passes/", "engine/plan/", "engine/run/"]
ROOMS = {
    "kernels": ["kernels/"],
    "kernels/cpu": ["kernels/cpu/"],
    "engine/base": ["engine/base/"],
    "engine/ops": ["engine/base/", "engine/ops/"],
    "engine/graph": [*GRAPH, "kernels/cpu/parallel.h"],
    "engine/passes": [*GRAPH, "engine/passes/"],
    "engine/plan": [*GRAPH, "engine/plan/"],
    "engine/run": [*GRAPH, "engine/plan/", "engine/run/"],
    "engine/cpu": [*RUN, "engine/cpu/", "kernels/cpu/"],
    "engine/cuda": [*RUN, "engine/cuda/", "kernels/"],
    "engine": ["engine/", "kernels/cpu/executor.h"],  # what opens a device by its name, and so knows every backend
    "weights": ["engine/base/", "kernels/cpu/matmul/quantize.h", "weights/"],
    "nets": [*GRAPH, "engine/plan/storage.h", "engine/run/", "weights/", "nets/"],
    "nets/abi": ["engine/", "kernels/cpu/executor.h", "weights/", "nets/"],  # the C functions, which open devices
    "tools/text": ["engine/base/", "tools/text/"],
    "tools/pictures": ["engine/base/", "nets/contour.h", "nets/smear.h", "tools/text/", "tools/pictures/"],
    "tools/run": [*RUN, "engine/device.h", "nets/", "weights/", "tools/image_io/", "tools/text/", "tools/pictures/", "tools/run/"],
    "tools/eval": ["engine/", "kernels/cpu/imaging/components.h", "nets/", "weights/", "tools/"],
    "tools/python": ["tools/python/"],  # Python's module, which sees the library as it is installed
    "tools": ["engine/", "nets/", "weights/", "tools/"],
    "bench": ["engine/", "kernels/", "nets/", "weights/", "tools/", "bench/"],
    "tests": ["engine/", "kernels/", "nets/", "weights/", "tools/", "tests/"],
}

# Folders that few may include, whatever their rooms allow -> why, and those few: rooms, or single files.
GUARDED = [
    ("kernels/ladder/", "is superseded", ["kernels/ladder", "bench", "tests"]),
    *[(folder, "converts files, which nothing that runs a network needs",
       ["weights/convert", "nets/convert", "nets/onnx", "tools/commands/convert.cpp", "tests"])
      for folder in ("nets/convert/", "nets/onnx/")],
    ("weights/convert/", "reads checkpoints, which nothing that runs a network needs",
     ["weights/convert", "nets/convert", "tests"]),
]

# Headers from outside, as patterns -> the rooms that may include them. What no pattern names may be included nowhere.
# C++ standard headers (no dot, no slash) are free.
OUTSIDE = [
    ("cuda*|mma.h|cooperative_groups*", ["kernels", "engine/cuda", "bench", "tests"]),
    ("cudnn*|cublas*", ["engine/cuda", "bench", "tests"]),
    ("dnnl*|oneapi/dnnl/*", ["engine/cpu", "tests"]),
    ("omp.h", ["engine/cpu/banded_convolution.cpp", "tests"]),
    ("pthread.h|sched.h", ["kernels/cpu/thread_pool.cpp", "tests"]),
    ("nlohmann/*", ["weights", "nets/laboratory_profile.cpp", "nets/abi", "nets/convert", "tools", "bench", "tests"]),
    ("jpeglib.h|jerror.h", ["tools/image_io"]),
    ("tiffio.h", ["tools/image_io", "tests/io"]),
    ("zlib.h", ["weights/convert", "tools/image_io", "tools/pictures", "tests"]),
    ("CLI/*", ["tools/cli", "tools/samples"]),
    ("stddef.h|stdint.h|string.h", ["engine/giemsa.h"]),  # C
    ("giemsa.h", ["nets/abi/examples", "tools/python"]),  # as it is installed
    ("nanobind/*", ["tools/python"]),
    ("doctest/*", ["tests"]),
    ("boost/context/*|sanitizer/*", ["tests/simt"]),
    ("benchmark/*", ["bench"]),
    # The operating system and the processor.
    ("fcntl.h|unistd.h|dlfcn.h|signal.h|sys/*",
     ["engine", "kernels/cpu/thread_pool.cpp", "weights", "nets", "tools", "bench", "tests"]),
    ("immintrin.h|cpuid.h", ["kernels/cpu", "weights", "tools", "bench", "tests"]),
    ("execinfo.h|malloc.h", ["tests"]),
]

# Threads on the CPU: kernels and engine share loops through one header, on one pool. OpenMP is oneDNN's affair.
PARALLEL = "kernels/cpu/parallel.h"
OPENMP = re.compile(r"#\s*pragma\s+omp\b")

# What reaches the hardware past the seam, and so past the emulator that tests kernels.
SEAM = "kernels/device*.h|kernels/mma.h"
HARDWARE = re.compile(
    r"<<<|\basm\s*(volatile\s*)?\(|\bextern\s+__shared__|\b__shared__\s+(?!Shared<)|\batomic[A-Z]\w*\(|"
    r"\b__(sync|threadfence|nanosleep|(shfl|ballot|any|all|match|reduce|activemask)(_|\()|ld|st[cw])\w*\(?")

# What the library does not know: by which commands and options a program offers it. An Error carries a Hint instead.
LIBRARY = ["engine", "kernels", "nets", "weights"]
COMMAND_LINE = re.compile(r'["`][^"`]*--[a-z]|giemsa (run|eval|convert|calibrate|tune|inspect|bench|trace)\b|exit code')

SOURCE_SUFFIXES = {".h", ".cpp", ".cu", ".cuh", ".py", ".sh", ".cmake"}
INCLUDING_SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}
MAX_SOURCE_LINES = 499
MAX_FILE_BYTES = 2 << 20
LARGE_FILES = "weights/pretrained/"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E)\b")  # the brackets keep this line from matching itself


def files_of(root):
    """Paths of the repository's files, relative to `root`; without git all files but hidden and built ones."""
    if (root / ".git").exists():
        # CI may run as another user than the one who owns the checkout.
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
        paths = [pathlib.PurePosixPath(path) for path in set(listing) if path]
    else:
        paths = [pathlib.PurePosixPath(path.relative_to(root).as_posix()) for path in root.rglob("*")]
        paths = [path for path in paths if not path.parts[0].startswith((".", "build")) and path.suffix != ".pyc"]
    return sorted(path for path in paths if (root / path).is_file())


def lies_in(path, rooms):
    return any(path == room or path.startswith(room + "/") for room in rooms)


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns.split("|"))


def speaks_to_device(path):
    """Whether `path` holds device code that has to go through the seam."""
    return matches(path, "kernels/*.h|kernels/*.cu|tests/kernels/*.cu") and not matches(path, SEAM + "|kernels/cpu/*")


def may_see_outside(path, rooms):
    """Whether one of `rooms` holds `path`. The GPU's kernels and the CPU's are rooms of their own."""
    return lies_in(path, [room for room in rooms if room != "kernels" or not lies_in(path, ["kernels/cpu"])])


def room_of(path):
    """The longest room in ROOMS that holds `path`, or None."""
    return max((room for room in ROOMS if lies_in(path, [room])), key=len, default=None)


def include_violation(root, path, header, quoted):
    """Why `path` may not include `header`, or None."""
    if quoted or header.split("/")[0] in ROOMS:
        room = room_of(path)
        if not quoted:
            return f'<{header}> is ours: write "{header}"'
        if not (root / header).is_file():
            return f'"{header}" does not exist (paths start at the repository root)'
        if room is None:
            return f'"{header}" included from outside the rooms {", ".join(ROOMS)}'
        allowed = ROOMS[room]
        if not any(header == entry or (entry.endswith("/") and header.startswith(entry)) for entry in allowed):
            return f'{room} may not include "{header}", only {", ".join(allowed)}'
        for folder, why, few in GUARDED:
            if header.startswith(folder) and not lies_in(path, few):
                return f'"{header}" {why}: only {", ".join(few)} may include it'
        return None

    if "." not in header and "/" not in header:
        return None
    for patterns, rooms in OUTSIDE:
        if matches(header, patterns):
            return None if may_see_outside(path, rooms) else f"<{header}> belongs in {', '.join(rooms)} only"
    return f"<{header}> is no dependency of this project (see OUTSIDE)"


def violations(root):
    """Every violation in the tree at `root`, as printable lines."""
    root = pathlib.Path(root)
    for relative in files_of(root):
        path, suffix = str(relative), relative.suffix
        size = (root / path).stat().st_size
        if size > MAX_FILE_BYTES and not path.startswith(LARGE_FILES):
            yield f"{path}: {size} bytes; only {LARGE_FILES} may hold files above {MAX_FILE_BYTES}"
            continue
        if suffix not in SOURCE_SUFFIXES and relative.name != "CMakeLists.txt":
            continue

        lines = (root / path).read_text(encoding="utf-8").splitlines()
        if len(lines) > MAX_SOURCE_LINES:
            yield f"{path}: {len(lines)} lines; a source has at most {MAX_SOURCE_LINES}"
        for number, line in enumerate(lines, start=1):
            if unfinished := UNFINISHED.search(line):
                yield f"{path}:{number}: {unfinished[0]}; finish it, or say in the README what is missing"
            if lies_in(path, ["kernels", "engine"]) and (pragma := OPENMP.search(line)):
                yield f"{path}:{number}: {pragma[0]}; loops share their work through {PARALLEL} only"
            if speaks_to_device(path) and (past_seam := HARDWARE.search(line)):
                yield f"{path}:{number}: {past_seam[0]}; kernels reach the hardware through kernels/device.h only"
            if suffix in INCLUDING_SUFFIXES and lies_in(path, LIBRARY) and (command := COMMAND_LINE.search(line)):
                yield f"{path}:{number}: {command[0]}; the library knows no command line: give the Error a Hint"
            if suffix in INCLUDING_SUFFIXES and (include := INCLUDE.match(line)):
                if why := include_violation(root, path, header=include[2], quoted=include[1] == '"'):
                    yield f"{path}:{number}: {why}"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    found = list(violations(root))
    print("\n".join(found) or "include and repository rules: all kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
