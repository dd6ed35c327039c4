"""The parts of tools/train that need PyTorch. Skipped as a whole, saying so, where there is none: exit status 77."""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import support

MISSING = [name for name in ("torch", "torchvision", "numpy", "PIL") if importlib.util.find_spec(name) is None]
if MISSING:
    print(f"SKIPPED: this Python has no {', '.join(MISSING)}; nothing of tools/train that trains is tested here")
    sys.exit(77)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import centres  # noqa: E402
import classifier  # noqa: E402
import segmenter  # noqa: E402
from augment import TARGETED, Augmenter  # noqa: E402
from folds import read_labels  # noqa: E402
from loop import Average, Training, batches, make_optimizer  # noqa: E402
from networks import DeepLabV3Plus, alexnet  # noqa: E402
from options import load_init  # noqa: E402
from recipes import PAPER, RECIPES, STRONG_FIELDS, Augmentation  # noqa: E402

sys.path.append(str(support.ROOT / "bench" / "frameworks"))
import torch_nets  # noqa: E402


def disc(size=96, x=60, y=40, radius=15):
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


class Augmenting(unittest.TestCase):
    def test_image_and_mask_stay_aligned(self):
        mask = disc()[None].repeat(16, 1, 1)
        images = mask[:, None].float().repeat(1, 3, 1, 1)
        for augmentation in (PAPER, STRONG_FIELDS):
            warped, masks = Augmenter(augmentation, 3).warp(images, mask, (64, 80))
            self.assertEqual(tuple(masks.shape), (16, 64, 80))
            self.assertTrue(torch.equal(masks, (warped[:, 0] >= 0.5).long()))
            self.assertGreater(masks.sum(), 0)
            self.assertFalse(torch.equal(masks[0], masks[1]))

    def test_most_samples_show_a_cell_where_there_is_one(self):
        """A cell in a corner is seen by TARGETED of the samples and by some others; an empty mask asks for nothing."""
        mask = disc(x=8, y=88, radius=6)[None].repeat(400, 1, 1)
        augmentation = Augmentation(roam=True, scale=(2.0, 2.0))
        _, masks = Augmenter(augmentation, 4).warp(torch.zeros(400, 3, 96, 96), mask, (48, 48))
        share = (masks.flatten(1).sum(1) > 0).float().mean().item()
        self.assertGreater(share, TARGETED - 4.5 * (TARGETED * (1 - TARGETED) / 400) ** 0.5)
        self.assertLess(share, 1)
        self.assertIsNone(Augmenter(augmentation, 4).target(torch.zeros(96, 96, dtype=torch.bool)))

    def test_nothing_drawn_is_the_middle_of_the_image_or_its_reflection(self):
        images = torch.rand(4, 3, 40, 48, generator=torch.Generator().manual_seed(1))
        warped, _ = Augmenter(Augmentation(), 2).warp(images, None, (24, 32))
        for image, result in zip(images[:, :, 8:32, 8:40], warped):
            self.assertTrue(torch.allclose(result, image, atol=1e-5) or torch.allclose(result, image.flip(2), atol=1e-5))

    def test_a_seed_is_a_sample(self):
        images = torch.rand(2, 3, 48, 48)
        draw = lambda seed: Augmenter(STRONG_FIELDS, seed).colour(images)
        self.assertTrue(torch.equal(draw(1), draw(1)))
        self.assertFalse(torch.equal(draw(1), draw(2)))

    def test_colours_stay_colours(self):
        images = torch.rand(8, 3, 32, 32)
        found = Augmenter(STRONG_FIELDS, 5).colour(images)
        self.assertTrue(((found >= 0) & (found <= 1)).all())

    def test_white_takes_no_stain_and_density_is_scaled(self):
        augmenter = Augmenter(STRONG_FIELDS._replace(stain=0.5), 1)
        self.assertTrue(torch.allclose(augmenter.stain(torch.ones(1, 3, 2, 2)), torch.ones(1, 3, 2, 2)))
        image = torch.full((1, 3, 1, 1), 0.5)
        unchanged = Augmenter(STRONG_FIELDS._replace(stain=1e-9), 1).stain(image)
        self.assertTrue(torch.allclose(unchanged, image, atol=1e-5))

    def test_jpeg_keeps_what_it_can(self):
        """Flat blocks have only a mean to lose: half a step of the coarsest table is (16 * 50 / 30) / 8 / 2."""
        flat = torch.full((8, 3, 16, 16), 0.37)
        found = Augmenter(STRONG_FIELDS._replace(jpeg=1), 1).jpeg(flat)
        self.assertLessEqual((found - flat).abs().max(), 16 * 50 / 30 / 8 / 2 / 255 + 1e-6)
        noise = torch.rand(8, 3, 16, 16)
        self.assertGreater((Augmenter(STRONG_FIELDS._replace(jpeg=1), 1).jpeg(noise) - noise).abs().max(), 0.01)


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)
        )

    def forward(self, x):
        return self.layers(x)


