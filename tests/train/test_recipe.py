"""What a training is made of, as far as it needs no PyTorch: folds, schedules, class weights, geometry, boxes."""

import math
import pathlib
import random
import tempfile
import unittest

import support  # noqa: F401
from boxes import best_match, grown, intersection_over_union, nearest_middle
from folds import class_folders, deal, read_labels
from geometry import apply, draw, normalised, sample_to_source
from recipes import RECIPES, WARM_UP, Augmentation, learning_rate, median_frequency_weights
from schedules import SCHEDULES


class Folds(unittest.TestCase):
    NAMES = {kind: [f"{kind}-{i}.jpg" for i in range(count)] for kind, count in (("a", 80), ("b", 23), ("c", 4))}

    def test_every_image_has_one_fold(self):
        folds = deal(self.NAMES)
        self.assertEqual(len(folds), 107)
        self.assertEqual(set(folds.values()), set(range(10)))

    def test_each_class_is_spread_evenly(self):
        folds = deal(self.NAMES)
        for kind, names in self.NAMES.items():
            sizes = [sum(folds[kind, name] == fold for name in names) for fold in range(10)]
            self.assertLessEqual(max(sizes) - min(sizes), 1, kind)
        sizes = [sum(fold == where for where in folds.values()) for fold in range(10)]
        self.assertLessEqual(max(sizes) - min(sizes), 1)

    def test_order_of_directories_does_not_matter(self):
        shuffled = {kind: random.Random(7).sample(names, len(names)) for kind, names in reversed(self.NAMES.items())}
        self.assertEqual(deal(shuffled), deal(self.NAMES))

    def test_pinned(self):
        """Folds of published results must never move. By hand: `printf a/1 | sha256sum` and so on, sorted."""
        self.assertEqual(
            deal({"a": ["1", "2", "3"], "b": ["1"]}, 2), {("a", "2"): 0, ("a", "3"): 1, ("a", "1"): 0, ("b", "1"): 1}
        )

    def test_labels(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "labels.csv").write_text("image,classes,fold\n1,x;y,3\n2,,0\n3,x,\n")
            self.assertEqual(read_labels(folder), [("1", ("x", "y"), 3), ("2", (), 0), ("3", ("x",), None)])

    def test_class_folders(self):
        with tempfile.TemporaryDirectory() as folder:
            for file in ("b/2.png", "b/1.png", "a/3.png", "stray.txt"):
                path = pathlib.Path(folder) / file
                path.parent.mkdir(exist_ok=True)
                path.touch()
            self.assertEqual(class_folders(folder), {"a": ["3.png"], "b": ["1.png", "2.png"]})


