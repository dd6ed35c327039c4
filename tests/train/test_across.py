"""What trains across laboratories and needs PyTorch. Skipped as a whole, saying so, where there is none: exit status 77."""

import importlib.util
import pathlib
import sys
import tempfile
import unittest

import support  # noqa: F401

MISSING = [name for name in ("torch", "torchvision", "numpy", "PIL") if importlib.util.find_spec(name) is None]
if MISSING:
    print(f"SKIPPED: this Python has no {', '.join(MISSING)}; training across laboratories is not tested here")
    sys.exit(77)

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from PIL import Image  # noqa: E402

import across  # noqa: E402
import score  # noqa: E402
from artefacts import artefacts, half_cell, smudge  # noqa: E402
from augment import Augmenter  # noqa: E402
from cells import with_artefacts  # noqa: E402
from imagenet import norm_of, unfold  # noqa: E402
from laboratories import CLASSES, OTHER, Cell  # noqa: E402
from loop import make_optimizer  # noqa: E402
from networks import FineTuned  # noqa: E402
from recipes import LABORATORY_CELLS, RECIPES, Augmentation  # noqa: E402


def picture_of_a_cell(side=70, background=(230, 220, 210), nucleus=(90, 40, 140)):
    rows, columns = np.mgrid[:side, :side]
    cell = np.full((side, side, 3), background, np.uint8)
    cell[np.hypot(rows - side / 2, columns - side / 2) < side / 4] = nucleus
    return cell


class Unfolding(unittest.TestCase):
    def test_names(self):
        names = ("conv1", "layer1.0.conv2", "layer1.0.downsample.0")
        self.assertEqual([norm_of(name) for name in names], ["bn1", "layer1.0.bn2", "layer1.0.downsample.1"])

    def test_the_network_computes_convolution_plus_folded_bias(self):
        """Against a copy whose batch norms are gone and whose convolutions have the bias; one filter is dead."""
        generator = torch.Generator().manual_seed(1)
        resnet, folded = torchvision.models.resnet18(), {}
        for name, module in resnet.named_modules():
            if isinstance(module, torch.nn.Conv2d):
                folded[f"{name}.weight"] = module.weight.detach().numpy().copy()
                folded[f"{name}.bias"] = torch.randn(module.out_channels, generator=generator).mul(0.1).numpy()
        folded["layer1.0.conv1.weight"][3] = 0
        plain = torchvision.models.resnet18(norm_layer=lambda channels: torch.nn.Identity())
        for name, module in list(plain.named_modules()):
            if isinstance(module, torch.nn.Conv2d):
                module.weight.data = torch.from_numpy(folded[f"{name}.weight"])
                module.bias = torch.nn.Parameter(torch.from_numpy(folded[f"{name}.bias"]))
        plain.fc = resnet.fc
        with tempfile.TemporaryDirectory() as folder:
            np.savez(pathlib.Path(folder) / "folded.npz", **folded)
            unfold(resnet, pathlib.Path(folder) / "folded.npz", torch.randn(4, 3, 64, 64, generator=generator))
        other = torch.randn(2, 3, 64, 64, generator=generator)
        with torch.no_grad():
            found, expected = resnet.eval()(other), plain.eval()(other)
        self.assertLess((found - expected).abs().max(), 1e-4 * expected.abs().max())


class Teacher(unittest.TestCase):
    def test_the_first_layers_stay(self):
        network = FineTuned(6).train()
        before = {key: value.clone() for key, value in network.state_dict().items()}
        optimizer = make_optimizer(network, RECIPES["teacher", "laboratories"])
        network(torch.randn(4, 3, 64, 64)).square().sum().backward()
        optimizer.step()
        changed = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
        self.assertFalse({key for key in changed if key.startswith(("body.conv1", "body.bn1", "body.layer1"))})
        self.assertIn("body.layer2.0.conv1.weight", changed)
        self.assertIn("body.layer2.0.bn1.running_mean", changed)

    def test_the_last_layer_has_its_own_rate(self):
        network = FineTuned(6)
        groups = make_optimizer(network, RECIPES["teacher", "laboratories"]).param_groups
        self.assertEqual([group.get("factor") for group in groups], [None, 5.0])
        self.assertEqual([tuple(p.shape) for p in groups[1]["params"]], [(6, 2048), (6,)])

    def test_what_agrees_with_teacher_and_label_costs_least(self):
        labels = torch.tensor([0, 1])
        soft = torch.tensor([[9.0, 0, 0, 0, 0, 0], [0, 9.0, 0, 0, 0, 0]])
        agreeing = across.distilled(soft, soft, labels, 0.0)
        self.assertLess(agreeing, 0.001)
        self.assertGreater(across.distilled(soft.flip(0), soft, labels, 0.0), 5)


class Colours(unittest.TestCase):
    def test_a_sample_takes_on_the_colours_of_another(self):
        """One of two colours each: density moves along the line between them, and never beyond."""
        images = torch.cat([torch.full((8, 3, 4, 4), 0.9), torch.full((8, 3, 4, 4), 0.3)])
        found = Augmenter(Augmentation(restain=1.0), 1).restain(images)
        self.assertGreaterEqual(found.min(), 0.3 - 1e-5)
        self.assertLessEqual(found.max(), 0.9 + 1e-5)
        self.assertGreater((found - images).abs().max(), 0.1)
        self.assertTrue(torch.equal(Augmenter(Augmentation(restain=0.0), 1).restain(images), images))

    def test_colours_stay_colours(self):
        found = Augmenter(LABORATORY_CELLS, 5).colour(torch.rand(8, 3, 32, 32))
        self.assertTrue(((found >= 0) & (found <= 1)).all())