class Loop(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        generator = torch.Generator().manual_seed(4)
        self.x = torch.randn(20, 4, generator=generator)
        self.y = (self.x[:, 0] > 0).long()

    def train(self, name, minutes=None, epochs=4):
        recipe = RECIPES["classifier", "strong"]._replace(learning_rate=0.01)
        settings = {"device": "cpu", "precision": "fp32", "epochs": epochs, "batch": 8, "seed": 1}
        training = Training(self.folder / name, Small(), recipe, settings, minutes)
        training.run(
            20,
            lambda network, indices, epoch, step: torch.nn.functional.cross_entropy(
                network(self.x[indices]), self.y[indices]
            ),
        )
        return torch.load(self.folder / name / "model.pt")

    def test_a_training_that_was_cut_off_ends_where_it_would_have(self):
        whole = self.train("whole")
        for _ in range(3):
            with self.assertRaises(SystemExit) as stopped:
                self.train("parts", minutes=0)
            self.assertEqual(stopped.exception.code, 3)
        parts = self.train("parts")
        for key in whole:
            self.assertTrue(torch.equal(whole[key], parts[key]), key)
        self.assertFalse((self.folder / "parts/state.pt").exists())

    def test_other_settings_do_not_go_on(self):
        with self.assertRaises(SystemExit):
            self.train("run", minutes=0)
        with self.assertRaisesRegex(SystemExit, "other epochs"):
            self.train("run", epochs=5)

    def test_every_sample_once_an_epoch(self):
        made = batches(20, 8, 0, 1)
        self.assertEqual([len(batch) for batch in made], [8, 8, 8])
        self.assertEqual(set(sum(made, [])), set(range(20)))
        self.assertNotEqual(made, batches(20, 8, 1, 1))

    def test_average_follows(self):
        network = Small()
        average = Average(network, 0.99)
        with torch.no_grad():
            network.layers[0].weight += 1
        before = average.network.layers[0].weight.clone()
        average.update(network, 0)
        moved = (average.network.layers[0].weight - before).mean().item()
        self.assertAlmostEqual(moved, 0.9, places=5)  # young: decay 1/10


class Data(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_a_fold_is_left_out(self):
        (self.folder / "images").mkdir()
        (self.folder / "masks").mkdir()
        for i in range(4):
            Image.fromarray(np.full((48, 64, 3), 10 * i, np.uint8)).save(self.folder / f"images/{i}.png")
            mask = np.zeros((48, 64), np.uint8)
            mask[:24] = 128  # cytoplasm is cell too
            Image.fromarray(mask).save(self.folder / f"masks/{i}.png")
        (self.folder / "labels.csv").write_text("image,classes,fold\n0,,0\n1,,1\n2,,1\n3,,2\n")
        images, masks, cells, names = segmenter.load_fields(self.folder, 32, lambda fold: fold != 1, None)
        self.assertEqual(names, ["0", "3"])
        for image, mask in zip(images, masks):
            self.assertEqual((tuple(image.shape), tuple(mask.shape)), ((3, 32, 32), (32, 32)))
        self.assertEqual(masks[0].sum(), 16 * 32)
        self.assertTrue(torch.equal(cells[0] == 1, masks[0]))
        self.assertEqual(segmenter.frequency_weights(masks), [1, 1])

    def test_cells_that_touch_keep_their_numbers(self):
        for name in ("images", "labels"):
            (self.folder / name).mkdir()
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(self.folder / "images/a.png")
        labels = np.zeros((64, 64), np.uint16)
        labels[8:40, :32], labels[8:40, 32:] = 1, 300
        Image.fromarray(labels).save(self.folder / "labels/a.png")
        (self.folder / "labels.csv").write_text("image,classes,fold\na,,0\n")
        _, masks, cells, _ = segmenter.load_fields(self.folder, 32, lambda fold: True, None)
        self.assertEqual(cells[0].unique().tolist(), [0, 1, 300])
        self.assertEqual([(cells[0] == number).sum().item() for number in (1, 300)], [16 * 16] * 2)
        self.assertTrue(torch.equal(cells[0] > 0, masks[0]))

    def test_a_set_without_masks_takes_what_was_found_where_that_agrees(self):
        """Of three images one has the marked cell found, one another box, one a cell too many."""
        data, found, out = self.folder / "raabin", self.folder / "found", self.folder / "out"
        for folder in (data / "images", found / "labels"):
            folder.mkdir(parents=True)
        rows, images = ["image,class,white_cell_by_eye,xmin,ymin,xmax,ymax"], []
        boxes = {"agrees": [[8, 8, 20, 16]], "elsewhere": [[30, 30, 20, 16]], "more": [[8, 8, 20, 16], [34, 34, 12, 12]]}
        for name, cells in boxes.items():
            Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(data / f"images/{name}.png")
            labels = np.zeros((64, 64), np.uint16)
            for i, (x, y, w, h) in enumerate(cells):
                labels[y : y + h, x : x + w] = 256 * (i + 1)
            Image.fromarray(labels).save(found / f"labels/{name}.png")
            rows += [f"{name}.png,white_cell,neutrophil,8,8,28,24", f"{name}.png,red_cell,,40,2,60,22"]
            images.append({"file": f"/far/{name}.png", "ok": True, "width": 64, "height": 64,
                           "cells": [{"box": box} for box in cells]})
        (data / "labels.csv").write_text("\n".join(rows) + "\n")
        (found / "results.json").write_text(json.dumps({"images": images}))
        command = [sys.executable, support.ROOT / "tools/train/field_set.py", data, "-o", out]
        self.assertEqual(subprocess.run(command, capture_output=True).returncode, 2)
        subprocess.run([*command, "--found", found], check=True, capture_output=True)
        self.assertEqual([path.name for path in (out / "images").iterdir()], ["agrees.png"])
        mask = np.asarray(Image.open(out / "masks/agrees.png"))
        self.assertEqual((mask.max(), (mask > 0).sum(), mask[8:24, 8:28].min()), (255, 20 * 16, 255))
        ((name, classes, fold),) = read_labels(out)
        self.assertEqual((name, classes), ("agrees", ("neutrophil",)))
        subprocess.run([*command[:-1], self.folder / "none", "--found", found, "--without", str(fold)], check=True,
                       capture_output=True)
        self.assertEqual(read_labels(self.folder / "none"), [])

    def test_network_size(self):
        self.assertEqual(segmenter.network_size(640, 480, 320), (320, 240))
        self.assertEqual(segmenter.network_size(300, 300, 320), (320, 320))

    def test_the_middle_of_a_cut_is_the_box(self):
        image = Image.fromarray((np.arange(100 * 100 * 3) % 251).astype(np.uint8).reshape(100, 100, 3))
        side = round(classifier.SIDE * (1 + 2 * classifier.MARGIN))
        self.assertEqual(classifier.cut(image, (10, 20, 40, 30)).shape, (3, side, side))
        white = np.zeros((100, 100, 3), np.uint8)
        white[20:50, 10:50] = 255
        margin = (side - classifier.SIDE) // 2
        found = classifier.cut(Image.fromarray(white), (10, 20, 40, 30))
        blurred = 8  # an enlarged pixel is 7.5 wide
        self.assertTrue((found[:, margin + blurred : -margin - blurred, margin + blurred : -margin - blurred] == 255).all())
        self.assertTrue((found[:, : margin - blurred] == 0).all())


class Centres(unittest.TestCase):
    def labels(self):
        """Two discs that touch, the second cut off by what lies outside; a crumb."""
        labels = torch.zeros(1, 64, 96, dtype=torch.long)
        labels[0, disc(96, 30, 30, 20)[:64]] = 1
        labels[0, disc(96, 66, 34, 16)[:64]] = 2
        labels[0, 2:5, 2:5] = 3
        labels[0, :, 76:] = -1
        return labels

    def test_heatmap_and_offsets_tell_the_centres(self):
        labels = self.labels()
        heatmap, offsets, cells = centres.targets(labels)
        self.assertEqual((tuple(heatmap.shape), tuple(offsets.shape)), ((1, 16, 24), (1, 2, 16, 24)))
        self.assertEqual(cells.unique().tolist(), [-1, 0, 1, 2])
        rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(24.0), indexing="ij")
        for number in (1, 2):
            place = (labels[0] == number).nonzero().float().mean(0)
            y, x = ((place + 0.5) / 4 - 0.5).tolist()
            own = cells[0] == number
            self.assertTrue(torch.allclose((rows + offsets[0, 0])[own], torch.tensor(y), atol=1e-4))
            self.assertTrue(torch.allclose((columns + offsets[0, 1])[own], torch.tensor(x), atol=1e-4))
            self.assertGreater(heatmap[0, round(y), round(x)], 0.88)  # at most half a place off in y and x: exp(-1/16)
        self.assertEqual(offsets[0, :, cells[0] <= 0].abs().max(), 0)
        peaks = F.max_pool2d(heatmap[None], 7, 1, 3)[0] == heatmap
        self.assertEqual((peaks & (heatmap > 0.1)).sum(), 2)

    def test_the_loss_is_zero_for_the_truth_and_blind_where_nothing_is_known(self):
        labels = self.labels()
        heatmap, offsets, cells = centres.targets(labels)
        truth = torch.cat([heatmap[:, None], offsets], 1)
        self.assertEqual(centres.centre_loss(truth, labels), 0)
        outside, background = (cells == -1)[:, None], (cells == 0)[:, None]
        self.assertEqual(centres.centre_loss(torch.where(outside, 7.0, truth), labels), 0)
        elsewhere = torch.cat([heatmap[:, None], torch.where(background, 7.0, offsets)], 1)
        self.assertEqual(centres.centre_loss(elsewhere, labels), 0)
        self.assertGreater(centres.centre_loss(truth + 0.1, labels), 0)
        self.assertEqual(centres.centre_loss(truth, torch.full_like(labels, -1)), 0)

    def test_labels_are_warped_as_the_mask_and_unknown_outside(self):
        mask = disc()[None]
        for seed in range(8):
            images, masks, labels = Augmenter(STRONG_FIELDS, seed).warp(mask[:, None].float().repeat(1, 3, 1, 1), mask,
                                                                        (64, 80), 5 * mask.int())
            self.assertEqual(set(labels.unique().tolist()) - {-1, 0, 5}, set())
            known = labels >= 0
            self.assertLess((masks[known] != (labels[known] == 5)).float().mean(), 0.02)  # the rim, to the nearest pixel
        _, _, outside = Augmenter(Augmentation(scale=(0.5, 0.5)), 1).warp(torch.zeros(1, 3, 32, 32), mask[:, :32, :32],
                                                                          (32, 32), mask[:, :32, :32].int())
        self.assertGreater((outside == -1).float().mean(), 0.7)

    def test_a_start_without_a_head_keeps_the_rest_and_early_stages_stay(self):
        plain = DeepLabV3Plus(2)
        with tempfile.TemporaryDirectory() as folder:
            torch.save(plain.state_dict(), pathlib.Path(folder) / "model.pt")
            network = DeepLabV3Plus(2, centres=True)
            with self.assertRaises(RuntimeError):
                load_init(network, pathlib.Path(folder) / "model.pt")
            load_init(network, pathlib.Path(folder) / "model.pt", new=("centre_head.",))
        network.fix_first_stages()
        recipe = RECIPES["segmenter", "centres"]
        rates = {id(p): group["factor"] for group in make_optimizer(network, recipe).param_groups for p in group["params"]}
        self.assertNotIn(id(network.encoder.layer2[0].conv1.weight), rates)
        self.assertEqual(rates[id(network.encoder.layer3[0].conv1.weight)], recipe.encoder)
        self.assertEqual(rates[id(network.centre_head[1].weight)], 1)
        before = {key: value.clone() for key, value in network.state_dict().items()}
        network.train()
        logits, head = network(torch.rand(2, 3, 32, 48))
        self.assertEqual((tuple(logits.shape), tuple(head.shape)), ((2, 2, 32, 48), (2, 3, 8, 12)))
        changed = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
        self.assertTrue(changed)
        self.assertFalse([key for key in changed if key.startswith(("encoder.bn1", "encoder.layer1", "encoder.layer2"))])


class Networks(unittest.TestCase):
    def test_keys_are_what_the_engines_twin_has(self):
        """The converter's golden tests hold the presets to these keys; here only that both ends are one module."""
        self.assertIs(torch_nets.DeepLabV3Plus, DeepLabV3Plus)
        self.assertIn("decoder.aspp.0.convs.1.0.0.weight", DeepLabV3Plus(2).state_dict())
        self.assertEqual(alexnet(5).state_dict()["classifier.6.weight"].shape, (5, 4096))

    def test_dice(self):
        sure = torch.tensor([[[[-50.0, 50.0]], [[50.0, -50.0]]]])
        target = torch.tensor([[[1, 0]]])
        self.assertAlmostEqual(segmenter.dice_loss(sure, target).item(), 0, places=6)
        self.assertAlmostEqual(segmenter.dice_loss(-sure, target).item(), 1 - 1 / 3, places=6)


if __name__ == "__main__":
    unittest.main()
