"""tools/gpu_check pack: everything that a machine with a GPU needs, in one folder beside the sources.

Such a machine may have nvcc, Python and PyTorch but no package registry, little time, and take no more than so many bytes. So
programs are built here, for its architecture, and travel with the libraries that they link; the segmenter travels exactly, in
five sixths of its size; the classifier's weights are random there. The shipped weights, as large as all else together, and what
else has no use there are taken out of what git lists, until `pack --undo`.
"""

import argparse
import gzip
import io
import json
import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from . import model_packing, parts, report
from .building import PROGRAMS, ROOT, compile_programs, fetch_packages

FOLDER = ROOT / ".gpu"
WEIGHTS = "weights/pretrained"
# What nothing there reads; and networks whose kinds of layers others of tests/golden have too.
UNREAD_TESTS = ("abi", "bench", "cli", "engine", "eval", "fuzz", "io", "nets", "ops/fixtures", "page", "python", "rules", "samples",
                "threads", "train", "weights")
ALIKE = ("jfzhang95_mobilenet", "jfzhang95_os8", "jfzhang95_resnet101", "mobilenet_v2", "resnet152", "resnext50", "smp_mobilenet_v2",
         "smp_os8_dense", "smp_tu_resnet34", "smp_v3_mobilenet_v2", "smp_v3_resnet18", "torchvision_v3", "vainf_v3",
         "vainf_v3_mobilenet", "wide_resnet50")
LEFT_BEHIND = [f"{WEIGHTS}/*.safetensors", "bench/results", "tools/samples/overlay.png",
               *(f"tools/samples/images/smear-03{n}.png" for n in (77, 78, 80)), "tools/train",
               *(f"tests/{name}" for name in UNREAD_TESTS), *(f"tests/golden/{name}" for name in ALIKE)]
EXCLUDED = "\n# tools/gpu_check pack; undone by pack --undo\n" + "".join(f"/{name}\n" for name in LEFT_BEHIND)
PACKED = [name for name in PROGRAMS if name not in ("giemsa-bench-worker", "giemsa-samples")]
# Libraries that every machine has, in a version that fits its own.
SYSTEM = re.compile(r"(linux-vdso|ld-linux.*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+))\.so.*")
MIB = 1 << 20


class Problem(Exception):
    pass


def arguments(argv):
    parser = argparse.ArgumentParser(prog="gpu_check pack", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="90-real", help="what to build for, as CMake writes it (default: 90-real)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-gpu", help="build folder (default: build-gpu)")
    parser.add_argument("--binaries", type=pathlib.Path, help="a build folder to take the programs from as they are")
    parser.add_argument("--deps", type=pathlib.Path,
                        help="a folder with the packages that the system lacks; if it is not there, they are downloaded into it")
    parser.add_argument("--segmenter", type=pathlib.Path, help=f"(default: the one in {WEIGHTS})")
    parser.add_argument("--limit", type=float, default=63, metavar="MIB", help="of all that travels (default: 63)")
    parser.add_argument("--fast", action="store_true", help="compress in seconds, not minutes, and less")
    parser.add_argument("--undo", action="store_true", help="give git back what was taken out, and do nothing else")
    return parser.parse_args(argv)


