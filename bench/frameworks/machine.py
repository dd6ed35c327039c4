"""What a result has to say about where it came from, without naming the host."""

import os
import re
import subprocess


def cpu_info():
    """The first processor's entries of /proc/cpuinfo."""
    with open("/proc/cpuinfo") as file:
        entries = (line.partition(":") for line in file.read().split("\n\n")[0].splitlines())
        return {key.strip(): value.strip() for key, _, value in entries}


def architecture(info):
    """AMD's server CPUs may call themselves just "AMD EPYC"; their family tells the generation."""
    if info.get("vendor_id") != "AuthenticAMD":
        return ""
    zen4 = "avx512f" in info["flags"].split()
    return {"23": "zen", "25": "zen4" if zen4 else "zen3", "26": "zen5"}.get(info["cpu family"], "")


def folder_name(words):
    """"NVIDIA H100 80GB HBM3" -> "nvidia-h100-80gb-hbm3\""""
    return re.sub("[^a-z0-9]+", "-", words.lower()).strip("-")


def device_name():
    """"amd-epyc-zen5-2core": names the folder of this device's results."""
    info = cpu_info()
    model = re.sub(r"\((R|TM)\)|CPU|Processor|\d+-Core|@.*", "", info.get("model name", "cpu"))
    return folder_name(f"{model} {architecture(info)} {os.cpu_count()}core")


# What nvidia-smi is asked: our names -> its own. What may change while a benchmark runs is a state.
GPU_FACTS = {"driver": "driver_version", "vbios": "vbios_version", "memory_mb": "memory.total", "max_sm_mhz": "clocks.max.sm",
             "max_memory_mhz": "clocks.max.memory", "set_sm_mhz": "clocks.applications.graphics", "power_limit_w": "power.limit",
             "persistence": "persistence_mode", "ecc": "ecc.mode.current"}
GPU_STATE = {"power_state": "pstate", "sm_mhz": "clocks.sm", "memory_mhz": "clocks.mem", "celsius": "temperature.gpu",
             "watts": "power.draw", "throttle_reasons": "clocks_throttle_reasons.active"}


def ask_nvidia_smi(fields):
    """What it says of the first GPU, a list of texts; None where it, or a field that it does not know, gives no answer."""
    try:
        done = subprocess.run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", "-i", "0"],
                              capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    answers = [answer.strip() for answer in done.stdout.splitlines()[0].split(",")] if done.stdout.strip() else []
    return answers if done.returncode == 0 and len(answers) == len(fields) else None


def ask_gpu(fields):
    """`fields` with their values, numbers as such but for versions; None of what nvidia-smi does not tell."""
    answers = ask_nvidia_smi(fields.values())
    if answers is None:  # fields come and go with drivers: each by itself
        answers = [(ask_nvidia_smi([field]) or [None])[0] for field in fields.values()]

    def value(name, answer):
        if answer is None or answer.startswith("[") or answer == "N/A":
            return None
        try:
            return answer if name in ("driver", "vbios") else float(answer)
        except ValueError:
            return answer

    return {name: value(name, answer) for name, answer in zip(fields, answers)}


def gpu_facts(gpu):
    """What does not change of a GPU, whose name and compute capability our worker gives as it sees it."""
    return {"name": gpu["name"], "compute_capability": gpu["compute_capability"], "cuda_of_driver": gpu["driver"],
            **ask_gpu(GPU_FACTS)}


def gpu_state():
    """Power state, clocks, temperature and power just now."""
    return ask_gpu(GPU_STATE)


def commit(repository):
    """The commit's short hash, with "+" where tracked files differ from it."""
    described = subprocess.run(["git", "-C", repository, "describe", "--always", "--dirty=+", "--exclude=*"],
                               capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


def facts(gpu=None):
    """Of this machine. `gpu`: the entry of our worker's --list for the GPU that is measured, under whose name the result is
    filed then."""
    info = cpu_info()
    interesting = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    flags = info.get("flags", "").split()
    with open("/proc/meminfo") as file:
        memory_kb = int(file.readline().split()[1])
    return {
        "device": folder_name(gpu["name"]) if gpu else device_name(),
        **({"gpu": gpu_facts(gpu)} if gpu else {}),
        "cpu": info.get("model name", "unknown"),
        "architecture": architecture(info),
        "cores": os.cpu_count(),
        "flags": [flag for flag in interesting if flag in flags],
        "memory_gb": round(memory_kb / 2**20),
        "kernel": ".".join(os.uname().release.split(".")[:2]),
        "niceness": os.nice(0),
    }