class Recipes(unittest.TestCase):
    def test_median_frequency(self):
        # Two images of 500 pixels; class 1 is in one of them: frequencies 0.9 and 0.2, median 0.55.
        weights = median_frequency_weights([900, 100], [1000, 500])
        self.assertAlmostEqual(weights[0], 0.55 / 0.9)
        self.assertAlmostEqual(weights[1], 0.55 / 0.2)

    def test_median_frequency_of_an_odd_number_leaves_the_median_class_alone(self):
        self.assertEqual(median_frequency_weights([10, 20, 40], [100] * 3), [2.0, 1.0, 0.5])

    def test_a_class_that_never_occurs_weighs_nothing(self):
        self.assertEqual(median_frequency_weights([10, 0, 30], [100] * 3), [2.0, 0.0, 0.2 / 0.3])
        with self.assertRaises(ValueError):
            median_frequency_weights([0, 0], [1, 1])

    def test_the_papers_rate_falls_every_ten_epochs(self):
        recipe = RECIPES["segmenter", "paper"]
        rate = lambda epoch: learning_rate(recipe, epoch * 7 + 6, 30 * 7, 7)  # the last of an epoch's 7 steps
        self.assertEqual([rate(0), rate(9)], [1e-3, 1e-3])
        for epoch, expected in ((10, 3e-4), (19, 3e-4), (20, 9e-5), (29, 9e-5)):
            self.assertAlmostEqual(rate(epoch), expected, places=12)

    def test_cosine_warms_up_and_ends_near_zero(self):
        recipe = RECIPES["segmenter", "strong"]
        rates = [learning_rate(recipe, step, 200, 20) for step in range(200)]
        peak = round(WARM_UP * 200)
        self.assertAlmostEqual(rates[0], recipe.learning_rate / peak)
        self.assertEqual(max(rates), recipe.learning_rate)
        self.assertEqual(sorted(rates[:peak]), rates[:peak])
        self.assertEqual(sorted(rates[peak:], reverse=True), rates[peak:])
        self.assertAlmostEqual(rates[peak + 95], recipe.learning_rate / 2, places=9)  # half way down
        self.assertLess(rates[-1], 1e-3 * recipe.learning_rate)

    def test_the_papers_figures(self):
        for network in ("segmenter", "classifier"):
            recipe = RECIPES[network, "paper"]
            self.assertEqual(
                (recipe.optimizer, recipe.learning_rate, recipe.weight_decay, recipe.class_weights),
                ("sgdm", 1e-3, 0.005, True),
            )
            self.assertEqual((recipe.augmentation.translation, recipe.augmentation.rotation), (10, 20))

    def test_schedules_have_the_same_steps(self):
        self.assertEqual(len({frozenset(schedule) for schedule in SCHEDULES.values()}), 1)


class Geometry(unittest.TestCase):
    def assert_point(self, matrix, point, expected):
        for got, want in zip(apply(matrix, *point), expected):
            self.assertAlmostEqual(got, want, places=12)

    def test_by_hand(self):
        self.assert_point(sample_to_source(False, False, 0, 1, 1, 0, 0), (3, -2), (3, -2))
        self.assert_point(sample_to_source(True, False, 0, 1, 1, 0, 0), (3, -2), (-3, -2))
        self.assert_point(sample_to_source(False, True, 0, 1, 1, 0, 0), (3, -2), (3, 2))
        # What lies at (1, 0) turns to (0, 1) by 90 degrees from x to y, gets twice as wide and thrice as high, and moves.
        self.assert_point(sample_to_source(False, False, 90, 2, 3, 10, 20), (10, 23), (1, 0))

    def test_inverts_the_steps_that_it_names(self):
        rng = random.Random(3)
        for _ in range(200):
            flip_x, flip_y, degrees = rng.random() < 0.5, rng.random() < 0.5, rng.uniform(-180, 180)
            scale_x, scale_y, shift_x, shift_y = (
                rng.uniform(0.5, 2),
                rng.uniform(0.5, 2),
                rng.uniform(-9, 9),
                rng.uniform(-9, 9),
            )
            x, y = source = rng.uniform(-50, 50), rng.uniform(-50, 50)
            x, y = (-x if flip_x else x), (-y if flip_y else y)
            cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            x, y = cos * x - sin * y, sin * x + cos * y
            x, y = x * scale_x + shift_x, y * scale_y + shift_y
            matrix = sample_to_source(flip_x, flip_y, degrees, scale_x, scale_y, shift_x, shift_y)
            for got, want in zip(apply(matrix, x, y), source):
                self.assertAlmostEqual(got, want, places=9)

    def test_the_papers_ranges_are_kept(self):
        """A rotation by at most 20 degrees, a reflection of x or none, a shift of at most 10 pixels either way, no scale."""
        rng, mirrored = random.Random(5), 0
        for _ in range(500):
            a, b, c, d, e, f = draw(rng, RECIPES["segmenter", "paper"].augmentation, (240, 320), (240, 320))
            self.assertAlmostEqual(abs(a * e - b * d), 1, places=12)
            mirrored += a * e - b * d < 0
            self.assertGreaterEqual(e, math.cos(math.radians(20)) - 1e-12)
            self.assertLessEqual(math.hypot(c, f), math.hypot(10, 10) + 1e-9)
        self.assertTrue(200 < mirrored < 300, mirrored)  # 4.5 standard deviations

    def test_a_roaming_sample_reaches_the_edges_and_stays_inside(self):
        """Of a source 240 high and 320 wide, shown twice as large, a sample of 192x224 shows 96x112."""
        augmentation = Augmentation(roam=True, scale=(2.0, 2.0))
        rng = random.Random(7)
        centres = [(m[2], m[5]) for m in (draw(rng, augmentation, (240, 320), (192, 224)) for _ in range(2000))]
        for places, reach in zip(zip(*centres), ((320 - 112) / 2, (240 - 96) / 2)):
            self.assertLessEqual(max(map(abs, places)), reach)
            self.assertGreater(max(places), 0.98 * reach)
            self.assertLess(min(places), -0.98 * reach)

    def test_a_roaming_sample_shows_its_target(self):
        """Wherever the target is, and without leaving the source: 96x112 of 240x320."""
        augmentation = Augmentation(roam=True, scale=(2.0, 2.0))
        rng = random.Random(8)
        for target in ((-159, -119), (159, 119), (0, 0), (100, -30)):
            for _ in range(200):
                matrix = draw(rng, augmentation, (240, 320), (192, 224), target)
                across, down = target[0] - matrix[2], target[1] - matrix[5]
                self.assertLessEqual(abs(across), 112 / 2)
                self.assertLessEqual(abs(down), 96 / 2)
                self.assertLessEqual(abs(matrix[2]), (320 - 112) / 2)
                self.assertLessEqual(abs(matrix[5]), (240 - 96) / 2)

    def test_a_sample_that_shows_all_does_not_roam(self):
        matrix = draw(random.Random(1), Augmentation(roam=True), (240, 320), (240, 320))
        self.assertEqual((matrix[2], matrix[5]), (0, 0))

    def test_normalised_is_the_same_map_in_half_sides(self):
        matrix, source, result = sample_to_source(True, False, 33, 1.2, 0.8, 5, -4), (240, 320), (192, 224)
        rows = normalised(matrix, source, result)
        for x, y in ((0, 0), (50, -30), (-112, 96)):
            there = [row[0] * x / (result[1] / 2) + row[1] * y / (result[0] / 2) + row[2] for row in rows]
            expected = apply(matrix, x, y)
            self.assertAlmostEqual(there[0] * source[1] / 2, expected[0], places=9)
            self.assertAlmostEqual(there[1] * source[0] / 2, expected[1], places=9)