def git(*words, check=True):
    done = subprocess.run(["git", "-c", "safe.directory=*", *words], cwd=ROOT, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise Problem(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout


def exclude_file():
    return ROOT / git("rev-parse", "--git-path", "info/exclude").strip()


def hide():
    """Takes LEFT_BEHIND out of what git lists; the files stay where they are."""
    if git("diff", "--cached", "--name-only", "--diff-filter=AM", "--", *LEFT_BEHIND):
        raise Problem(f"changes of {', '.join(LEFT_BEHIND)} are staged: commit them first")
    file = exclude_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if EXCLUDED not in text:
        file.write_text(text + EXCLUDED, encoding="utf-8")
    git("rm", "-r", "-q", "--cached", "--ignore-unmatch", "--", *LEFT_BEHIND)


def show():
    """Undoes hide(): afterwards git knows the files as in HEAD."""
    file = exclude_file()
    if file.is_file():
        file.write_text(file.read_text(encoding="utf-8").replace(EXCLUDED, ""), encoding="utf-8")
    git("reset", "-q", "--", *LEFT_BEHIND)


def find_program(folder, name):
    for place in (folder / PROGRAMS[name], folder / name):
        if place.is_file():
            return place
    raise Problem(f"{folder} has no {PROGRAMS[name]}")


def is_elf(file):
    with open(file, "rb") as data:
        return data.read(4) == b"\x7fELF"


def linked_libraries(program, deps):
    """Name and path of the shared libraries that the machine there may lack."""
    places = {"LD_LIBRARY_PATH": ":".join(map(str, library_folders(deps)))} if deps else None
    done = subprocess.run(["ldd", program], env=places, capture_output=True, text=True)
    found = {}
    for name, path in re.findall(r"^\s*(\S+) => (.*?)(?: \(0x|$)", done.stdout, re.MULTILINE):
        if path == "not found":
            raise Problem(f"{program.name} needs {name}, which is not there")
        if not SYSTEM.fullmatch(name):
            found[name] = pathlib.Path(path)
    return found


def library_folders(deps):
    return [folder for folder in (deps / "usr/lib/x86_64-linux-gnu", deps / "usr/lib/aarch64-linux-gnu", deps / "usr/lib")
            if folder.is_dir()]


def newest_symbols(files):
    """The newest versions of the C and C++ libraries that the files ask for: "GLIBC 2.34, GLIBCXX 3.4.30"."""
    newest = {}
    for file in files:
        for library, version in re.findall(rb"\b(GLIBC|GLIBCXX)_([0-9.]+[0-9])", file.read_bytes()):
            numbers = tuple(map(int, version.split(b".")))
            newest[library] = max(newest.get(library, numbers), numbers)
    return ", ".join(f"{library.decode()} {'.'.join(map(str, numbers))}" for library, numbers in sorted(newest.items()))


def pack_programs(binaries, deps, fast, out):
    """programs.tar, compressed: bin/ and lib/. Returns what the machine there must have."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for folder in ("bin", "lib"):
            (scratch / folder).mkdir()
        for name in PACKED:
            program, to = find_program(binaries, name), scratch / "bin" / name
            if is_elf(program) and shutil.which("strip"):
                subprocess.run(["strip", "-o", to, program], check=True)
            else:
                shutil.copy(program, to)
            to.chmod(0o755)
            for library, path in linked_libraries(program, deps).items() if is_elf(program) else ():
                shutil.copy(path, scratch / "lib" / library)
        files = sorted(file for file in scratch.rglob("*") if file.is_file())
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for file in files:
                archive.add(file, str(file.relative_to(scratch)))
        if fast:
            out.write_bytes(gzip.compress(packed.getbuffer(), compresslevel=1))
        else:  # with a dictionary as large as all of it: the programs share most of their code
            filters = [{"id": lzma.FILTER_X86},
                       {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 128 * MIB}]
            out.write_bytes(lzma.compress(packed.getbuffer(), filters=filters))
        return newest_symbols(files)


def travelling(folder):
    """The files that travel: those that git lists, as far as they are there, and the packed ones."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    files = {ROOT / name for name in listed if name and ((ROOT / name).is_file() or (ROOT / name).is_symlink())}
    return files | {file for file in folder.rglob("*") if file.is_file()}


def make(given):
    if given.deps and not given.deps.is_dir():
        print(f"downloading packages to {given.deps}", flush=True)
        fetch_packages(given.deps)
    if given.segmenter is None:
        found = sorted((ROOT / WEIGHTS).glob("deeplabv3plus*.safetensors"))
        if not found:
            raise Problem(f"no segmenter in {WEIGHTS}: name one by --segmenter")
        given.segmenter = found[0]
    binaries = given.binaries
    if binaries is None:
        binaries = given.build.absolute()
        binaries.mkdir(parents=True, exist_ok=True)
        print(f"building in {binaries}; build.log there", flush=True)
        work = parts.Workplace(binaries, binaries, given.deps and given.deps.absolute(), seconds=86400)
        work.part, work.part_end = "build", work.end
        compile_programs(work, given.architecture, PACKED, ["-DGIEMSA_TEST_FILES=."])
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    print("packing", flush=True)
    needed = pack_programs(binaries, given.deps, given.fast, FOLDER / "programs.tar")
    (FOLDER / "segmenter.packed").write_bytes(model_packing.pack(given.segmenter.read_bytes()))
    sizes = {file.name: file.stat().st_size for file in sorted(FOLDER.iterdir())}
    about = {"commit": report.commit(), "architecture": given.architecture, "needs": needed, "files": sizes}
    (FOLDER / "pack.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return about


def main(argv):
    given = arguments(argv)
    try:
        if given.undo:
            show()
            print(f"git knows {', '.join(LEFT_BEHIND)} again")
            return 0
        about = make(given)
        hide()
        files = travelling(FOLDER)
        size = sum(file.lstat().st_size for file in files)
        for name, bytes_ in about["files"].items():
            print(f"{bytes_ / MIB:8.2f} MiB  {FOLDER.name}/{name}")
        print(f"{size / MIB:8.2f} MiB  in all, {len(files)} files, of at most {given.limit:g} MiB; needs {about['needs']} there")
        if size > given.limit * MIB:
            show()
            largest = sorted(files, key=lambda file: -file.lstat().st_size)[:5]
            raise Problem("too large to travel; the largest: " + ", ".join(str(file.relative_to(ROOT)) for file in largest))
        print(f"There: tools/gpu_check stage1, then stage2; {FOLDER.name}/ has to travel although git ignores it.\n"
              "Here, before anything is committed: tools/gpu_check pack --undo")
        return 0
    except (Problem, parts.Failed, OSError, ValueError, subprocess.CalledProcessError) as why:
        print(f"gpu_check pack: {why}", file=sys.stderr)
        return 1
