"""The two stages of tools/gpu_check: their steps, and where these find things.

Stage 1: is it right? Stage 2: how fast is it? What matters most comes first: what no time is left for is left out.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from . import families
from .building import PROGRAMS, ROOT
from .facts import CUDA, cuda_tool, vendor_libraries, why_no_gpu
from .pack import FOLDER
from .running import kill_all
from .stage import Stage, Step

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = {"stage1": 230, "stage2": 410}
SAMPLES = "tools/samples/images"


class Place:
    """Where a stage finds programs and models, and where its results go."""

    def __init__(self, pack, work, results, build=None):
        self.pack, self.work, self.results, self.build = pack, work, results, build
        folder = ROOT / "weights/pretrained"
        shipped = [sorted(folder.glob(f"{name}*.safetensors")) for name in ("deeplabv3plus", "alexnet")]
        self.segmenter = shipped[0][0] if build and shipped[0] else work / "segmenter.safetensors"
        self.classifier = shipped[1][0] if build and shipped[1] else work / "classifier.safetensors"

    @property
    def models(self):
        return ["--segmenter", self.segmenter, "--classifier", self.classifier]

    def program(self, name):
        return self.build / PROGRAMS[name] if self.build else self.work / "bin" / name

    def environment(self):
        libraries = [str(self.work / "lib"), *vendor_libraries(), os.environ.get("LD_LIBRARY_PATH", "")]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, libraries)), "PYTHONUNBUFFERED": "1",
                "PATH": f"{os.environ.get('PATH', '')}:{CUDA}"}

    def script(self, name, *arguments):
        """One of the scripts here, by the Python that is first in PATH: that one may have PyTorch."""
        return [shutil.which("python3") or sys.executable, "-B", ROOT / name, *arguments]

    def unpacking(self):
        if self.build:
            return []
        return [Step(f"unpack_{what}", self.script("tools/gpu/unpack.py", what, self.pack, self.work), limit)
                for what, limit in (("programs", 30), ("models", 60))]


def tests(place):
    """Both test programs, their families side by side: the references on the processor take the time."""
    for program, filters in families.TESTED.items():
        options = [f"-tc={family}" for family in filters] + [f"-tce={families.rest(program)}"]
        for number, option in enumerate(options):
            name = f"{program}_{number + 1 if number < len(filters) else 'rest'}"
            yield Step(name, [place.program(program), option, "--duration=true"], 80, "tests")


def sanitizers(place, tool, seconds):
    sanitizer = cuda_tool("compute-sanitizer")
    for number, family in enumerate(families.SANITIZED_IN_SHORT[tool]):
        yield Step(f"{tool}_{number + 1}",
                   [sanitizer, "--tool", tool, "--error-exitcode", "99", place.program("test_kernels_gpu"), f"-tc={family}",
                    f"-tce={families.NOT_SANITIZED}"],
                   seconds, tool, may_be_cut=True, needs="compute-sanitizer")


def whole_way(place, name, *options, limit=25, environment=None):
    return Step(name, [place.program("bench_gpu_cascade"), *place.models, "--cells", "8", *options, "--json",
                       place.results / f"{name}.json"], limit, environment=environment or {})


def networks(place, name, *options, environment=None):
    return Step(name, [place.program("bench_gpu_network"), *place.models, *options, "--json", place.results / f"{name}.json"],
                45, environment=environment or {})


def smear_bench(place, name, *options, limit):
    """`giemsa bench`: percentiles, memory, cold start; its JSON in a file, the GPU's memory in another."""
    command = [place.program("giemsa"), "bench", *place.models, "--device", "cuda", *options, "--json", "--quiet"]
    return Step(name, place.script("tools/gpu/watch_memory.py", place.results / f"{name}_memory.json", *command), limit,
                stdout=place.results / f"{name}.json")


def stage1(place):
    runs = {"cpu": ["cpu", "fp32"], "cuda-fp32": ["cuda", "fp32"], "cuda-fp16": ["cuda", "fp16"]}
    outputs = {name: place.work / "runs" / name for name in runs}
    # The models are unpacked beside the tests, which need none.
    unpack, models = (place.unpacking() or [None, None])
    if models:
        models.group = "tests"
    return [step for step in [
        unpack,
        Step("facts", place.script("tools/gpu/facts.py", place.results / "gpu.json"), 20),
        Step("devices", [place.program("giemsa"), "devices"], 20),
        models,
        *tests(place),
        whole_way(place, "whole", "--size", "320"),
        whole_way(place, "whole_pdl", "--size", "320", environment={"GIEMSA_PDL": "1"}),
        whole_way(place, "whole_host_loops", "--size", "320", "--loops", "host", "--runs", "100"),
        *[Step(f"run_{name}", [place.program("giemsa"), "run", SAMPLES, *place.models, "--device", device, "--precision",
                               precision, "--out", outputs[name], "--quiet"], 40)
          for name, (device, precision) in runs.items()],
        Step("compare", place.script("tools/gpu/compare_runs.py", *outputs.values()), 30),
        smear_bench(place, "smear", "--seconds", "4", "--idle", "0", "--cold-starts", "3", limit=30),
        networks(place, "network"),
        *sanitizers(place, "memcheck", 120),
    ] if step]


