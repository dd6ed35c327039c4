"""Building what runs on a GPU, and the Debian packages that a build needs."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from .facts import vendor_headers

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What is built, and where it lies in a build folder.
PROGRAMS = {
    "giemsa": "giemsa",
    "bench_gpu_cascade": "bench/gpu/bench_gpu_cascade",
    "bench_gpu_network": "bench/gpu/bench_gpu_network",
    "bench_gpu_kernels": "bench/gpu/bench_gpu_kernels",
    "bench_gpu_ladder": "bench/gpu/bench_gpu_ladder",
    "test_kernels_gpu": "tests/kernels/test_kernels_gpu",
    "test_cuda_gpu": "tests/kernels/test_cuda_gpu",
    "giemsa-bench-worker": "bench/giemsa-bench-worker",
    "giemsa-samples": "tools/giemsa-samples",
}

# By what Debian and Ubuntu call them; of several names a release knows one.
PACKAGES = ["doctest-dev", "libbenchmark-dev", "libbenchmark1debian|libbenchmark1",
            "libjpeg62-turbo-dev|libjpeg-turbo8-dev", "libjpeg62-turbo|libjpeg-turbo8",
            "nlohmann-json3-dev", "libcli11-dev", "zlib1g-dev", "libdnnl-dev", "libdnnl3|libdnnl2", "ocl-icd-opencl-dev",
            "ocl-icd-libopencl1", "opencl-c-headers", "opencl-clhpp-headers"]


def compile_programs(work, architecture, programs=tuple(PROGRAMS), options=()):
    """Builds `programs` in release mode for one architecture, as CMake writes it ("90-real"). Returns their names."""
    prefixes = [str(work.deps / "usr")] if work.deps else []
    prefixes += [str(pathlib.Path(header).parents[1]) for header in vendor_headers()]
    prefixes += filter(None, os.environ.get("CMAKE_PREFIX_PATH", "").split(":"))
    work.run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", work.build, "-DCMAKE_BUILD_TYPE=Release", "-DGIEMSA_CUDA=ON",
              "-DGIEMSA_TESTS=ON", "-DGIEMSA_BENCH=ON", "-DGIEMSA_EMULATOR=OFF",
              f"-DGIEMSA_CUDA_ARCHITECTURES={architecture}", f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}", *options])
    work.run(["ninja", "-C", work.build, "-k", "0", *programs])
    return list(programs)


def fetch_packages(folder):
    """Unpacks PACKAGES into `folder`, without root and without installing anything. Raises OSError where one cannot be had."""
    chosen = []
    for names in map(lambda text: text.split("|"), PACKAGES):
        known = [name for name in names if len(names) == 1 or _run("apt-cache", "show", name).returncode == 0]
        chosen.append((known or names)[0])
    with tempfile.TemporaryDirectory() as scratch:
        done = _run("apt-get", "-qq", "download", *chosen, folder=scratch)
        if done.returncode != 0:
            raise OSError(f"apt-get download: {done.stderr.strip() or 'failed'}; apt-get update may help")
        unpacked = pathlib.Path(scratch) / "root"
        for package in sorted(pathlib.Path(scratch).glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, unpacked], check=True)
        shutil.rmtree(unpacked / "usr/share/doc", ignore_errors=True)
        shutil.copytree(unpacked, folder, symlinks=True, dirs_exist_ok=True)


def _run(*command, folder=None):
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
