"""Engines: models, options, threads, processes, failures."""

import concurrent.futures
import multiprocessing
import os
import pathlib
import pickle
import tempfile
import threading
import time
import unittest
from unittest import mock

import numpy as np

import giemsa
from giemsa import weights
from giemsa.engine import SessionOptions
from support import MODELS, SAMPLES, assert_same, engine, found, smear


def count_cells(of, image):
    """For another process."""
    return len(of.identify(image)), os.getpid()


class Models(unittest.TestCase):
    def test_each_may_be_absent(self):
        nameless = giemsa.Engine(classifier=None, device="cpu").identify(smear())
        self.assertTrue(np.array_equal(nameless.labels, found().labels))
        self.assertEqual((nameless.classes, nameless.counts()), ([None] * len(found()), {}))
        self.assertEqual(nameless.to_dict()["cells"][0]["class"], None)
        self.assertNotIn("classification", nameless.to_geojson()["features"][0]["properties"])
        nameless.overlay(smear())
        nameless.to_pandas()
        classifier = giemsa.Engine(segmenter=None, device="cpu")
        self.assertTrue(np.array_equal(classifier.classify(smear(), found().boxes), found().probabilities))
        self.assertEqual(classifier.classify(smear(), np.zeros((0, 4), int)).shape, (0, 6))
        with self.assertRaises(giemsa.UsageError):
            classifier.identify(smear())
        for boxes in ([1, 2, 3, 4], [[0.5, 1, 2, 3]], [[630, 0, 20, 20]]):
            with self.assertRaises(giemsa.UsageError):
                classifier.classify(smear(), boxes)

    def test_from_memory(self):
        data = {role: memoryview(path.read_bytes()) for role, path in MODELS.items()}
        in_memory = giemsa.Engine(**data, device="cpu")
        del data
        assert_same(self, in_memory.identify(smear()), found())

    def test_what_cannot_be_opened(self):
        for arguments, error, status, says in (
                ({"segmenter": "nowhere.safetensors"}, giemsa.ModelError, "GIEMSA_E_MODEL", os.path.abspath("nowhere")),
                ({"segmenter": MODELS["classifier"]}, giemsa.ModelError, "GIEMSA_E_MODEL", "alexnet"),
                ({"classifier": b"no model"}, giemsa.ModelError, "GIEMSA_E_MODEL", "memory"),
                ({"device": "abacus"}, giemsa.UsageError, "GIEMSA_E_ARGUMENT", "abacus"),
                ({"device": "cuda:77"}, giemsa.DeviceError, "GIEMSA_E_DEVICE", ""),
                ({"precision": "fp8"}, giemsa.UsageError, "GIEMSA_E_ARGUMENT", "fp8"),
                ({"precision": "fp16", "device": "cpu"}, giemsa.UsageError, "GIEMSA_E_ARGUMENT", "fp16"),
                ({"sessions": 0}, giemsa.UsageError, "GIEMSA_E_ARGUMENT", "sessions"),
                ({"segmenter": None, "classifier": None}, giemsa.UsageError, "GIEMSA_E_ARGUMENT", "neither")):
            with self.subTest(arguments), self.assertRaises(error) as refused:
                giemsa.Engine(**arguments)
            self.assertEqual(refused.exception.status, status)
            self.assertIn(says, refused.exception.args[0])
            again = pickle.loads(pickle.dumps(refused.exception))
            self.assertEqual((type(again), again.args, again.status), (error, refused.exception.args, status))

    def test_where_the_shipped_ones_are_looked_for(self):
        for variable in weights.VARIABLES:
            elsewhere = {name: "" for name in weights.VARIABLES} | {variable: "/no/such/folder"}
            with mock.patch.dict(os.environ, elsewhere), self.assertRaises(giemsa.ModelError) as refused:
                giemsa.Engine()
            for part in (weights.SEGMENTER, "/no/such/folder", variable, "GIEMSA_WEIGHTS"):
                self.assertIn(part, refused.exception.args[0])
            with mock.patch.dict(os.environ, elsewhere | {variable: str(MODELS["segmenter"].parent)}):
                self.assertEqual(weights.find_weights(weights.SEGMENTER), str(MODELS["segmenter"]))
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(weights, "__file__", folder + "/weights.py"), \
                mock.patch.dict(os.environ, {name: "" for name in weights.VARIABLES}):
            beside = pathlib.Path(folder, "weights", weights.CLASSIFIER)
            beside.parent.mkdir()
            beside.touch()
            self.assertEqual(weights.find_weights(weights.CLASSIFIER), str(beside))
            with mock.patch.object(weights.sys, "prefix", folder), self.assertRaises(giemsa.ModelError) as refused:
                weights.find_weights("nowhere.safetensors")
            self.assertIn(f"{folder}/weights", refused.exception.args[0])
            self.assertIn(f"{folder}/share/giemsa/weights", refused.exception.args[0])

    def test_it_says_what_it_is(self):
        self.assertEqual(engine().classes, ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil", "other"))
        self.assertTrue(engine().device.startswith("cpu"))
        self.assertEqual(engine().precision, "fp32")
        self.assertEqual(len(engine().provenance["classifier"]["sha256"]), 64)

    def test_a_profile_belongs_to_its_classifier(self):
        self.assertIsNone(engine().provenance["profile"])
        with tempfile.TemporaryDirectory() as folder:
            profile = pathlib.Path(folder, "lab.json")
            profile.write_text("{}")
            with self.assertRaises(giemsa.UsageError) as refused:
                giemsa.Engine(profile=profile)
            self.assertIn("lab.json: is no laboratory profile", str(refused.exception))


class Options(unittest.TestCase):
    def test_each_has_an_effect(self):
        least, most = min(found().areas), max(found().areas)
        self.assertTrue(all(engine().identify(smear(), min_area=int(most)).areas >= most))
        self.assertGreaterEqual(len(engine().identify(smear(), min_area=0)), len(found()))
        self.assertLess(engine().identify(smear(), threshold=0.99).areas.sum(), found().areas.sum())
        smaller = engine().identify(smear(), segment_size=256)
        self.assertFalse(np.array_equal(smaller.labels, found().labels))
        self.assertTrue(np.array_equal(engine().identify(smear(), segment_size=(256, 192)).labels, smaller.labels))
        self.assertFalse(np.array_equal(engine().identify(smear(), crop="matlab").probabilities, found().probabilities))
        self.assertGreater(least, 200)
        limit = float(np.nextafter(found().probabilities.max(axis=1).min(), np.float32(2)))
        unsure = engine().identify(smear(), min_probability=limit)
        self.assertEqual(unsure.counts()["unsure"], unsure.unsure.sum())
        self.assertEqual([name == "unsure" for name in unsure.classes], list(unsure.probabilities.max(axis=1) < limit))
        self.assertIn("unsure", unsure.classes)
        self.assertEqual(list(unsure.class_indices), list(found().class_indices))

    def test_what_is_refused(self):
        for options in ({"threshold": 0}, {"threshold": 1.5}, {"threshold": float("nan")}, {"min_area": -1}, {"min_probability": 2}, {"crop": "round"}, {"split": "watershed"},
                        {"segment_size": -4}):
            with self.subTest(options), self.assertRaises(giemsa.UsageError):
                engine().identify(smear(), **options)
        with self.assertRaisesRegex(giemsa.ModelError, "no centre head"):
            engine().identify(smear(), split="centre")
        assert_same(self, engine().identify(smear()), found())  # the pool is as it was


class Threads(unittest.TestCase):
    def test_threads_share_an_engine(self):
        shared = giemsa.Engine(device="cpu", threads=1, sessions=2)
        shared.prepare(640, 480)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for cells in pool.map(shared.identify, [smear()] * 6):
                assert_same(self, cells, found())
        self.assertEqual(len(shared._pool._idle), 2)
        shared.identify(smear()[:200], min_area=3)  # takes the place of an idle session with other options
        self.assertEqual(sorted(options.min_area for options, _ in shared._pool._idle), [3, 200])

    def test_other_threads_run_meanwhile(self):
        ticks, stop = [], threading.Event()

        def tick():
            while not stop.wait(0.001):
                ticks.append(time.perf_counter())

        thread = threading.Thread(target=tick)
        engine().identify(smear())  # compiles
        thread.start()
        try:
            start = time.perf_counter()
            engine().identify(smear())
            end = time.perf_counter()
        finally:
            stop.set()
            thread.join()
        third = (end - start) / 3
        self.assertTrue(any(start + third < at < end - third for at in ticks))

    def test_close_ends_what_is_under_way(self):
        closed, outcome = giemsa.Engine(device="cpu"), []

        def identify():
            try:
                closed.identify(np.zeros((3000, 4000, 3), np.uint8), segment_size=(2048, 1536))
            except giemsa.GiemsaError as error:
                outcome.append(type(error))

        thread = threading.Thread(target=identify)
        thread.start()
        while thread.is_alive() and not closed._pool._busy:
            time.sleep(0.001)
        while thread.is_alive():
            closed.close()
            thread.join(0.01)
        self.assertEqual(outcome, [giemsa.Cancelled])
        with self.assertRaisesRegex(giemsa.UsageError, "closed"):
            closed.identify(smear())


class Processes(unittest.TestCase):
    def test_pickles_by_its_arguments(self):
        original = giemsa.Engine(device="cpu", threads=1, sessions=3, classifier=None)
        again = pickle.loads(pickle.dumps(original))
        self.assertEqual(again._arguments, original._arguments)
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            self.assertEqual(pool.submit(count_cells, original, smear()).result()[0], len(found()))

    def test_a_forked_child_is_told(self):
        engine().identify(smear())
        child = os.fork()
        if child == 0:
            status = 1
            try:
                engine().identify(smear())
            except giemsa.UsageError as error:
                status = 0 if "fork" in error.args[0] else 2
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(child, 0)[1], 0)