class Artefacts(unittest.TestCase):
    def test_a_seed_is_a_data_set(self):
        white, platelets = [picture_of_a_cell()], [picture_of_a_cell(nucleus=(150, 100, 160))]
        made = [artefacts(white, platelets, 12, 0.2, 3) for _ in range(2)]
        self.assertEqual(len(made[0]), 12)
        for (one, source), (same, _) in zip(*made):
            self.assertEqual((one.shape, one.dtype), ((70, 70, 3), np.uint8))
            np.testing.assert_array_equal(one, same)
            self.assertIn(source, (0, None))

    def test_a_smudge_is_no_disc_any_more(self):
        """Its dark pixels are fewer than the nucleus's, or lie further out."""
        cell = picture_of_a_cell()
        rows, columns = np.mgrid[:70, :70]
        reach = lambda picture: np.hypot(rows - 35, columns - 35)[picture[..., 1] < 100]
        for seed in range(8):
            found = reach(smudge(cell, np.random.default_rng(seed)))
            self.assertTrue(len(found) < 0.7 * len(reach(cell)) or found.max() > 1.2 * reach(cell).max(), seed)

    def test_of_half_a_cell_less_than_half_is_seen(self):
        """The nucleus, 35 wide in a box of 50, shows at one side alone, and stretched."""
        for seed in range(8):
            found = half_cell(picture_of_a_cell(), np.random.default_rng(seed), 0.2)[..., 1] < 100
            sides = [found[:10].any(), found[-10:].any(), found[:, :10].any(), found[:, -10:].any()]
            self.assertIn(False, sides)
            self.assertIn(True, sides)

    def test_artefacts_belong_to_the_image_they_were_made_from(self):
        cells = [Cell("a", "a/1.jpg", (0, 0, 9, 9), "monocyte", 2)] * 8 + [Cell("b", "b/1.jpg", (0, 0, 9, 9), OTHER, 2)]
        crops = [picture_of_a_cell()] * 9
        with_artefacts(cells, crops, 0.5, 1)
        self.assertEqual(len(cells), len(crops))
        self.assertEqual({cell[:2] + cell[3:] for cell in cells[9:]}, {("a", "a/1.jpg", OTHER, 2)})
        self.assertEqual(len(cells[9:]), 4)


class Across(unittest.TestCase):
    ROWS = [{"laboratory": lab, "image": f"{lab}{i}", "fold": str(i)} for lab in "ab" for i in range(3)]

    def test_nothing_of_what_is_left_out_is_trained_on(self):
        self.assertEqual(across.kept_for_training(self.ROWS, "a", None, set()), [3, 4, 5])
        self.assertEqual(across.kept_for_training(self.ROWS, None, 1, set()), [0, 2, 3, 5])
        self.assertEqual(across.kept_for_training(self.ROWS, None, None, {"a0", "b2"}), [1, 2, 3, 4])

    def test_without_other(self):
        """The last layer alone loses a row, also where another one has as many."""
        state = {"a.weight": torch.rand(6, 2), "b.weight": torch.rand(6, 4), "b.bias": torch.rand(6), "n": torch.tensor(6)}
        five = across.without_other(state)
        self.assertTrue(torch.equal(five["b.weight"], state["b.weight"][:5]))
        self.assertTrue(torch.equal(five["b.bias"], state["b.bias"][:5]))
        self.assertEqual((five["a.weight"].shape, five["n"].item()), ((6, 2), 6))

    def test_a_start_of_five_classes_fills_the_first_rows(self):
        network, before = torch.nn.Linear(3, 6), None
        before = network.weight.detach().clone()
        with tempfile.TemporaryDirectory() as folder:
            torch.save({"weight": torch.ones(5, 3).half(), "bias": torch.ones(5)}, pathlib.Path(folder) / "start.pt")
            across.load_start(network, pathlib.Path(folder) / "start.pt")
        self.assertTrue(torch.equal(network.weight[:5], torch.ones(5, 3)))
        self.assertTrue(torch.equal(network.weight[5], before[5]))

    def test_figures(self):
        truth = [0, 1, 2, 5, 5]
        six, five = [0, 5, 3, 5, 2], [0, 1, 3, 0, 2]
        cells, right, lost, others, seen = score.figures(truth, six, five)
        self.assertEqual((cells, others), (3, 2))
        self.assertAlmostEqual(right, 2 / 3)
        self.assertAlmostEqual(lost, 1 / 3)
        self.assertAlmostEqual(seen, 1 / 2)

    def test_the_program_trains(self):
        """A teacher's two epochs on a dozen cells, then score.py on its weights."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            side = round(128 * 1.4)
            np.save(folder / "cells.npy", np.stack([np.asarray(Image.fromarray(picture_of_a_cell(side)))] * 12))
            rows = [f"a,{i}.jpg,0,0,9,9,{(*CLASSES, OTHER)[i % 6]},{i % 10}" for i in range(12)]
            (folder / "cells.csv").write_text("\n".join(["laboratory,image,x,y,w,h,class,fold", *rows]) + "\n")
            before, out = sys.argv, folder / "run"
            given = ["--network", "teacher", "--draws", "8", "--batch", "4", "--epochs", "2", "--out", str(out)]
            try:
                sys.argv = ["across.py", str(folder), *given, "--device", "cpu"]
                across.main()
                sys.argv = ["score.py", str(folder), str(out / "model.pt"), "--network", "teacher"]
                score.main()
            finally:
                sys.argv = before
            five = torch.load(out / "five.pt")
            self.assertEqual(five["body.fc.1.weight"].shape, (5, 2048))


if __name__ == "__main__":
    unittest.main()
