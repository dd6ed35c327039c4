"""The plugin for napari, by npe2, which napari finds plugins with; no display is needed."""

import unittest

import npe2
import numpy as np

from giemsa import napari_reader
from support import SAMPLES, found


class Napari(unittest.TestCase):
    def test_the_manifest_is_found_and_reads(self):
        manifest = npe2.PluginManifest.from_distribution("giemsa")
        self.assertEqual(manifest.name, "giemsa")
        manifest.validate_imports()
        npe2.PluginManager.instance().discover()
        layers = npe2.read([str(SAMPLES[0])], stack=False)
        self.assertEqual([layer[2] for layer in layers], ["image", "labels", "shapes"])

    def test_layers(self):
        labels, outlines = found().to_napari()
        self.assertTrue(np.array_equal(labels[0], found().labels))
        self.assertEqual(list(labels[1]["features"]["index"]), list(found().ids))
        self.assertEqual(list(labels[1]["features"]["class"]), found().classes)
        for polygon, (x, y, w, h) in zip(outlines[0], found().boxes, strict=True):
            self.assertTrue((polygon >= [y - 0.5, x - 0.5]).all() and (polygon <= [y + h - 0.5, x + w - 0.5]).all())
        self.assertEqual(len(outlines[1]["edge_color"]), len(found()))

    def test_other_files_are_left_to_others(self):
        self.assertIsNone(napari_reader.get_reader("stack.tif"))
        self.assertIsNone(napari_reader.get_reader(["a.png", "b.txt"]))
        self.assertIs(napari_reader.get_reader("A.PNG"), napari_reader.read)
