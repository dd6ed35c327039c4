"""giemsa run --watch: images that come while it runs."""

import json
import signal
import time
import unittest

from support import CommandTest, noise_png

OPTIONS = ["--threads", "1", "--threshold", "1e-30"]


def wait_until(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    return condition()


class Watch(CommandTest):
    def documents(self, out):
        try:
            return json.loads((out / "results.json").read_text())
        except FileNotFoundError:
            return {"images": []}

    def test_images_that_come_are_identified_and_stand_in_the_tables(self):
        folder, out = self.dir / "camera", self.dir / "out"
        folder.mkdir()
        with self.popen("run", folder, "--watch", "--out", out, *OPTIONS) as process:
            try:
                for i in range(3):
                    self.write(f"camera/patient {i % 2}/{i}.png", noise_png(64, 48, i))
                    self.assertTrue(wait_until(lambda: len(self.documents(out)["images"]) == i + 1))
                self.assertFalse(self.documents(out)["complete"])
                self.write("camera/broken.png", b"no image")
                self.assertTrue(wait_until(lambda: len(self.documents(out)["images"]) == 4))
                self.write("camera/patient 1/1.png", noise_png(80, 40, 7))  # drawn anew
                width = lambda: [image["width"] for image in self.documents(out)["images"] if image["name"] == "patient 1/1"]
                self.assertTrue(wait_until(lambda: width() == [80]))
            finally:
                process.send_signal(signal.SIGINT)
            process.communicate()
        self.assertEqual(process.returncode, 1)  # one could not be used
        document = self.documents(out)
        self.assertTrue(document["complete"])
        self.assertEqual([(image["name"], image["ok"]) for image in document["images"]],
                         [("patient 0/0", True), ("patient 1/1", True), ("patient 0/2", True), ("broken", False)])
        self.assertEqual([(one["patient"], one["images"]) for one in document["patients"]],
                         [("patient 0", 2), ("patient 1", 1), (".", 0)])
        self.assertTrue((out / "labels/patient 1/1.png").exists())

    def test_a_watch_goes_on_where_the_last_one_ended(self):
        folder, out = self.dir / "camera", self.dir / "out"
        self.write("camera/a.png", noise_png(64, 48, 1))
        for expected in [["a"], ["a", "b"]]:
            with self.popen("run", folder, "--watch", "--resume", "--out", out, *OPTIONS) as process:
                done = wait_until(lambda: len(self.documents(out)["images"]) == len(expected))
                process.send_signal(signal.SIGTERM)
                process.communicate()
            self.assertTrue(done)
            self.assertEqual(process.returncode, 0)
            self.assertEqual([image["name"] for image in self.documents(out)["images"]], expected)
            changed = (out / "labels/a.png").stat().st_mtime_ns
            self.write("camera/b.png", noise_png(64, 48, 2))
        self.assertEqual(changed, (out / "labels/a.png").stat().st_mtime_ns)

    def test_only_folders_are_watched(self):
        image = self.write("a.png", noise_png(64, 48, 1))
        self.refused("run", image, "--watch", code=2, says="a.png: no folder, so nothing to watch")


if __name__ == "__main__":
    unittest.main()
