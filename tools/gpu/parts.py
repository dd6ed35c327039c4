"""The parts of tools/gpu_check. A part returns what it found, a dictionary; it raises Failed or Skipped, saying why."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import time

from .building import PROGRAMS, compile_programs
from .facts import CHANGING_FACTS, GPU_FACTS, ask_gpu, cuda_tool, query_gpu, vendor_libraries, why_no_gpu
from .families import NOT_SANITIZED, SANITIZED
from .running import run_limited

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What one part may take at most, in seconds, on 16 cores: those that run unless others are named together less than 9
# minutes. Less is usual.
LIMITS = {"build": 160, "facts": 15, "tests": 60, "whole": 75, "providers": 30, "kernels": 85, "memcheck": 40,
          "racecheck": 35, "frameworks": 420}
ONLY_IF_NAMED = {"frameworks"}


def patience():
    """How many times longer than on 16 cores a build may take."""
    return max(1.0, 16 / (os.cpu_count() or 1))


def limit_of(part):
    return LIMITS[part] * (patience() if part == "build" else 1)


SANITIZERS_AT_A_TIME = 4


class Failed(Exception):
    pass


class OutOfTime(Failed):
    pass


class Skipped(Exception):
    pass


class Workplace:
    """Where things are, and how much time is left."""

    def __init__(self, build, out, deps, seconds):
        self.build, self.out, self.deps = build, out, deps
        self.end = time.monotonic() + seconds
        self.part, self.part_end = "", self.end
        self.environment = dict(os.environ)
        libraries = [str(deps / "usr/lib/x86_64-linux-gnu"), str(deps / "usr/lib")] if deps else []
        libraries += vendor_libraries()
        libraries += filter(None, [self.environment.get("LD_LIBRARY_PATH")])
        self.environment["LD_LIBRARY_PATH"] = ":".join(libraries)
        if deps:  # Debian's doctest tells CMake of /usr, wherever it lies
            headers = [str(deps / "usr/include"), *filter(None, [os.environ.get("CPLUS_INCLUDE_PATH")])]
            self.environment["CPLUS_INCLUDE_PATH"] = ":".join(headers)

    def begin(self, part):
        self.part = part
        self.part_end = min(self.end, time.monotonic() + limit_of(part))
        for log in self.out.glob(f"{part}*.log"):
            log.unlink()

    def left(self):
        return self.part_end - time.monotonic()

    def run(self, command, allowed=(0,), environment=(), at_most=None, log=None, stdout=None):
        """Runs `command`, its output in the part's log or that called `log`, and returns (status, output); `stdout` as in
        run_limited(). Raises Failed on a status that is not allowed, and OutOfTime."""
        seconds = min(self.left(), at_most or self.left())
        if seconds <= 0:
            raise OutOfTime("the time of this part is over")
        ended = run_limited(command, seconds, self.out / f"{log or self.part}.log", ROOT,
                            {**self.environment, **dict(environment)}, stdout)
        said = f"last words: {ended.last_line}" if ended.last_line else "it said nothing"
        if ended.status is None:
            raise OutOfTime(f"'{name_of(command)}' was stopped after {seconds:.0f} s; {said}")
        if ended.status not in allowed:
            raise Failed(f"'{name_of(command)}' ended with {ended.status}; {said}")
        return ended.status, ended.output

    def program(self, name):
        file = self.build / PROGRAMS[name]
        if not file.is_file():
            raise Skipped(f"{file} is not built")
        return file


def name_of(command):
    return " ".join([pathlib.Path(command[0]).name, *map(str, command[1:3])])


def skipped(why):
    return {"result": "skipped", "why": why, "seconds": 0.0}


def run_part(name, work):
    start = time.monotonic()
    work.begin(name)
    result = {"result": "ok"}
    try:
        result["found"] = PARTS[name](work)
    except Skipped as why:
        result = {"result": "skipped", "why": str(why)}
    except Failed as why:
        result = {"result": "failed", "why": str(why)}
        if len(why.args) > 1:
            result["found"] = why.args[1]
    except OSError as why:
        result = {"result": "failed", "why": str(why)}
    result["seconds"] = round(time.monotonic() - start, 1)
    return result


def weights():
    """Options that name the shipped weights; none where they are not at hand."""
    folder = ROOT / "weights/pretrained"
    found = {"--segmenter": sorted(folder.glob("deeplabv3plus*.safetensors")),
             "--classifier": sorted(folder.glob("alexnet*.safetensors"))}
    if not all(found.values()):
        return []
    return [word for option, files in found.items() for word in (option, str(files[0]))]


def build(work):
    try:
        architecture = query_gpu("compute_cap")[0].replace(".", "") + "-real"
    except (OSError, IndexError, subprocess.TimeoutExpired):
        architecture = "90-real"  # something, to see that it builds
    return {"architecture": architecture, "targets": compile_programs(work, architecture)}


def facts(work):
    version = work.run([cuda_tool("nvcc") or "nvcc", "--version"])[1].strip().splitlines()
    return {"nvcc": version[-1] if version else "unknown", **ask_gpu(GPU_FACTS, work.part_end)}


def tests(work):
    status, output = work.run(["ctest", "--test-dir", work.build, "-L", "gpu", "--no-tests=error",
                               "--output-on-failure", "--timeout", "50"], allowed=(0, 8))
    outcome = {}
    for line in output.splitlines():  # "1/2 Test #3: kernels_gpu ....   Passed    1.23 sec"
        words = line.split()
        if "Test" in words and "#" in line and line.rstrip().endswith("sec"):
            outcome[words[words.index("Test") + 2]] = " ".join(words[-4:])
    if status != 0:
        raise Failed(f"ctest ended with {status}: {outcome}", outcome)
    if "Skipped" in output:
        raise Failed(f"a test found no GPU: {outcome}", outcome)
    return outcome


def whole(work):
    program = work.program("bench_gpu_cascade")
    settings = {"fp16": [], "fp16, loops by the host": ["--loops", "host"], "fp32": ["--precision", "fp32"],
                "fp16, segmented at 512x512": ["--size", "512x512"]}
    rows, problems = {}, []
    for name, options in settings.items():
        for overlap in ("1", "0"):
            label = f"{name}, PDL {overlap}"
            file = work.out / f"whole-{len(rows)}.json"
            file.unlink(missing_ok=True)
            try:
                work.run([program, *weights(), *options, "--json", file], environment={"GIEMSA_PDL": overlap}.items(),
                         at_most=15)
            except Failed as why:
                problems.append(f"{label}: {why}")
            rows[label] = json.loads(file.read_text()) if file.is_file() else {}
    try:
        rows["cold start and memory"] = cold_start(work)
    except Failed as why:
        problems.append(f"giemsa bench: {why}")
    if problems:
        raise Failed("; ".join(problems), rows)
    return rows


def cold_start(work):
    """Milliseconds from the start of a process to an image's cells, and what it holds in memory, by `giemsa bench`."""
    if not weights():
        return {"absent": "weights/pretrained is not at hand"}
    file = work.out / "giemsa-bench.json"
    work.run([work.program("giemsa"), "bench", *weights(), "--device", "cuda", "--seconds", "4", "--idle", "0", "--cold-starts",
              "3", "--json", "--quiet"], at_most=30, stdout=file)
    report = json.loads(file.read_text())
    rows = {row["name"]: row for row in report["rows"]}
    return {"cold_start_ms": rows["cold_start"]["values"], "memory": report["memory"]}


