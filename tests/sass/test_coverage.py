"""What each GPU would load of the kernels as they were built, and that all of it is there, compressed.

    test_coverage.py --architectures 75-real 80-real 90 120 [--default] [--largest BYTES] --tools FOLDER ... -- FILE ...

FILE: the kernels' library, and what is made of it. Needs no GPU; without cuobjdump only the rule itself is tested, and the exit status is 77.
`--default`: the architectures are those that the project chooses, which every GPU of CAPABILITIES has to find kernels in.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import unittest

import check_sass
import listing

# What loads what, where nvcc knows 12.0: GPU -> image. Turing to Blackwell; 11.0 is Thor, 12.1 DGX Spark.
EXPECTED = {
    (7, 5): "sm_75", (8, 0): "sm_80", (8, 6): "sm_80", (8, 9): "sm_80", (9, 0): "sm_90", (10, 0): "compute_90",
    (10, 3): "compute_90", (11, 0): "compute_90", (12, 0): "sm_120", (12, 1): "sm_120",
}
# The same of an nvcc that is older.
EXPECTED_BEFORE_120 = {**EXPECTED, (12, 0): "compute_90", (12, 1): "compute_90"}


def capability(number):
    """75 -> (7, 5); 120 -> (12, 0)"""
    return int(number) // 10, int(number) % 10


def loaded(gpu, images):
    """What the driver takes of a fatbin's images ("sm_80", "compute_90") on a GPU of compute capability (major, minor): the
    newest machine code of the same major version that is no newer than the GPU; else the newest PTX that is no newer, which
    it compiles; else None. Images for one GPU alone (sm_90a) are not made here."""
    def newest(kind, fits):
        numbers = [int(image.removeprefix(kind)) for image in images if image.startswith(kind)]
        fitting = [number for number in numbers if capability(number) <= gpu and fits(capability(number))]
        return f"{kind}{max(fitting)}" if fitting else None

    return newest("sm_", lambda of: of[0] == gpu[0]) or newest("compute_", lambda of: True)


def images_of(architectures):
    """CMake's CUDA_ARCHITECTURES -> images: 80-real is machine code, 90-virtual PTX, 120 both."""
    return {kind + number for number, _, only in (entry.partition("-") for entry in architectures)
            for kind, other in (("sm_", "virtual"), ("compute_", "real")) if only != other}


def parse_images(text):
    """How often each image is in the output of `cuobjdump -lelf -lptx`."""
    found = collections.Counter()
    for number in re.findall(r"\.sm_(\d+)\w*\.cubin", text):
        found["sm_" + number] += 1
    for number in re.findall(r"\.sm_(\d+)\w*\.ptx", text):
        found["compute_" + number] += 1
    return found


def images_in(file, tools):
    text = "".join(subprocess.run([tools / "cuobjdump", option, file], capture_output=True, text=True, check=False).stdout
                   for option in ("-lelf", "-lptx"))
    return parse_images(text)


def fatbin_bytes(file):
    """Of the sections that hold device code, as `readelf` lists them, of all objects in a library."""
    text = subprocess.run(["readelf", "-SW", file], capture_output=True, text=True, check=True).stdout
    return sum(int(size, 16) for size in re.findall(r"\] \.nv_fatbin +\S+ +\S+ +\S+ +([0-9a-f]+)", text))


class Rule(unittest.TestCase):
    def test_machine_code_of_the_same_major_version(self):
        images = {"sm_75", "sm_80", "sm_86", "compute_75"}
        self.assertEqual([loaded(gpu, images) for gpu in ((7, 5), (8, 0), (8, 6), (8, 9))],
                         ["sm_75", "sm_80", "sm_86", "sm_86"])

    def test_ptx_for_what_lies_between_and_beyond(self):
        images = {"sm_80", "compute_80", "sm_90", "compute_90", "sm_120", "compute_120"}
        self.assertEqual([loaded(gpu, images) for gpu in ((10, 0), (11, 0), (12, 1), (13, 0))],
                         ["compute_90", "compute_90", "sm_120", "compute_120"])

    def test_nothing_for_an_older_gpu(self):
        self.assertIsNone(loaded((7, 0), {"sm_75", "compute_75"}))
        self.assertIsNone(loaded((10, 0), {"sm_80", "sm_90", "sm_120", "compute_120"}))  # a gap that PTX has to fill

    def test_architectures_of_cmake(self):
        self.assertEqual(images_of(["75-real", "90-virtual", "120"]), {"sm_75", "compute_90", "sm_120", "compute_120"})

    def test_the_description(self):
        self.assertEqual(description({"sm_75", "sm_120", "compute_90", "compute_120"}),
                         "machine code for 7.5, 12.0, PTX for 9.0, 12.0 and later")
        self.assertEqual(description({"sm_75"}), "machine code for 7.5")

    def test_the_listing_is_read(self):
        text = ("ELF file    1: aspp.1.sm_75.cubin\nELF file    2: aspp.2.sm_120.cubin\n"
                "ELF file    3: conv.1.sm_75.cubin\nPTX file    1: aspp.1.sm_120.ptx\n")
        self.assertEqual(parse_images(text), {"sm_75": 2, "sm_120": 1, "compute_120": 1})


def description(images):
    """What the error for a GPU without kernels says that there is."""
    def versions(kind):
        numbers = sorted(int(image.removeprefix(kind)) for image in images if image.startswith(kind))
        return ", ".join("{}.{}".format(*capability(number)) for number in numbers)

    parts = [f"machine code for {versions('sm_')}"] if versions("sm_") else []
    parts += [f"PTX for {versions('compute_')} and later"] if versions("compute_") else []
    return ", ".join(parts)


class Built(unittest.TestCase):
    def test_the_error_for_other_gpus_says_what_there_is(self):
        images = images_in(OPTIONS.files[0], TOOLS)
        self.assertIn(description(images).encode() + b"\0", OPTIONS.files[0].read_bytes())

    def test_all_files_hold_all_images(self):
        expected = images_of(OPTIONS.architectures)
        for file in OPTIONS.files:
            with self.subTest(file.name):
                found = images_in(file, TOOLS)
                self.assertEqual(set(found), expected)
                self.assertEqual(len(set(found.values())), 1, f"some sources have not every image: {found}")

    def test_what_each_gpu_loads(self):
        expected = EXPECTED if "sm_120" in images_of(OPTIONS.architectures) else EXPECTED_BEFORE_120
        for file in OPTIONS.files:
            images = images_in(file, TOOLS)
            found = {gpu: loaded(gpu, images) for gpu in EXPECTED}
            print(f"{file.name}: " + ", ".join(f"{major}.{minor} {image or 'nothing'}" for (major, minor), image in found.items()))
            if OPTIONS.default:
                self.assertEqual(found, expected)

    def test_size(self):
        for file in OPTIONS.files:
            size = fatbin_bytes(file)
            print(f"{file.name}: {size / 1e6:.1f} MB of device code")
            self.assertGreater(size, 0)
            if OPTIONS.largest:
                self.assertLessEqual(size, OPTIONS.largest, "is the device code compressed?")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", required=True)
    parser.add_argument("--default", action="store_true")
    parser.add_argument("--largest", type=int, default=0, help="bytes of device code in a file")
    parser.add_argument("--tools", nargs="*", default=[])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    OPTIONS = parser.parse_args()
    TOOLS = listing.find_tools(OPTIONS.tools)
    if TOOLS is None:
        del Built
    passed = unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful()
    if TOOLS is None:
        print(listing.MISSING_TOOLS)
    sys.exit(1 if not passed else check_sass.SKIPPED if TOOLS is None else 0)
