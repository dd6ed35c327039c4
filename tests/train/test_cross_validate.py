"""The order of a cross validation: which command gets which images, and how it goes on. No command is really run."""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import sys
import tempfile
import unittest

import support

loader = importlib.machinery.SourceFileLoader("cross_validate", str(support.ROOT / "tools/train/cross_validate"))
cross_validate = importlib.util.module_from_spec(importlib.util.spec_from_loader("cross_validate", loader))
loader.exec_module(cross_validate)


class Recorded(cross_validate.Bench):
    """Notes each command, and leaves what it would have made."""

    stop_at = None

    def run(self, *command):
        words = [str(word) for word in command]
        if self.stop_at is not None and len(self.commands) == self.stop_at:
            raise cross_validate.OutOfTime()
        self.commands.append(words)
        if "-o" in words:
            pathlib.Path(words[words.index("-o") + 1]).touch()
        elif "eval" in words:
            out = pathlib.Path(words[words.index("--out") + 1])
            out.mkdir(parents=True)
            (out / "eval.json").write_text(json.dumps({"command": words}))
        elif "--recipe" in words:
            out = pathlib.Path(words[words.index("--out") + 1])
            out.mkdir(parents=True)
            (out / "model.pt").touch()
        else:
            pathlib.Path(words[-1]).mkdir()


class CrossValidation(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for kind in ("basophil", "monocyte"):
            (self.folder / "cells" / kind).mkdir(parents=True)
            for i in range(20):
                (self.folder / "cells" / kind / f"{i}.jpg").write_text(kind)
        self.commands = []

    def bench(self, *more):
        given = [
            "cross_validate",
            "--fields",
            "fields",
            "--cells",
            self.folder / "cells",
            "--giemsa",
            "giemsa",
            "--samples",
            "samples",
        ]
        given += ["--work", self.folder / "work", *more]
        before, sys.argv = sys.argv, [str(word) for word in given]
        try:
            bench = Recorded(cross_validate.arguments())
        finally:
            sys.argv = before
        bench.commands = self.commands
        return bench

    def trainings(self, network):
        return [words for words in self.commands if len(words) > 1 and words[1].endswith(f"{network}.py")]

    def test_every_fold_is_kept_out_of_its_own_training(self):
        self.bench("--folds", "0-2").work_through()
        for network in ("classifier", "segmenter"):
            smears, *folds = self.trainings(network)
            self.assertNotIn("--fold", smears)
            self.assertEqual([words[words.index("--fold") + 1] for words in folds], ["0", "1", "2"])
            self.assertEqual(len({words[words.index("--init") + 1] for words in folds}), 1)

    def test_a_fold_is_evaluated_on_its_own_images_alone(self):
        self.bench("--folds", "3").work_through()
        made = {name: json.loads((self.folder / f"work/eval/{name}.json").read_text())["command"]
                for name in ("classifier-cells-fold3", "classifier-fields-fold3", "segmenter-fields-fold3")}  # fmt: skip
        for name in ("classifier-fields-fold3", "segmenter-fields-fold3"):
            self.assertEqual(made[name][made[name].index("--fold") + 1], "3")
        held_out = pathlib.Path(made["classifier-cells-fold3"][2])
        names = {f"{path.parent.name}/{path.name}" for path in held_out.rglob("*.jpg")}
        folds = cross_validate.deal(cross_validate.class_folders(self.folder / "cells"))
        self.assertEqual(names, {f"{kind}/{name}" for (kind, name), fold in folds.items() if fold == 3})
        self.assertTrue(names)
        self.assertTrue(all(path.read_text() == path.parent.name for path in held_out.rglob("*.jpg")))

    def test_fields_are_evaluated_with_both_networks_of_the_fold(self):
        self.bench("--folds", "4").work_through()
        command = json.loads((self.folder / "work/eval/segmenter-fields-fold4.json").read_text())["command"]
        for network in ("segmenter", "classifier"):
            self.assertTrue(command[command.index(f"--{network}") + 1].endswith(f"{network}/fold4.safetensors"))

    def test_what_is_done_is_not_done_again(self):
        self.bench("--folds", "0").work_through()
        done = len(self.commands)
        self.bench("--folds", "0").work_through()
        self.assertEqual(len(self.commands), done)

    def test_goes_on_after_any_command(self):
        self.bench("--folds", "0-1", "--final").work_through()
        whole, count = sorted(map(str, self.commands)), len(self.commands)
        for stop in range(1, count):
            with tempfile.TemporaryDirectory() as other:
                self.commands = []
                bench = self.bench("--folds", "0-1", "--final", "--work", other)
                bench.stop_at = stop
                with self.assertRaises(cross_validate.OutOfTime):
                    bench.work_through()
                self.bench("--folds", "0-1", "--final", "--work", other).work_through()
                self.assertEqual(
                    sorted(str(words).replace(other, str(self.folder / "work")) for words in self.commands), whole
                )

    def test_the_papers_recipe_starts_from_nothing(self):
        self.bench("--folds", "0", "--recipe", "paper").work_through()
        self.assertFalse([words for words in self.commands if "--init" in words or "samples" in words[0]])

    def test_unseen_data(self):
        self.bench("--folds", "0-1", "--final", "--unseen", "far/away").work_through()
        made = {path.stem for path in (self.folder / "work/eval").glob("*-away.json")}
        self.assertEqual(made, {"shipped-away", "fold0-away", "final-away"})
        self.assertFalse(
            [words for network in ("classifier", "segmenter") for words in self.trainings(network) if "far/away" in words]
        )

    def test_folds(self):
        self.assertEqual(cross_validate.parse_folds("0,2-4"), [0, 2, 3, 4])
        for wrong in ("10", "-1", "3-", "4-3", "", "x"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=wrong):
                cross_validate.parse_folds(wrong)

    def test_no_time_left(self):
        bench = cross_validate.Bench(self.bench("--minutes", "0.0000001").options)
        with self.assertRaises(cross_validate.OutOfTime), contextlib.redirect_stdout(io.StringIO()):
            bench.run("false")


if __name__ == "__main__":
    unittest.main()