def providers(work):
    """The whole way with layers by each vendor's library; one that is not at hand is said to be so."""
    program = work.program("bench_gpu_cascade")
    rows, problems = {}, []
    for number, provider in enumerate(["cudnn", "cublas"]):
        file = work.out / f"providers-{number}.json"
        file.unlink(missing_ok=True)
        try:
            status, output = work.run([program, *weights(), "--provider", provider, "--runs", "100", "--json", file],
                                      allowed=(0, 4), at_most=15)
        except Failed as why:
            problems.append(f"{provider}: {why}")
            continue
        if status == 0:
            rows[provider] = json.loads(file.read_text())
        else:
            said = output.strip().splitlines()[-1] if output.strip() else "it said nothing"
            rows[provider] = {"absent": said}
            if not any(reason in said for reason in ("cannot be loaded", "for lack of its headers")):
                problems.append(f"{provider}: {said}")
    if problems:
        raise Failed("; ".join(problems), rows)
    if all("absent" in row for row in rows.values()):
        raise Skipped("; ".join(row["absent"] for row in rows.values()))
    return rows


def kernels(work):
    program, file = work.program("bench_gpu_kernels"), work.out / "kernels.json"
    file.unlink(missing_ok=True)
    try:
        work.run([program, *weights(), "--json", file])
    except Failed as why:
        raise Failed(str(why), json.loads(file.read_text()) if file.is_file() else {}) from None
    found = {**json.loads(file.read_text()), "gpu_right_after": ask_gpu(CHANGING_FACTS, work.part_end)}
    steps = work.out / "ladder.json"
    steps.unlink(missing_ok=True)
    try:
        work.run([work.program("bench_gpu_ladder"), "--json", steps], at_most=20, log="kernels-ladder")
        found["ladder"] = json.loads(steps.read_text())
    except Skipped as why:
        found["ladder"] = str(why)
    except Failed as why:
        found["ladder"] = json.loads(steps.read_text()) if steps.is_file() else {}
        raise Failed(f"the ladder: {why}", found) from None
    return found


