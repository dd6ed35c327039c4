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


def device_name():
    """"amd-epyc-zen5-2core": names the folder of this device's results."""
    info = cpu_info()
    model = re.sub(r"\((R|TM)\)|CPU|Processor|\d+-Core|@.*", "", info.get("model name", "cpu"))
    parts = f"{model} {architecture(info)} {os.cpu_count()}core"
    return re.sub("[^a-z0-9]+", "-", parts.lower()).strip("-")


def commit(repository):
    """The commit's short hash, with "+" where tracked files differ from it."""
    described = subprocess.run(["git", "-C", repository, "describe", "--always", "--dirty=+", "--exclude=*"],
                               capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


def facts():
    info = cpu_info()
    interesting = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    flags = info.get("flags", "").split()
    with open("/proc/meminfo") as file:
        memory_kb = int(file.readline().split()[1])
    return {
        "device": device_name(),
        "cpu": info.get("model name", "unknown"),
        "architecture": architecture(info),
        "cores": os.cpu_count(),
        "flags": [flag for flag in interesting if flag in flags],
        "memory_gb": round(memory_kb / 2**20),
        "kernel": ".".join(os.uname().release.split(".")[:2]),
        "niceness": os.nice(0),
    }
