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
import left_out

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


class RecordedAcross(Recorded):
    def run(self, *command):
        words = [str(word) for word in command]
        if "--network" not in words:
            return super().run(*command)
        self.commands.append(words)
        out = pathlib.Path(words[words.index("--out") + 1])
        out.mkdir(parents=True)
        (out / "five.pt").touch()


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


class LeavingLaboratoriesOut(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in left_out.LABORATORY:
            (self.folder / "data" / name).mkdir(parents=True)
        for name in ("krd", "chula", "raabin", "draaslan"):
            (self.folder / "data" / name / "labels.csv").write_text(
                "image,class,xmin,ymin,xmax,ymax\na.jpg,monocyte,0,0,50,50\nb.jpg,red_cell,60,60,99,99\n"
            )
        (self.folder / "data/fields/labels.csv").write_text("image,classes,fold\n")
        (self.folder / "data/fields/images").mkdir()
        (self.folder / "data/pbc-more/labels.csv").write_text("image,class\n")

    def run_all(self, *more):
        given = ["--across", self.folder / "data", "--imagenet", "r.npz", "--giemsa", "giemsa"]
        given += ["--work", self.folder / "work"]
        before, sys.argv = sys.argv, [str(word) for word in ["cross_validate", *given, *more]]
        try:
            bench = RecordedAcross(cross_validate.arguments())
        finally:
            sys.argv = before
        bench.commands = []
        left_out.leave_laboratories_out(bench)
        return bench.commands

    def test_teacher_and_classifier_go_without_the_laboratory_that_tests_them(self):
        commands = self.run_all("--leave-out", "krd,chula")
        trained = [words for words in commands if any(word.endswith("across.py") for word in words)]
        networks = [(words[words.index("--network") + 1], words[words.index("--leave-out") + 1]) for words in trained]
        expected = [(network, name) for name in ("krd", "chula") for network in ("teacher", "classifier")]
        self.assertEqual(networks, expected)
        for words in trained[1::2]:
            name = words[words.index("--leave-out") + 1]
            self.assertIn(f"teacher/without-{name}/model.pt", words[words.index("--teacher") + 1])
        tested = [words for words in commands if words[1] == "eval" and "--classifier" in words]
        self.assertEqual([pathlib.Path(words[2]).name for words in tested], ["krd", "chula"])
        for words in tested:
            name = pathlib.Path(words[2]).name
            self.assertIn(f"without-{name}.safetensors", words[words.index("--classifier") + 1])

    def test_links_to_the_cells_of_the_five_classes_alone(self):
        self.run_all("--leave-out", "chula")
        links = sorted(str(path.relative_to(self.folder / "work/held-out")) for path in self.folder.rglob("*.jpg"))
        self.assertEqual(links, ["chula/monocyte/chula-images-a.jpg"])

    def test_given_again_it_goes_on(self):
        self.assertTrue(self.run_all("--leave-out", "krd", "--final"))
        self.assertEqual(self.run_all("--leave-out", "krd", "--final"), [])

    def test_what_is_needed_is_said(self):
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as said:
            sys_argv, sys.argv = sys.argv, ["cross_validate", "--giemsa", "g", "--work", "w"]
            try:
                cross_validate.arguments()
            finally:
                sys.argv = sys_argv
        self.assertIn("--fields, --cells, --samples is needed", said.getvalue())


if __name__ == "__main__":
    unittest.main()
