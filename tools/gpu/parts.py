"""The parts of tools/gpu_check. A part returns what it found, a dictionary; it raises Failed or Skipped, saying why."""

import concurrent.futures
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sysconfig
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What one part may take at most, in seconds, on 16 cores: those that run unless others are named together 8 minutes, less
# than which is usual.
LIMITS = {"build": 160, "facts": 15, "tests": 60, "whole": 55, "providers": 30, "kernels": 85, "memcheck": 40,
          "racecheck": 35, "frameworks": 420}
ONLY_IF_NAMED = {"frameworks"}


def patience():
    """How many times longer than on 16 cores a build may take."""
    return max(1.0, 16 / (os.cpu_count() or 1))


def limit_of(part):
    return LIMITS[part] * (patience() if part == "build" else 1)


TARGETS = ["giemsa", "bench_gpu_kernels", "bench_gpu_cascade", "test_kernels_gpu"]
OPTIONAL_TARGETS = ["test_cuda_gpu", "bench_gpu_ladder", "giemsa-bench-worker", "giemsa-samples"]

# compute-sanitizer makes a kernel some 10 to 100 times slower. Families of test cases, a run each; cases that launch
# nothing are left out. Races are looked for where there is shared memory.
SANITIZED = {
    "memcheck": ["conv2d*", "separable*", "depthwise*", "aspp*", "linear*", "*pool*", "softmax*", "lrn*", "upsample*",
                 "*pixels*", "n*_to_n*", "crop_resize*", "preprocess*", "clean_and_label*", "labels ladder*"],
    "racecheck": ["conv2d*", "separable*", "depthwise*", "linear*", "average_pool*", "softmax*", "n*_to_n*",
                  "crop_resize*", "preprocess*", "clean_and_label*"],
}
NOT_SANITIZED = "*ladder: every step on every case,*refuse*,*cost*,*chosen plan*,*packed weights*"
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
        libraries += [str(pathlib.Path(header).parents[1] / "lib") for header in vendor_headers()]
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

    def run(self, command, allowed=(0,), environment=(), at_most=None, log=None):
        """Runs `command`, its output in the part's log or that called `log`, and returns (status, output). Raises Failed
        on a status that is not allowed, and OutOfTime."""
        command = [str(word) for word in command]
        seconds = min(self.left(), at_most or self.left())
        if seconds <= 0:
            raise OutOfTime("the time of this part is over")
        environment = {**self.environment, **dict(environment)}
        log = self.out / f"{log or self.part}.log"
        with open(log, "ab") as file:
            file.write(f"$ {' '.join(command)}\n".encode())
            file.flush()
            begin = file.tell()
            with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file,
                                  stderr=subprocess.STDOUT, start_new_session=True) as process:
                try:
                    status = process.wait(timeout=seconds)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)  # with what it started
                    process.wait()
                    raise OutOfTime(f"'{name_of(command)}' was stopped after {seconds:.0f} s; {last_line(log)}") from None
        with open(log, "rb") as file:
            file.seek(begin)
            output = file.read().decode("utf-8", "replace")
        if status not in allowed:
            raise Failed(f"'{name_of(command)}' ended with {status}; {last_line(log)}")
        return status, output

    def program(self, path):
        file = self.build / path
        if not file.is_file():
            raise Skipped(f"{file} is not built")
        return file


def name_of(command):
    return " ".join([pathlib.Path(command[0]).name, *command[1:3]])


def last_line(log):
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"last words: {lines[-1][:200]}" if lines else "it said nothing"


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


