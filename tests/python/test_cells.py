"""Columns, single cells, and what is made of them."""

import unittest

import numpy as np

import giemsa
from support import engine, found, smear


class Cells(unittest.TestCase):
    def test_columns_own_their_memory(self):
        with giemsa.Engine(device="cpu") as short_lived:
            cells = short_lived.identify(smear())
        n, classes = len(cells), len(cells.class_names)
        for name, dtype, shape in (("labels", np.uint16, (480, 640)), ("ids", np.uint16, (n,)), ("boxes", np.int32, (n, 4)),
                                   ("areas", np.int64, (n,)), ("centroids", np.float64, (n, 2)),
                                   ("class_indices", np.int64, (n,)), ("probabilities", np.float32, (n, classes)),
                                   ("at_edge", np.bool_, (n,)), ("unsure", np.bool_, (n,))):
            column = getattr(cells, name)
            self.assertEqual((column.dtype, column.shape), (dtype, shape), name)
            self.assertTrue(np.array_equal(column, getattr(found(), name)), name)
        self.assertEqual(set(cells.ms), {"convert", "segment", "postprocess", "classify", "total"})
        self.assertGreater(cells.ms["segment"], 0)

    def test_a_cell(self):
        cells = found()
        self.assertEqual([cell.id for cell in cells], list(cells.ids))
        for i, cell in enumerate(cells):
            self.assertEqual(cell.mask.shape, (cell.box[3], cell.box[2]))
            self.assertEqual(cell.mask.sum(), cell.area)
            self.assertEqual(cell.cls, cells.classes[i])
            self.assertEqual(cell.probability, max(cell.probabilities.values()))
            self.assertAlmostEqual(sum(cell.probabilities.values()), 1, places=5)
            rows, columns = np.nonzero(cell.mask)
            self.assertAlmostEqual(cell.centroid[0], cell.box[0] + columns.mean(), delta=1e-6)
        self.assertEqual(cells[-1].id, cells.ids[-1])
        with self.assertRaises(IndexError):
            cells[len(cells)]

    def test_outlines_enclose_the_cells(self):
        for cell, outline in zip(found(), found().outlines(), strict=True):
            self.assertTrue(np.array_equal(outline[0], outline[-1]))
            x, y = outline.T.astype(np.int64)
            enclosed = abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) // 2
            self.assertGreaterEqual(enclosed, 0.95 * cell.area)
            self.assertEqual([x.min(), y.min()], list(cell.box[:2]))

    def test_filter_and_slices(self):
        cells = found()
        limit = int(max(cells.areas))
        large = cells.filter(min_area=limit)
        self.assertEqual(list(large.ids), [cells.ids[np.argmax(cells.areas)]])
        self.assertEqual(set(np.unique(large.labels)), {0, large.ids[0]})
        self.assertEqual(np.count_nonzero(large.labels), limit)
        self.assertEqual(len(large.outlines()), 1)
        self.assertEqual(len(cells.filter(min_probability=1.1)), 0)
        self.assertEqual(len(cells.filter()), len(cells))
        split = [cells.filter(at_edge=at_edge) for at_edge in (True, False)]
        self.assertEqual(sum(map(len, split)), len(cells))
        self.assertTrue(split[0].at_edge.all() and not split[1].at_edge.any())
        self.assertEqual(list(cells[1:].ids), list(cells.ids[1:]))

    def test_cells_cut_by_the_edge_say_so(self):
        x, y, w, h = found()[0].box
        cut = engine().identify(smear()[y + h // 2:])
        self.assertTrue(any(cell.at_edge and cell.box[1] == 0 for cell in cut))

    def test_counts(self):
        counts = found().counts()
        self.assertEqual(tuple(counts), (*engine().classes, "unsure"))
        self.assertEqual(sum(counts.values()), len(found()))
        for name in counts:
            self.assertEqual(counts[name], found().classes.count(name))

    def test_overlay_and_table(self):
        before = smear().copy()
        overlay = found().overlay(smear())
        self.assertTrue(np.array_equal(before, smear()))
        changed = (overlay != smear()).any(axis=2)
        self.assertTrue(0.005 < changed.mean() < 0.2)
        for outline in found().outlines():
            x, y = outline[len(outline) // 2]
            self.assertTrue(changed[y - 2:y + 2, x - 2:x + 2].any())
        with self.assertRaises(giemsa.UsageError):
            found().overlay(smear()[1:])
        self.assertEqual(found()._repr_html_().count("<tr>"), len(found()) + 1)
        self.assertIn(f"{len(found())} found", repr(found()))

    def test_no_cells(self):
        none = engine().identify(np.full((64, 64, 3), 240, np.uint8))
        self.assertEqual((len(none), none.classes, sum(none.counts().values())), (0, [], 0))
        self.assertEqual(none.to_geojson()["features"], [])
        self.assertEqual(len(none.to_pandas()), 0)
        self.assertEqual([layer[2] for layer in none.to_napari()], ["labels"])
        none.overlay(np.zeros((64, 64), np.uint16))