def frameworks(work):
    """Both networks beside PyTorch, by the Python that is first in PATH."""
    work.program("giemsa-bench-worker")
    work.program("giemsa-samples")
    python = shutil.which("python3")
    if not python or subprocess.run([python, "-c", "import torch, torchvision"], capture_output=True).returncode != 0:
        raise Skipped("no Python in PATH that has torch and torchvision")
    if not weights():
        raise Skipped("weights/pretrained is not at hand, which both sides read")
    folder = work.out / "frameworks"
    shutil.rmtree(folder, ignore_errors=True)
    problem = None
    try:
        work.run([python, ROOT / "bench/frameworks/run", "--device", "cuda", "--peer", "pytorch", "--python", f"pytorch={python}",
                  "--build", work.build, "--rounds", "4", "--turn", "0.3", "--save", folder])
    except Failed as why:
        problem = str(why)

    def figures(row):
        return row.get("failure") or {"p50_ms": row.get("p50"), "error": row.get("error")}

    # Saved after each case: what there is counts, however the run ended.
    found = {case["title"]: {f"{row['name']}, {row['precision']}": figures(row) for row in case["rows"]}
             for made in folder.glob("*/frameworks.json") for case in json.loads(made.read_text())["cases"]}
    if problem or not found:
        raise Failed(problem or "it saved nothing", found)
    return found


def sanitize(tool):
    def part(work):
        sanitizer = cuda_tool("compute-sanitizer")
        if not sanitizer:
            raise Skipped("no compute-sanitizer")
        program = work.program("test_kernels_gpu")

        def outcome(number_and_family):
            number, family = number_and_family
            try:
                work.run([sanitizer, "--tool", tool, "--error-exitcode", "99", program, f"-tc={family}",
                          f"-tce={NOT_SANITIZED}"], log=f"{tool}-{number}")
                return "ok"
            except OutOfTime as why:
                return f"not finished: {why}"
            except (Failed, OSError) as why:
                return f"failed: {why}"

        families = SANITIZED[tool]
        with concurrent.futures.ThreadPoolExecutor(SANITIZERS_AT_A_TIME) as pool:
            found = dict(zip(families, pool.map(outcome, enumerate(families))))
        failed = [family for family, what in found.items() if what.startswith("failed")]
        if failed:
            raise Failed(f"{', '.join(failed)}: {found[failed[0]]}", found)
        if "ok" not in found.values():
            raise Failed("nothing was finished in time", found)
        return found
    return part


PARTS = {"build": build, "facts": facts, "tests": tests, "whole": whole, "providers": providers, "kernels": kernels,
         "memcheck": sanitize("memcheck"), "racecheck": sanitize("racecheck"), "frameworks": frameworks}