def stage2(place):
    tuning = place.results / "gpu.tuning"
    overlap = {"GIEMSA_PDL": "1"}
    ncu = cuda_tool("ncu")
    peer = "bench/frameworks/torch_graph.py"
    sections = [word for section in ("SpeedOfLight", "MemoryWorkloadAnalysis", "WarpStateStats", "Occupancy", "LaunchStats")
                for word in ("--section", section)]
    return [
        *place.unpacking(),
        networks(place, "network"),
        networks(place, "network_pdl", environment=overlap),
        Step("tune", [place.program("giemsa"), "tune", *place.models, "--device", "cuda", "--sizes", "224x224,512x512,720x576", "-o",
                      tuning], 110),
        networks(place, "network_tuned", "--tuning", tuning, environment=overlap),
        Step("torch_graph", place.script(peer, "--seconds", "65", "--json", place.results / "torch_graph.json"), 75,
             may_be_cut=True),
        Step("kernels", [place.program("bench_gpu_kernels"), *place.models, "--precisions", "fp16", "--json",
                         place.results / "kernels.json"], 75, may_be_cut=True),
        Step("ladder", [place.program("bench_gpu_ladder"), "--json", place.results / "ladder.json"], 25, may_be_cut=True),
        *[whole_way(place, f"whole_{size}", "--size", size, "--tuning", tuning, "--runs", "500", limit=20)
          for size in ("224x224", "320", "512x512")],
        *[whole_way(place, f"whole_{provider}", "--size", "320", "--provider", provider, "--runs", "100")
          for provider in ("cudnn", "cublas")],
        Step("ncu", [ncu, "--clock-control", "none", "--launch-count", "100", *sections, "--csv", "--page", "raw",
                     place.program("giemsa"), "bench", "--net", "deeplabv3plus:512x512", "--segmenter", place.segmenter, "--device",
                     "cuda", "--iterations", "1", "--idle", "0", "--cold-starts", "0"], 60, environment={"GIEMSA_SYNC": "1"},
             may_be_cut=True, needs="ncu"),
        smear_bench(place, "smear", "--segment-size", "320", "--seconds", "6", "--idle", "10", "--cold-starts", "5", limit=40),
        Step("facts_after", place.script("tools/gpu/facts.py", place.results / "gpu_after.json"), 15),
        *sanitizers(place, "racecheck", 40),
        Step("torch_compile", place.script(peer, "--compile", "--seconds", "50", "--json", place.results / "torch_compile.json"),
             60, may_be_cut=True),
    ]


STAGES = {"stage1": stage1, "stage2": stage2}


def arguments(name, argv):
    parser = argparse.ArgumentParser(prog=f"gpu_check {name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=SECONDS[name],
                        help=f"for everything: no step runs longer (default: {SECONDS[name]})")
    parser.add_argument("--patience", type=float, default=1, metavar="FACTOR",
                        help="of the steps' limits, on a slow or busy machine (default: 1)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(os.environ.get("OUT") or ROOT / "gpu-report"),
                        help=f"gets {name}.tgz (default: the environment's OUT, else gpu-report)")
    parser.add_argument("--pack", type=pathlib.Path, default=FOLDER, help="what `gpu_check pack` made (default: .gpu)")
    parser.add_argument("--build", type=pathlib.Path,
                        help="a build folder of this machine, in place of a pack; with weights/pretrained")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / f"giemsa-gpu-{os.getuid()}",
                        help="where it is unpacked; the second stage finds it there")
    return parser.parse_args(argv)


def main(name, argv):
    given = arguments(name, argv)
    if not given.build and not (given.pack / "pack.json").is_file():
        print(f"gpu_check {name}: {given.pack} holds no pack: make one by tools/gpu_check pack", file=sys.stderr)
        return 2
    work = given.work.absolute()
    place = Place(given.pack.absolute(), work, work / name, given.build and given.build.absolute())
    shutil.rmtree(place.results, ignore_errors=True)
    shutil.rmtree(work / "runs", ignore_errors=True)
    signal.signal(signal.SIGTERM, stop)
    steps = STAGES[name](place)
    for step in steps:
        step.limit *= given.patience
    return Stage(name, place.results, given.out.absolute(), given.seconds, ROOT, place.environment(), why_no_gpu()).run(steps)


def stop(number, frame):
    """Whoever stops the stage stops its steps; the archive is that of the step before."""
    kill_all()
    os._exit(128 + number)