def query_gpu(fields):
    """nvidia-smi's answers, first GPU; OSError where it cannot be asked."""
    done = subprocess.run(["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader", "-i", "0"],
                          capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise OSError((done.stdout + done.stderr).strip().replace("\n", " ") or "nvidia-smi failed")
    return [value.strip() for value in done.stdout.splitlines()[0].split(",")]


def why_no_gpu():
    """None where there is a GPU."""
    try:
        query_gpu("name")
    except (OSError, IndexError, subprocess.TimeoutExpired) as why:
        return str(why)
    return None


def vendor_headers():
    """cuDNN's and cuBLAS's headers in Python's wheels, where the toolkit may lack them."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    python = shutil.which("python3")
    if python:  # the first in PATH may have other packages than the one that runs this
        asked = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                               capture_output=True, text=True)
        folders.add(asked.stdout.strip())
    return [header for folder in sorted(filter(None, folders)) for pattern in ("cudnn.h", "cublasLt.h")
            for header in sorted(glob.glob(f"{folder}/nvidia/*/include/{pattern}"))]


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
    prefixes = [str(work.deps / "usr")] if work.deps else []
    prefixes += [str(pathlib.Path(header).parents[1]) for header in vendor_headers()]
    prefixes += filter(None, os.environ.get("CMAKE_PREFIX_PATH", "").split(":"))
    work.run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", work.build, "-DCMAKE_BUILD_TYPE=Release", "-DGIEMSA_CUDA=ON",
              "-DGIEMSA_TESTS=ON", "-DGIEMSA_BENCH=ON", "-DGIEMSA_EMULATOR=OFF",
              f"-DGIEMSA_CUDA_ARCHITECTURES={architecture}", f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}"])
    _, known = work.run(["ninja", "-C", work.build, "-t", "targets", "all"])
    targets = TARGETS + [target for target in OPTIONAL_TARGETS if f"\n{target}: phony" in known]
    work.run(["ninja", "-C", work.build, "-k", "0", *targets])
    return {"architecture": architecture, "targets": targets}


FACTS = ["name", "driver_version", "vbios_version", "compute_cap", "memory.total", "memory.used", "pstate", "clocks.sm",
         "clocks.mem", "clocks.max.sm", "clocks.max.mem", "clocks.applications.graphics", "temperature.gpu",
         "power.draw", "power.limit", "ecc.mode.current", "ecc.errors.uncorrected.volatile.total",
         "clocks_throttle_reasons.active", "clocks_throttle_reasons.sw_power_cap",
         "clocks_throttle_reasons.hw_slowdown", "clocks_throttle_reasons.hw_thermal_slowdown", "persistence_mode",
         "mig.mode.current"]
# What changes under load: asked again after the benchmarks.
CHANGING_FACTS = ["pstate", "clocks.sm", "clocks.mem", "temperature.gpu", "power.draw",
                  "clocks_throttle_reasons.active"]


def ask_gpu(fields, until):
    """Answers by field. Drivers do not know the same fields, and refuse all where they do not know one: then one by
    one, as far as the time allows."""
    try:
        answers = query_gpu(",".join(fields))
        if len(answers) == len(fields):
            return dict(zip(fields, answers))
    except (OSError, IndexError, subprocess.TimeoutExpired):
        pass
    found = {}
    for field in fields:
        if time.monotonic() > until:
            break
        try:
            found[field] = query_gpu(field)[0]
        except (OSError, IndexError, subprocess.TimeoutExpired) as why:
            found[field] = f"unknown: {str(why)[:80]}"
    return found


def facts(work):
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    version = work.run([nvcc, "--version"])[1].strip().splitlines()
    return {"nvcc": version[-1] if version else "unknown", **ask_gpu(FACTS, work.part_end)}


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
    program = work.program("bench/gpu/bench_gpu_cascade")
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
    giemsa = work.program("giemsa")
    if work.run([giemsa, "bench", "--help"], allowed=range(256))[0] == 0:
        try:
            work.run([giemsa, "bench", "--json", work.out / "giemsa-bench.json"], at_most=20)
        except Failed as why:
            problems.append(str(why))
    if problems:
        raise Failed("; ".join(problems), rows)
    return rows


def providers(work):
    """The whole way with layers by each vendor's library; one that is not at hand is said to be so."""
    program = work.program("bench/gpu/bench_gpu_cascade")
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
    program, file = work.program("bench/gpu/bench_gpu_kernels"), work.out / "kernels.json"
    file.unlink(missing_ok=True)
    try:
        work.run([program, *weights(), "--json", file])
    except Failed as why:
        raise Failed(str(why), json.loads(file.read_text()) if file.is_file() else {}) from None
    found = {**json.loads(file.read_text()), "gpu_right_after": ask_gpu(CHANGING_FACTS, work.part_end)}
    try:
        steps = work.out / "ladder.json"
        work.run([work.program("bench/gpu/bench_gpu_ladder"), "--json", steps], at_most=20, log="kernels-ladder")
        found["ladder"] = json.loads(steps.read_text())
    except Skipped as why:
        found["ladder"] = str(why)
    except Failed as why:
        raise Failed(f"the ladder: {why}", found) from None
    return found


def frameworks(work):
    """Both networks beside PyTorch, by the Python that is first in PATH."""
    work.program("bench/giemsa-bench-worker")
    work.program("tools/giemsa-samples")
    python = shutil.which("python3")
    if not python or subprocess.run([python, "-c", "import torch, torchvision"], capture_output=True).returncode != 0:
        raise Skipped("no Python in PATH that has torch and torchvision")
    if not weights():
        raise Skipped("weights/pretrained is not at hand, which both sides read")
    folder = work.out / "frameworks"
    shutil.rmtree(folder, ignore_errors=True)
    work.run([python, ROOT / "bench/frameworks/run", "--device", "cuda", "--peer", "pytorch", "--python", f"pytorch={python}",
              "--build", work.build, "--rounds", "4", "--turn", "0.3", "--save", folder])
    (made,) = folder.glob("*/frameworks.json")

    def figures(row):
        return row.get("failure") or {"p50_ms": row.get("p50"), "error": row["error"]}

    return {case["title"]: {f"{row['name']}, {row['precision']}": figures(row) for row in case["rows"]}
            for case in json.loads(made.read_text())["cases"]}


def sanitize(tool):
    def part(work):
        sanitizer = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
        if not pathlib.Path(sanitizer).is_file():
            raise Skipped("no compute-sanitizer")
        program = work.program("tests/kernels/test_kernels_gpu")

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
