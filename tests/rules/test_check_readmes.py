#!/usr/bin/env python3
"""check_readmes.py on a repository that has some files, and names others."""

import pathlib
import tempfile
import unittest

import check_readmes


class CheckReadmes(unittest.TestCase):
    def missing(self, text, files=()):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name in ("engine/graph/graph.h", *files):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).touch()
            (root / "engine/README.md").write_text(text, encoding="utf-8")
            return list(check_readmes.missing(root, "engine/README.md"))

    def test_files_are_found_from_the_readme_the_root_and_by_name(self):
        text = "`graph.h`, `engine/graph/graph.h`, `../kernels/pool.cu`, [tests](tests), `pool.cu`"
        self.assertEqual(self.missing(text, ["kernels/pool.cu", "tests/x"]), [])

    def test_what_does_not_exist_is_named(self):
        text = "`shape.cpp`, `engine/op.h`, [a room](nowhere/README.md#part)"
        self.assertEqual(self.missing(text), ["shape.cpp", "engine/op.h", "nowhere/README.md"])

    def test_what_is_no_file_of_ours_is_left_alone(self):
        text = "`Graph`, `--dtype`, `ops/NAME.h`, `build/giemsa`, `report.html`, `https://a.b/c.h`\n```\nengine/gone.h\n```"
        self.assertEqual(self.missing(text), [])


if __name__ == "__main__":
    unittest.main()
