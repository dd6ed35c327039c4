#!/usr/bin/env python3
"""What tools/ray does without Ray: listing, blocks, tries, whose results are continued."""

import dataclasses
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/ray"))

import archive_files as files
from archive_blocks import IMAGE_TRIES, WHOLE_TRIES, Block, Try, cut, difference
from archive_results import Results, SettingsDiffer

MANIFEST = {"schema": 1, "engine": {"precision": "fp32", "segmenter": "ab"}, "options": {"min_area": 200, "segment_size": [64, 32]}}


class InAFolder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = os.path.realpath(scratch.name)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def touch(self, *names):
        for name in names:
            files.write(self.path(name), b"")


class Listing(InAFolder):
    def find(self, *inputs, lists=()):
        found = files.find_images(inputs, lists, (".png", ".jpg"))
        return [os.path.relpath(path, self.folder) for path in found]

    def test_folders(self):
        self.touch("b/2.png", "b/1.JPG", "a.png", "b/notes.txt", ".hidden/3.png", "b/.4.png")
        os.symlink(self.path("b"), self.path("linked"))
        os.mkdir(self.path("folder.png"))
        self.assertEqual(self.find(self.folder), ["a.png", "b/1.JPG", "b/2.png"])
        self.assertEqual(self.find(self.path("linked")), ["linked/1.JPG", "linked/2.png"])

    def test_files_and_patterns_once_each(self):
        self.touch("a/1.png", "a/b/2.png", "a/3.tif", "odd[1].png")
        self.assertEqual(self.find(self.path("a/*.png"), self.path("a/1.png"), self.path("a")), ["a/1.png", "a/b/2.png"])
        self.assertEqual(self.find(self.path("**/2.png")), ["a/b/2.png"])
        self.assertEqual(self.find(self.path("a/3.tif"), self.path("odd[1].png")), ["a/3.tif", "odd[1].png"])
        for missing in ("gone.png", "*.bmp"):
            with self.assertRaisesRegex(files.InputError, "no such file"):
                self.find(self.path(missing))

    def test_lists_are_taken_as_they_stand(self):
        files.write(self.path("list.txt"), f"{self.path('gone.png')}\n\n  s3://bucket/a b.png  \n{self.path('gone.png')}\n".encode())
        found = files.find_images([], [self.path("list.txt")], (".png",))
        self.assertEqual(found, [self.path("gone.png"), "s3://bucket/a b.png"])

    def test_names_that_are_not_utf8(self):
        name = os.fsdecode(b"caf\xe9.png")
        self.touch(name)
        found, = files.find_images([self.folder], [], (".png",))
        self.assertEqual(files.printable(found), self.path("caf\\xe9.png"))
        self.assertEqual(json.loads(json.dumps(found)), found)
        self.assertEqual(len(Block((found,)).id), 24)


class Files(InAFolder):
    def test_addresses(self):
        self.assertEqual(files.join("s3://bucket/a/", "b", "c.png"), "s3://bucket/a/b/c.png")
        self.assertEqual(files.join("s3://bucket?region=x", "b"), "s3://bucket/b?region=x")
        self.assertEqual(files.join("/a", "b"), "/a/b")
        self.assertFalse(files.is_remote("C:/a"))

    def test_a_file_is_whole_or_not_there(self):
        target = self.path("a/file")
        files.write(target, b"one")
        with self.assertRaises(TypeError):
            files.write(target, "no bytes")
        self.assertEqual(files.read(target), b"one")
        self.assertEqual(files.names_in(self.path("a")), ["file"])
        files.remove(target)
        files.remove(target)
        self.assertFalse(files.exists(target))
        self.assertEqual(files.names_in(self.path("nowhere")), [])


class Blocks(unittest.TestCase):
    def test_every_image_is_in_one(self):
        names = [f"{i:03}.png" for i in range(31)]
        for size in (1, 4, 31, 64):
            blocks = cut(names, size)
            self.assertEqual([name for block in blocks for name in block.files], names)
            self.assertTrue(all(len(block.files) == size for block in blocks[:-1]))
        self.assertEqual(cut([], 4), [])

    def test_their_names_are_stable(self):
        names = [f"{i:03}.png" for i in range(31)]
        ids = [block.id for block in cut(names, 4)]
        self.assertEqual(len(set(ids)), 8)
        left = names[:4] + names[8:20] + names[24:]  # two blocks are done
        self.assertEqual([block.id for block in cut(left, 4)], [ids[i] for i in (0, 2, 3, 4, 6, 7)])
        self.assertNotEqual(Block(("ab", "c")).id, Block(("a", "bc")).id)

    def test_tries_end(self):
        now = Try()
        for start in range(1, WHOLE_TRIES + 1):
            self.assertTrue(now.whole)
            self.assertEqual(now.starts, start)
            now = now.next()
        self.assertFalse(now.whole)
        for deaths in range(IMAGE_TRIES):
            self.assertEqual(now.given_up, set())
            now = dataclasses.replace(now, under_way="poison.png").next()
            self.assertIsNone(now.under_way)
        self.assertEqual(now.given_up, {"poison.png"})
        self.assertEqual(Try(**json.loads(json.dumps(dataclasses.asdict(now)))), now)
        now = dataclasses.replace(now, under_way="other.png").next()
        self.assertEqual(now.given_up, {"poison.png"})


class Manifests(InAFolder):
    def changed(self, **options):
        return MANIFEST | {"options": MANIFEST["options"] | options}

    def test_difference(self):
        self.assertIsNone(difference(MANIFEST, json.loads(json.dumps(MANIFEST))))
        self.assertEqual(difference(MANIFEST, self.changed(min_area=3)), "options.min_area was 200 and is now 3")
        self.assertEqual(difference(MANIFEST, self.changed(split="none")), "options.split was None and is now none")
        self.assertIn("engine.segmenter", difference(MANIFEST, MANIFEST | {"engine": {"precision": "fp32"}}))

    def test_other_settings_are_refused(self):
        out = self.path("results")
        first = Results(out)
        first.open(MANIFEST)
        with self.assertRaisesRegex(SettingsDiffer, "another run"):
            Results(out).open(MANIFEST)
        first.close()
        with self.assertRaisesRegex(SettingsDiffer, "min_area was 200 and is now 3"):
            Results(out).open(self.changed(min_area=3))
        again = Results(out)
        self.addCleanup(again.close)
        again.open(MANIFEST)

    def test_a_persons_folder_is_refused(self):
        self.touch("out/images/a.png")
        with self.assertRaisesRegex(SettingsDiffer, "no manifest.json, but images"):
            Results(self.path("out")).open(MANIFEST)

    def test_a_try_that_died_is_seen(self):
        results = Results(self.folder)
        self.assertEqual(results.begin_try("ab").starts, 1)
        now = results.begin_try("ab")
        self.assertEqual((now.starts, now.deaths), (2, {}))
        results.note("ab", dataclasses.replace(now, under_way="x.png"))
        self.assertEqual(results.begin_try("ab").deaths, {"x.png": 1})

    def test_cells_without_images_are_removed(self):
        self.touch("images/done.parquet", "cells/done.parquet", "cells/killed.parquet")
        results = Results(self.folder)
        results.remove_unfinished()
        self.assertEqual(files.names_in(self.path("cells")), ["done.parquet"])
        self.assertEqual(results.finished_blocks(), {"done"})


if __name__ == "__main__":
    unittest.main()
