"""The cells of all laboratories as one list, and which of them an epoch shows. Needs no PyTorch; Pillow for masks alone."""

import importlib.util
import json
import pathlib
import tempfile
import unittest

import support  # noqa: F401
from laboratories import fold_of, inside, read_cells, read_found
from sampling import OTHER_SHARE, chances, drawn

HAS_PILLOW = importlib.util.find_spec("PIL") is not None


class Laboratories(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def labels(self, name, header, *rows):
        (self.folder / name).mkdir()
        (self.folder / name / "labels.csv").write_text("\n".join([header, *rows]) + "\n")

    def found(self, name, **images):
        folder = self.folder / "found" / name
        folder.mkdir(parents=True)
        results = [
            {"file": f"/x/{stem}.jpg", "ok": True, "width": 100, "height": 100, "cells": [{"box": box} for box in boxes]}
            for stem, boxes in images.items()
        ]
        results.append({"file": "/x/broken.jpg", "ok": False})
        (folder / "results.json").write_text(json.dumps({"images": results}))

    def read(self, name):
        return read_cells(self.folder, self.folder / "found", (name,))

    def test_boxes_and_classes(self):
        self.labels("krd", "image,class,xmin,ymin,xmax,ymax", "a.jpg,monocyte,10,20,40,60")
        (cell,) = self.read("krd")
        self.assertEqual(cell[:4], ("krd", "krd/images/a.jpg", (10, 20, 30, 40), "monocyte"))

    def test_a_slide_is_in_one_fold(self):
        rows = [f"{i}.jpg,basophil,S-{i % 3},0,0,50,50" for i in range(30)]
        self.labels("chula", "image,class,slide,xmin,ymin,xmax,ymax", *rows)
        folds = {(i % 3, cell.fold) for i, cell in enumerate(self.read("chula"))}
        self.assertEqual(folds, {(i, fold_of("chula", f"S-{i}")) for i in range(3)})

    def test_a_class_by_eye_counts_and_no_class_is_left_out(self):
        header = "image,class,white_cell_by_eye,xmin,ymin,xmax,ymax"
        rows = ["a.jpg,white_cell,basophil,0,0,50,50", "a.jpg,white_cell,,60,60,99,99", "a.jpg,platelet,,0,60,20,80"]
        self.labels("raabin", header, *rows)
        self.assertEqual([cell.kind for cell in self.read("raabin")], ["basophil", "other"])

    def test_a_red_cell_that_overlaps_a_white_one_is_left_out(self):
        header = "image,class,xmin,ymin,xmax,ymax"
        self.labels("draaslan", header, "a.jpg,red_cell,0,0,50,50", "a.jpg,white_cell,20,20,80,80")
        self.assertEqual(self.read("draaslan"), [])

    def test_what_the_engine_found_off_every_white_cell_is_other(self):
        self.labels("krd", "image,class,xmin,ymin,xmax,ymax", "a.jpg,monocyte,10,10,40,40")
        self.found("krd", a=[[12, 12, 30, 30], [60, 60, 20, 20], [80, 80, 20, 20]], unlabelled=[[20, 20, 20, 20]])
        kinds = [(cell.box, cell.kind) for cell in self.read("krd")]
        # The third lies at the edge, where a white cell may be unmarked.
        self.assertEqual(kinds, [((10, 10, 30, 30), "monocyte"), ((60, 60, 20, 20), "other")])

    def test_single_cells_get_the_box_that_was_found_in_the_middle(self):
        self.labels("pbc-more", "image,class", "a.jpg,monocyte", "b.jpg,ig", "c.jpg,platelet", "d.jpg,neutrophil")
        self.found("pbc-more", a=[[0, 0, 20, 20], [30, 30, 40, 40]], b=[[30, 30, 40, 40]], c=[[40, 40, 20, 20]], d=[])
        cells = [(cell.laboratory, cell.image, cell.box, cell.kind) for cell in self.read("pbc-more")]
        self.assertEqual(
            cells,
            [
                ("pbc", "pbc-more/images/a.jpg", (30, 30, 40, 40), "monocyte"),
                ("pbc", "pbc-more/images/c.jpg", (40, 40, 20, 20), "other"),
            ],
        )

    @unittest.skipUnless(HAS_PILLOW, "masks need Pillow")
    def test_of_a_field_one_certain_cell_and_what_lies_off_the_mask(self):
        from PIL import Image

        self.labels("fields", "image,classes,fold", "a,monocyte,3", "b,monocyte;neutrophil,4")
        for part in ("images", "masks"):
            (self.folder / "fields" / part).mkdir()
        mask = Image.new("L", (100, 100))
        mask.paste(128, (20, 30, 50, 70))
        for stem in "ab":
            Image.new("RGB", (100, 100)).save(self.folder / f"fields/images/{stem}.jpg")
            mask.save(self.folder / f"fields/masks/{stem}.png")
        self.found("fields", a=[[20, 30, 30, 40], [60, 60, 20, 20]], b=[[45, 30, 20, 20]])
        cells = [cell[1:] for cell in self.read("fields")]
        self.assertEqual(
            cells,
            [
                ("fields/images/a.jpg", (20, 30, 30, 40), "monocyte", 3),
                ("fields/images/a.jpg", (60, 60, 20, 20), "other", 3),
            ],
        )

    def test_nothing_was_found_where_there_is_no_file(self):
        self.assertEqual(read_found(self.folder / "none.json"), {})

    def test_inside(self):
        self.assertTrue(inside((2, 2, 10, 10), 20, 20))
        for box in ((1, 2, 5, 5), (2, 0, 5, 5), (2, 2, 17, 5), (2, 2, 5, 18)):
            self.assertFalse(inside(box, 20, 20), box)


class Sampling(unittest.TestCase):
    CELLS = [("a", "monocyte")] * 100 + [("a", "basophil")] * 4 + [("b", "monocyte")] * 9 + [("b", "other")] * 7

    def share(self, wanted):
        return sum(p for p, cell in zip(chances(self.CELLS), self.CELLS) if wanted(*cell))

    def test_laboratories_alike_and_classes_by_their_root(self):
        self.assertAlmostEqual(sum(chances(self.CELLS)), 1)
        self.assertAlmostEqual(self.share(lambda laboratory, kind: kind == "other"), OTHER_SHARE)
        self.assertAlmostEqual(self.share(lambda laboratory, kind: laboratory == "a"), (1 - OTHER_SHARE) / 2)
        basophils = self.share(lambda laboratory, kind: kind == "basophil")
        self.assertAlmostEqual(basophils, (1 - OTHER_SHARE) / 2 * 2 / 12)

    def test_without_others_the_cells_have_all(self):
        self.assertAlmostEqual(sum(chances(self.CELLS[:113])), 1)

    def test_an_epoch(self):
        made = drawn([0, 1, 3], 20, 8, 0, 1)
        self.assertEqual([len(batch) for batch in made], [8, 8])
        self.assertLessEqual(set(sum(made, [])), {1, 2})
        self.assertEqual(made, drawn([0, 1, 3], 20, 8, 0, 1))
        self.assertNotEqual(made, drawn([0, 1, 3], 20, 8, 1, 1))
        many = sum(drawn([0, 1, 3], 4000, 8, 0, 1), [])
        self.assertAlmostEqual(many.count(2) / len(many), 0.75, delta=4.5 * (0.75 * 0.25 / 4000) ** 0.5)


if __name__ == "__main__":
    unittest.main()