class Files(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.broken = pathlib.Path(scratch.name, "broken.png")
        self.broken.write_bytes(SAMPLES[0].read_bytes()[:5000])

    def test_in_order_with_failures_kept(self):
        files = [SAMPLES[1], self.broken, SAMPLES[0], "nowhere.png"]
        cells = list(engine().identify_files(files, errors="keep"))
        self.assertEqual([each.file for each in cells], [os.fspath(file) for file in files])
        self.assertEqual([each.error is None for each in cells], [True, False, True, False])
        assert_same(self, cells[2], found())
        self.assertGreater(cells[2].ms["decode"], 0)
        self.assertIn("broken.png", cells[1].error)
        self.assertEqual((cells[1].to_dict()["ok"], cells[1].to_dict()["cells"]), (False, []))
        self.assertIn("broken.png", cells[1]._repr_html_())

    def test_failures_raised(self):
        with self.assertRaisesRegex(giemsa.ImageError, "broken.png"):
            list(engine().identify_files([self.broken, SAMPLES[0]]))

    def test_one_may_stop_early(self):
        results = engine().identify_files([SAMPLES[0]] * 50)
        assert_same(self, next(results), found())
        results.close()
        self.assertEqual(engine()._pool._in_use, 0)

    def test_session_options_are_the_librarys(self):
        self.assertEqual(SessionOptions._fields, ("min_area", "threshold", "segment_width", "segment_height", "crop",
                                                  "min_probability", "split"))
