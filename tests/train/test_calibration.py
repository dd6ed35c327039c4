"""Temperature and handicap on logits made for the purpose. Needs no PyTorch."""

import math
import random
import unittest

import support  # noqa: F401
from calibration import calibration_error, fit_handicap, fit_temperature, log_softmax, loss, recognised


def drawn(count, temperature, seed=1):
    """Logits, and classes drawn with the probabilities that these logits have at a temperature."""
    generator = random.Random(seed)
    logits = [[generator.gauss(0, 2) for _ in range(3)] for _ in range(count)]
    chance = lambda row: [math.exp(value) for value in log_softmax([value / temperature for value in row])]
    return logits, [generator.choices(range(3), chance(row))[0] for row in logits]


class Calibration(unittest.TestCase):
    def test_the_temperature_that_classes_were_drawn_with_is_found(self):
        for temperature in (0.7, 1.0, 2.0):
            logits, truth = drawn(4000, temperature)
            weights = [1.0] * len(truth)
            found = fit_temperature(logits, truth, weights)
            self.assertAlmostEqual(found / temperature, 1, delta=0.06)
            self.assertLessEqual(loss(logits, truth, weights, found), loss(logits, truth, weights, temperature))
            self.assertLess(calibration_error(logits, truth, weights, found), 0.03)
        self.assertGreater(calibration_error(logits, truth, weights, 1.0), 0.1)  # of the last, at 2

    def test_weights_count(self):
        logits, truth = [[2.0, 0.0]] * 2, [0, 1]
        self.assertAlmostEqual(fit_temperature(logits, truth, [9.0, 1.0]), 2 / math.log(9), delta=2e-3)

    def test_a_handicap_costs_no_more_than_its_price(self):
        logits = [[0.0, i / 100] for i in range(1, 101)] + [[1.0, 0.0]]  # `other` is class 1
        truth = [1] * 100 + [0]
        self.assertEqual(recognised(logits, truth, 1, 0), 1)
        self.assertAlmostEqual(recognised(logits, truth, 1, 0.255), 0.75)
        self.assertAlmostEqual(fit_handicap(logits, truth, 1, price=0.25), 0.2)
        self.assertAlmostEqual(fit_handicap(logits, truth, 1, price=1), 4)


if __name__ == "__main__":
    unittest.main()