class Boxes(unittest.TestCase):
    def test_overlap(self):
        self.assertEqual(intersection_over_union((0, 0, 10, 10), (0, 0, 10, 10)), 1)
        self.assertEqual(intersection_over_union((0, 0, 10, 10), (10, 0, 10, 10)), 0)
        self.assertEqual(intersection_over_union((0, 0, 10, 10), (20, 20, 5, 5)), 0)
        self.assertAlmostEqual(intersection_over_union((0, 0, 10, 10), (5, 5, 10, 10)), 25 / 175)

    def test_best_match(self):
        boxes = [(0, 0, 4, 4), (10, 10, 20, 20), (10, 10, 40, 40)]
        self.assertEqual(best_match(boxes, (11, 11, 20, 20)), 1)
        self.assertIsNone(best_match(boxes, (60, 60, 20, 20)))
        self.assertIsNone(best_match([], (0, 0, 4, 4)))
        self.assertEqual(best_match([(0, 0, 10, 5)], (0, 0, 10, 10)), 0)  # exactly half is enough

    def test_nearest_middle(self):
        self.assertEqual(nearest_middle([(0, 0, 10, 10), (48, 40, 10, 10), (90, 90, 10, 10)], 100, 100), 1)
        self.assertIsNone(nearest_middle([], 100, 100))

    def test_grown(self):
        self.assertEqual(grown((10, 20, 100, 50), 0.1), (0, 15, 120, 75))


if __name__ == "__main__":
    unittest.main()
