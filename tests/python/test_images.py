"""Which arrays are taken as images, and what is said of those that are not."""

import unittest

import numpy as np
from PIL import Image

import giemsa
from giemsa.images import to_pixels, to_rgb8
from support import assert_same, engine, found, smear


class OnlyDlpack:
    def __init__(self, array, device=None):
        self.array, self.device = array, device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device or self.array.__dlpack_device__()


class OnlyArrayInterface:
    def __init__(self, array):
        self.__array_interface__ = array.__array_interface__
        self.kept = array


class Images(unittest.TestCase):
    def test_every_layout_of_the_same_pixels(self):
        rgb = smear()
        alpha = np.full(rgb.shape[:2] + (1,), 7, np.uint8)
        wide = rgb.astype(np.uint16) * 257
        room = np.zeros((rgb.shape[0], rgb.shape[1] + 5, 3), np.uint8)
        room[:, :-5] = rgb
        layouts = {
            "BGR": (rgb[:, :, ::-1].copy(), "BGR"), "BGR seen backwards": (rgb[:, :, ::-1], "BGR"),
            "RGBA": (np.concatenate([rgb, alpha], 2), "RGB"),
            "BGRA": (np.concatenate([rgb[:, :, ::-1], alpha], 2), "BGR"), "uint16": (wide, "RGB"),
            "uint16 BGR": (wide[:, :, ::-1], "BGR"), "uint16 RGBA": (np.concatenate([wide, alpha], 2, dtype=np.uint16), "RGB"),
            "big-endian": (wide.astype(">u2"), "RGB"), "columns first": (np.asfortranarray(rgb), "RGB"),
            "padded rows": (room[:, :-5], "RGB"), "bottom up": (rgb[::-1].copy()[::-1], "RGB"),
            "channels first": (np.moveaxis(np.ascontiguousarray(np.moveaxis(rgb, 2, 0)), 0, 2), "RGB"),
            "DLPack": (OnlyDlpack(rgb.copy()), "RGB"), "array interface": (OnlyArrayInterface(rgb), "RGB"),
            "Pillow": (Image.fromarray(rgb), "RGB")}
        for name, (image, channels) in layouts.items():
            with self.subTest(name):
                self.assertTrue(np.array_equal(to_rgb8(image, channels), rgb))
        for name in ("BGR", "BGRA", "uint16", "padded rows", "bottom up", "DLPack"):
            with self.subTest(name):
                image, channels = layouts[name]
                assert_same(self, engine().identify(image, channels=channels), found())

    def test_pixels_are_copied_only_where_they_must(self):
        rgb = smear()
        for view, kind in ((rgb, "RGB8"), (rgb[::-1], "RGB8"), (rgb[100:200, 50:90], "RGB8"), (rgb[::2], "RGB8"),
                           (np.zeros((4, 5, 4), np.uint8), "RGBX8"), (np.zeros((4, 5, 3), np.uint16), "RGB16"),
                           (np.zeros((4, 5), np.uint16), "GREY16"), (np.zeros((1, 5), np.uint8), "GREY8")):
            pixels, found_kind = to_pixels(view)
            self.assertEqual(found_kind, kind)
            self.assertTrue(np.shares_memory(pixels, view))
        self.assertFalse(np.shares_memory(to_pixels(rgb[:, ::2])[0], rgb))

    def test_grey(self):
        grey = smear()[:, :, 1]
        expected = engine().identify(np.repeat(grey[:, :, np.newaxis], 3, axis=2))
        assert_same(self, engine().identify(grey), expected)
        assert_same(self, engine().identify(grey[:, :, np.newaxis]), expected)

    def test_pillows_palettes_and_inks_become_rgb(self):
        picture = Image.fromarray(smear()).convert("P")
        self.assertTrue(np.array_equal(to_rgb8(picture), np.asarray(picture.convert("RGB"))))
        self.assertEqual(to_pixels(picture.convert("CMYK"))[1], "RGB8")

    def test_one_row_or_column(self):
        for shape in ((1, 300, 3), (300, 1, 3), (1, 1)):
            self.assertEqual(len(engine().identify(np.zeros(shape, np.uint8))), 0)

    def test_what_is_refused_and_what_is_advised(self):
        rgb = smear()
        tensor_on_gpu = OnlyDlpack(rgb, device=(2, 0))
        for image, says in ((rgb / 255, "scale it to uint8"), (rgb.astype(np.float16), "scale it"),
                            (rgb > 3, "bool"), (rgb.astype(np.int32), "int32"),
                            (np.moveaxis(rgb, 2, 0), "channels come last"), (rgb[np.newaxis], "(1, 480, 640, 3)"),
                            (rgb[:, :, :2], "shape"), ("smear.png", "read_image"), (None, "NoneType"),
                            (tensor_on_gpu, "copy it to the host"), (np.zeros((0, 5, 3), np.uint8), "5x0")):
            with self.subTest(says), self.assertRaises(giemsa.ImageError) as refused:
                engine().identify(image)
            self.assertIn(says, refused.exception.args[0])
            self.assertEqual(refused.exception.status, "GIEMSA_E_IMAGE")
            self.assertIsInstance(refused.exception, ValueError)
        with self.assertRaises(giemsa.ImageError):
            engine().identify(rgb, channels="GBR")
