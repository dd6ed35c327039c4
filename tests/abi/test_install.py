"""What `cmake --install` gives: consumers in C99 and C++11 build against it by CMake and by pkg-config, shared and static, and
find what the command finds; the libraries show their functions and nothing else; what they are linked with is listed; below
another project it configures.

Environment: GIEMSA_BUILD, the build folder; GIEMSA_LIBRARY, the library in it; GIEMSA_EXE, the command.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/cli"))
import check_abi  # noqa: E402
from support import png_rows  # noqa: E402
EXAMPLES = SOURCE / "nets/abi/examples"
SMEAR = SOURCE / "tools/samples/images/smear-0375.png"
MODELS = [str(SOURCE / "weights/pretrained" / name)
          for name in ("deeplabv3plus_resnet50_wbc.safetensors", "alexnet_wbc.safetensors")]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def ppm_of(file):
    """An 8-bit RGB PNG without interlacing, as binary PPM."""
    width, rows = png_rows(file, (8, 2), 3)
    return b"P6 %d %d 255\n" % (width, len(rows)) + b"".join(rows)


def declared_functions():
    return {name for _, name, _ in check_abi.functions_of((SOURCE / "engine/giemsa.h").read_text())}


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.prefix = cls.folder / "installed"
        run("cmake", "--install", os.environ["GIEMSA_BUILD"], "--prefix", cls.prefix)
        cls.ppm = cls.folder / "smear.ppm"
        cls.ppm.write_bytes(ppm_of(SMEAR))
        document = json.loads(run(os.environ["GIEMSA_EXE"], "run", SMEAR, "--json", "--device", "cpu"))
        cls.expected = [[cell["class"], *cell["box"]] for cell in document["images"][0]["cells"]]
        assert len(cls.expected) >= 2

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def check_finds(self, program, **environment):
        lines = run(program, *MODELS, self.ppm, env=os.environ | environment).splitlines()
        found = [line.split()[:5] for line in lines]
        self.assertEqual([[name, *map(int, box)] for name, *box in found], self.expected)

    def test_cmake_finds_it(self):
        build = self.folder / "by-cmake"
        run("cmake", "-S", EXAMPLES, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release",
            "-DCMAKE_C_FLAGS=-Wall -Wextra -pedantic -Werror", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -pedantic -Werror")
        run("cmake", "--build", build)
        for name in ("cells_c", "cells_cpp"):
            self.check_finds(build / name)

    def test_pkg_config_finds_it(self):
        library_dir = next(self.prefix.rglob("pkgconfig")).parent
        flags = run("pkg-config", "--cflags", "--libs", "giemsa",
                    env=os.environ | {"PKG_CONFIG_PATH": str(library_dir / "pkgconfig")}).split()
        for compiler, standard, source in (("cc", "c99", "cells.c"), ("c++", "c++11", "cells.cpp")):
            program = self.folder / source.replace(".", "_")
            run(compiler, f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror", EXAMPLES / source, "-o", program,
                *flags)
            self.check_finds(program, LD_LIBRARY_PATH=str(library_dir))

    def static_library(self):
        found = list(self.prefix.rglob("libgiemsa.a"))
        if not found:
            self.skipTest("built without GIEMSA_STATIC")
        return found[0]

    def test_cmake_finds_the_static_library(self):
        self.static_library()
        build = self.folder / "by-cmake-static"
        run("cmake", "-S", EXAMPLES, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release",
            "-DGIEMSA_TARGET=giemsa::giemsa_static", "-DCMAKE_C_FLAGS=-Wall -Wextra -pedantic -Werror")
        run("cmake", "--build", build)
        for name in ("cells_c", "cells_cpp"):
            self.assertNotIn("libgiemsa", run("readelf", "-d", build / name))
            self.check_finds(build / name)

    def test_pkg_config_finds_the_static_library(self):
        archive = self.static_library()
        flags = run("pkg-config", "--static", "--cflags", "--libs", "giemsa",
                    env=os.environ | {"PKG_CONFIG_PATH": str(archive.parent / "pkgconfig")}).split()
        self.assertIn("-ldnnl", flags)
        program = self.folder / "static_c"
        flags = [flag.replace("-lgiemsa", "-l:libgiemsa.a") for flag in flags]  # else the linker takes the shared one
        run("cc", "-std=c99", EXAMPLES / "cells.c", "-o", program, *flags)
        self.assertNotIn("libgiemsa", run("readelf", "-d", program))
        self.check_finds(program)

    def test_the_static_library_shows_its_functions_and_nothing_else(self):
        shown = {line.split()[-1] for line in
                 run("nm", "--extern-only", "--defined-only", self.static_library()).splitlines() if line.count(" ") == 2}
        self.assertEqual(shown, declared_functions())

    def test_manual_page_and_completions_are_there(self):
        for file in ("man/man1/giemsa.1", "bash-completion/completions/giemsa", "zsh/site-functions/_giemsa",
                     "fish/vendor_completions.d/giemsa.fish"):
            self.assertGreater((self.prefix / "share" / file).stat().st_size, 1000, file)

    def test_what_is_linked_is_listed(self):
        for name in ("giemsa", "giemsa_library"):
            with self.subTest(name):
                self.check_list(self.prefix / f"share/doc/giemsa/{name}.cdx.json", command=name == "giemsa")

    def check_list(self, file, command):
        bom = json.loads(file.read_text())
        self.assertEqual((bom["bomFormat"], bom["specVersion"]), ("CycloneDX", "1.5"))
        components = {component["name"]: component for component in bom["components"]}
        for component in components.values():
            self.assertTrue(component["version"])
            self.assertTrue(component["purl"].startswith("pkg:"))
            self.assertNotIn("NOASSERTION", json.dumps(component["licenses"]), component["name"])
        how = {name: component["properties"][0]["value"] for name, component in components.items()}
        self.assertEqual(how["onednn"], "compiled in, loaded")
        self.assertEqual(how["nlohmann-json3"], "compiled in")
        self.assertEqual("cli11" in components, command)
        self.assertEqual("tiff" in components, command)
        self.assertEqual(bom["dependencies"][0]["dependsOn"], list(components))
        # Whatever the binary loads is of a component.
        binary = self.prefix / "bin/giemsa" if command else next(self.prefix.rglob("libgiemsa.so.*.*"))
        self.assertEqual(bom["metadata"]["component"]["hashes"][0]["content"],
                         hashlib.sha256(pathlib.Path(binary).read_bytes()).hexdigest())
        packages = {name for component in components.values()
                    for name in component["properties"][1]["value"].split()}
        for soname in re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", binary)):
            owners = {line.split(":")[0] for line in run("dpkg-query", "-S", soname).splitlines()}
            self.assertTrue(owners & packages, soname)

    def test_the_header_stands_alone_in_every_standard(self):
        header = self.prefix / "include/giemsa.h"
        for compiler, standard in (("cc", "c99"), ("cc", "c11"), ("c++", "c++11"), ("c++", "c++20")):
            run(compiler, f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
                "-x", "c" if compiler == "cc" else "c++", header)

    def test_it_works_below_another_project(self):
        build = self.folder / "below"
        run("cmake", "-S", EXAMPLES, "-B", build, f"-DGIEMSA_SOURCE={SOURCE}", "-DGIEMSA_CUDA=OFF")
        targets = run("cmake", "--build", build, "--target", "help")
        self.assertIn("giemsa_library", targets)
        self.assertNotIn("test_engine", targets)

    def test_the_library_shows_its_functions_and_nothing_else(self):
        shown = {line.split()[-1] for line in
                 run("nm", "--dynamic", "--defined-only", os.environ["GIEMSA_LIBRARY"]).splitlines()}
        self.assertGreater(len(shown), 20)
        self.assertEqual(shown, declared_functions())


if __name__ == "__main__":
    sys.exit(unittest.main())
