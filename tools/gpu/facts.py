#!/usr/bin/env python3
"""What is known of the GPU and the machine around it: driver, clocks, throttling, ECC, power, versions.

    facts.py FILE.json      prints everything that nvidia-smi, lscpu and nvcc say; the file gets the GPU's facts by name
"""

import glob
import json
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import time

GPU_FACTS = ["name", "driver_version", "vbios_version", "compute_cap", "memory.total", "memory.used", "pstate",
             "clocks.sm", "clocks.mem", "clocks.max.sm", "clocks.max.mem", "clocks.applications.graphics",
             "temperature.gpu", "power.draw", "power.limit", "ecc.mode.current",
             "ecc.errors.uncorrected.volatile.total", "clocks_throttle_reasons.active",
             "clocks_throttle_reasons.sw_power_cap", "clocks_throttle_reasons.hw_slowdown",
             "clocks_throttle_reasons.hw_thermal_slowdown", "persistence_mode", "mig.mode.current"]
# What changes under load: asked again after the benchmarks.
CHANGING_FACTS = ["pstate", "clocks.sm", "clocks.mem", "temperature.gpu", "power.draw",
                  "clocks_throttle_reasons.active"]

CUDA = pathlib.Path("/usr/local/cuda/bin")


def cuda_tool(name):
    """The path of a program of the CUDA toolkit, or None."""
    found = shutil.which(name)
    return found or (str(CUDA / name) if (CUDA / name).is_file() else None)


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


def vendor_libraries():
    """The folders of cuDNN's and cuBLAS's libraries beside those headers."""
    return list(dict.fromkeys(str(pathlib.Path(header).parents[1] / "lib") for header in vendor_headers()))


def main():
    torch = "import torch; print('torch', torch.__version__, 'cuDNN', torch.backends.cudnn.version())"
    for command in (["nvidia-smi", "-q"], ["nvidia-smi", "topo", "-m"], ["lscpu"], [cuda_tool("nvcc") or "nvcc", "--version"],
                    ["python3", "-c", torch]):
        print(f"$ {' '.join(command)}", flush=True)
        try:
            subprocess.run(command, stderr=subprocess.STDOUT, timeout=30)
        except (OSError, subprocess.TimeoutExpired) as why:
            print(why, flush=True)
    gpu = ask_gpu(GPU_FACTS, time.monotonic() + 10) if not why_no_gpu() else {}
    pathlib.Path(sys.argv[1]).write_text(json.dumps(gpu, indent=1) + "\n", encoding="utf-8")
    print(f"{gpu['name']}, driver {gpu['driver_version']}" if gpu else f"no GPU: {why_no_gpu()}")


if __name__ == "__main__":
    main()
