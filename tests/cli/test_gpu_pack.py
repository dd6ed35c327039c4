"""tools/gpu_check pack, and both stages from a pack of stand-ins: with no GPU, and with what looks like one."""

import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import unittest

from gpu_support import CheckoutTest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tools"))
from gpu.pack import LEFT_BEHIND, MIB  # noqa: E402

# As our programs and the test programs without a GPU; but `giemsa run --device cpu` runs.
WITHOUT_GPU = 'case "$0 $*" in *test_*) echo no usable GPU; exit 77;; *"--device cpu"*|*" devices") echo done;; *) echo no usable GPU; exit 4;; esac\n'
# Programs that find what they look for, and leave the JSON that they were told to write.
WITH_GPU = 'while [ $# -gt 0 ]; do case "$1" in --json) [ -n "$2" ] && [ "$2" != --quiet ] && echo "{}" >"$2";; esac; shift; done; echo fine\n'


class Pack(CheckoutTest):
    def pack(self, *arguments, programs=WITHOUT_GPU, status=0):
        return self.gpu_check("pack", "--binaries", self.programs(programs), "--fast", *arguments, status=status)

    def test_it_packs_and_takes_the_weights_out_of_what_travels(self):
        said = self.pack()
        files = {file.name for file in (self.checkout / ".gpu").iterdir()}
        self.assertEqual(files, {"programs.tar", "segmenter.packed", "pack.json"})
        listed = self.git("ls-files", "--cached", "--others", "--exclude-standard")
        self.assertNotIn(".safetensors", listed)
        self.assertNotIn("bench/results", listed)
        self.assertIn("weights/pretrained/README.md", listed)
        self.assertTrue((self.checkout / "weights/pretrained/alexnet_test.safetensors").is_file())
        # The size is that of what git lists, and of the pack, which it does not list.
        names = {name for name in listed.splitlines()} | {f".gpu/{name}" for name in files}
        size = sum((self.checkout / name).stat().st_size for name in names)
        self.assertIn(f"{size / (1 << 20):8.2f} MiB  in all, {len(names)} files", said)
        about = json.loads((self.checkout / ".gpu/pack.json").read_text())
        self.assertEqual(about["commit"], self.git("rev-parse", "HEAD").strip())

    def test_the_sources_leave_room_for_programs_and_segmenter(self):
        git = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=SOURCE, capture_output=True, text=True)
        if git.returncode:
            self.skipTest("no checkout of git")
        stays = lambda name: any(fnmatch.fnmatch(name, one) or name.startswith(one + "/") for one in LEFT_BEHIND)
        travels = [SOURCE / name for name in git.stdout.split("\0") if name and not stays(name)]
        programs_and_segmenter = 53.3 * MIB  # as measured; the limit is 63
        self.assertLess(sum(file.stat().st_size for file in travels if file.is_file()), 63 * MIB - programs_and_segmenter)

    def test_it_can_be_undone_and_done_again(self):
        exclude = self.checkout / ".git/info/exclude"
        before = exclude.read_text()
        for _ in range(2):
            self.pack()
            self.pack()
            self.assertIn("D  weights/pretrained/alexnet_test.safetensors", self.git("status", "--porcelain"))
            self.gpu_check("pack", "--undo")
            self.assertEqual(self.git("status", "--porcelain"), "")
            self.assertEqual(exclude.read_text(), before)

    def test_too_large_is_a_failure_that_changes_nothing(self):
        said = self.pack("--limit", 0.5, status=1)
        self.assertIn("too large to travel; the largest: tools/samples/images/", said)
        self.assertEqual(self.git("status", "--porcelain"), "")

    def test_what_is_missing_is_named(self):
        self.programs(WITHOUT_GPU)
        (self.folder / "build/bench/gpu/bench_gpu_network").unlink()
        said = self.gpu_check("pack", "--binaries", self.folder / "build", status=1)
        self.assertIn("has no bench/gpu/bench_gpu_network", said)
        said = self.pack("--segmenter", self.checkout / ".gitignore", status=1)
        self.assertIn("not a safetensors file", said)
        self.assertIn("holds no pack", self.gpu_check("stage1", "--pack", self.folder, status=2))

    def test_staged_changes_of_the_weights_are_not_lost(self):
        (self.checkout / "bench/results/new.json").write_text("{}\n")
        self.git("add", "-A")
        self.assertIn("are staged", self.pack(status=1))
        self.assertEqual(self.git("status", "--porcelain"), "A  bench/results/new.json\n")

    def test_packages_that_the_system_lacks_are_downloaded_and_unpacked(self):
        """By stand-ins for apt and dpkg."""
        log = self.folder / "asked"
        self.script(self.folder / "bin/apt-cache", '[ "$2" != libdnnl3 ]\n')
        self.script(self.folder / "bin/apt-get", f'echo "$*" >{log}; touch x.deb\n')
        self.script(self.folder / "bin/dpkg", 'mkdir -p "$3/usr/include" "$3/usr/share/doc/x"; touch "$3/usr/include/x.h"\n')
        deps = self.folder / "deps"
        self.pack("--deps", deps)
        self.assertTrue((deps / "usr/include/x.h").is_file())
        self.assertFalse((deps / "usr/share/doc").exists())
        self.assertIn(" libdnnl2 ", log.read_text())
        self.assertNotIn("libdnnl3", log.read_text())
        log.unlink()
        self.pack("--deps", deps)  # nothing is fetched twice
        self.assertFalse(log.exists())
        self.script(self.folder / "bin/apt-get", "echo 'E: no network' >&2; exit 100\n")
        self.assertIn("E: no network", self.pack("--deps", self.folder / "other", status=1))

    def outcomes(self, files):
        return {step["name"]: step["result"] for step in json.loads(files["steps.json"])["steps"]}

    def test_stages_without_a_gpu_report_every_step(self):
        self.script(self.folder / "bin/nvidia-smi", "echo no devices were found; exit 6\n")
        self.pack()
        for name in ("stage1", "stage2"):
            said, files = self.stage(name, "--patience", 10, "--seconds", 500, status=4)
            outcomes = self.outcomes(files)
            ran = {step for step, result in outcomes.items() if result == "ok"}
            self.assertEqual(ran, {"stage1": {"unpack_programs", "unpack_models", "facts", "devices", "run_cpu"},
                                   "stage2": {"unpack_programs", "unpack_models", "facts_after"}}[name], said)
            self.assertEqual({result for step, result in outcomes.items() if step not in ran}, {"no GPU"}, said)
            self.assertIn("no GPU: no devices were found", said)
            for step in outcomes:
                self.assertRegex(said, rf"(?m)^{re.escape(step)} +(ok|no GPU) ")
            for step in outcomes.keys() - {step for step in outcomes if re.match("memcheck|racecheck|ncu", step)}:
                self.assertIn(f"{step}.log", files)
            work = self.folder / "work"
            self.assertEqual((work / "segmenter.safetensors").read_bytes(),
                             (self.checkout / "weights/pretrained/deeplabv3plus_test.safetensors").read_bytes())
        self.assertIn("as unpacked before", files["unpack_models.log"].decode())

    def test_stages_with_a_gpu_keep_what_the_programs_wrote(self):
        self.script(self.folder / "bin/nvidia-smi", "echo 9.0\n")
        for tool in ("ncu", "compute-sanitizer"):
            self.script(self.folder / f"bin/{tool}", "echo fine\n")
        self.script(self.folder / "bin/python3",  # one without PyTorch
                    f'case "$*" in *torch_graph*) echo PyTorch is not installed; exit 4;; esac; exec {sys.executable} "$@"\n')
        self.pack(programs=WITH_GPU)
        said, files = self.stage("stage2", "--patience", 10, "--seconds", 500, status=0)
        outcomes = self.outcomes(files)
        self.assertEqual({step for step, result in outcomes.items() if result != "ok"}, {"torch_graph", "torch_compile"}, said)
        self.assertEqual(outcomes["torch_graph"], "left out")
        self.assertLessEqual({"network.json", "network_pdl.json", "network_tuned.json", "kernels.json", "ladder.json", "whole_320.json",
                              "whole_cudnn.json", "smear.json", "gpu_after.json"}, set(files))
        # The stand-ins leave no results: nothing to compare is a failure where there is a GPU.
        said, files = self.stage("stage1", "--patience", 10, "--seconds", 500, status=1)
        self.assertEqual({step for step, result in self.outcomes(files).items() if result != "ok"}, {"compare"}, said)
        self.assertLessEqual({"whole.json", "whole_pdl.json", "whole_host_loops.json", "network.json", "gpu.json"}, set(files))

    def test_a_stage_with_no_time_leaves_all_out_and_is_not_green(self):
        self.script(self.folder / "bin/nvidia-smi", "echo 9.0\n")
        self.pack()
        said, files = self.stage("stage2", "--seconds", 1, status=1)
        self.assertEqual(set(self.outcomes(files).values()), {"left out"}, said)


if __name__ == "__main__":
    unittest.main()
