"""bench/results/index.html: what the committed files give, sound, and complete in itself."""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKE = ROOT / "bench/page/make"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench/page"))
import html_parts  # noqa: E402
import svg  # noqa: E402

VOID = {"meta", "br", "line", "rect", "circle", "path"}  # the shapes, where they close themselves


class Checker(html.parser.HTMLParser):
    """Collects what is not well-formed, or points outside."""

    def __init__(self):
        super().__init__()
        self.open, self.problems, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.look_at(tag, attributes)

    def handle_startendtag(self, tag, attributes):
        if tag not in VOID:
            self.problems.append(f"<{tag}/> closes itself")
        self.look_at(tag, attributes)

    def look_at(self, tag, attributes):
        if tag in ("script", "link", "img", "iframe", "object", "base"):
            self.problems.append(f"<{tag}>")
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name == "href":
                self.links.append(value)
            elif name in ("src", "srcset", "style") or name.startswith("on"):
                self.problems.append(f"<{tag} {name}={value}>")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes another tag")


def problems_of(page):
    checker = Checker()
    checker.feed(page)
    checker.close()
    found = checker.problems + [f"<{tag}> is never closed" for tag in checker.open]
    found += [f"id {name} twice" for name in set(checker.ids) if checker.ids.count(name) > 1]
    found += [f"link to {link}" for link in checker.links if link[:1] != "#" or link[1:] not in checker.ids]
    plain = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    found += re.findall(r"https?://\S+|//\w+\.\S+|url\([^)]*\)|@import.*", plain)
    return found


def make(results, *options):
    done = subprocess.run([sys.executable, "-B", MAKE, "--results", results, *options], capture_output=True, text=True)
    return done.returncode, done.stderr


MACHINE = {"device": "d", "cpu": "<Some> CPU", "architecture": "", "cores": 2, "flags": ["avx2"], "memory_gb": 8,
           "kernel": "6.1", "niceness": 0}


def row(name, precision, p50, **more):
    return {"name": name, "precision": precision, "ours": name == "Giemsa", "verified": True, "error": 1e-5,
            "agreement": 1.0, "p50": p50, "p90": p50, "p99": 2 * p50, "samples": 9, "load_ms": 5.0, "peak_mb": 9.0, **more}


def frameworks(rows, **more):
    return {"machine": MACHINE, "threads": 2, "peers": ["Peer 1"], "commit": "abc", "date": "2026-01-01",
            "command": "run --save", "cases": [{"title": "Net, batch 1", "turns": 4, "disturbed": 1, "rows": rows, **more}]}


class Page(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.results = pathlib.Path(folder.name)

    def write(self, name, content):
        file = self.results / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))

    def page(self):
        status, self.said = make(self.results)
        self.assertEqual(status, 0, self.said)
        page = (self.results / "index.html").read_text()
        self.assertEqual(problems_of(page), [])
        return page

    def test_the_committed_page_is_what_the_committed_files_give(self):
        self.assertEqual(make(ROOT / "bench/results", "--check"), (0, ""))
        page = (ROOT / "bench/results/index.html").read_text()
        self.assertEqual(problems_of(page), [])
        self.assertLess(len(page), 1 << 20)

    def test_another_page_is_noticed(self):
        shutil.copytree(ROOT / "bench/results", self.results, dirs_exist_ok=True)
        self.assertEqual(make(self.results, "--check")[0], 0)
        with open(self.results / "index.html", "a") as file:
            file.write(" ")
        self.assertEqual(make(self.results, "--check")[0], 1)
        (self.results / "index.html").unlink()
        self.assertEqual(make(self.results, "--check")[0], 1)

    def test_defects_of_a_page_are_noticed(self):
        good = html_parts.section("A", html_parts.table(["", "b"], [["c", 1]]))
        self.assertEqual(problems_of(good), [])
        for bad in ("<p>", "</p>", '<img src="a.png">', '<a href="https://a.b/">a</a>', '<a href="#b">b</a>', "<p/>",
                    "<style>@import 'a';</style>", "<p style='background: url(a.png)'>a</p>", "<p onclick='a'>a</p>"):
            self.assertNotEqual(problems_of(good + bad), [], bad)

    def test_the_fastest_sound_peer_is_the_one_to_beat(self):
        self.write("d/frameworks.json", frameworks([
            row("Giemsa", "fp32", 10.0), row("Peer 1 quick", "fp32", 5.0, verified=False), row("Peer 1 slow", "fp32", 30.0),
            row("Peer 1 good", "fp32", 20.0), row("Peer 2", "int8", 4.0, peer="Peer 2", ratio=0.8), row("Giemsa", "bf16", 5.0),
            {"name": "Peer 1 odd", "precision": "bf16", "ours": False, "verified": False, "failure": "no <such> op"}]))
        page = self.page()
        self.assertIn("Peer 1 good, fp32 takes 2.00 times as long as ours", page)
        self.assertIn("Peer 2, int8 is ahead, in 0.80 of our time", page)
        self.assertIn("Peer 1 quick: beyond tolerance, does not count", page)
        self.assertIn("no &lt;such&gt; op", page)
        self.assertIn("1 of 4 turns", page)
        chart = page.split("<svg", 1)[1].split("</svg>")[0]
        self.assertIn("Peer 1 good", chart)
        self.assertNotIn("Peer 1 quick", chart)
        self.assertNotIn("Peer 1 slow", chart)

    def test_rows_that_only_ran_in_heats_and_missing_peers(self):
        heat = row("Peer 1 b", "fp32", 9.0, peer="Peer 1", heat_ms=41.5)
        for key in ("p50", "p90", "p99"):
            del heat[key]
        result = frameworks([row("Giemsa", "fp32", 10.0, accuracy=0.91234), heat], network="segmenter")
        self.write("d/frameworks.json", result | {"missing": {"Peer 3": "it needs a GPU"}})
        page = self.page()
        self.assertIn("41.5 in the heats", page)
        self.assertIn("0.9123", page)
        self.assertIn("Peer 3 took no part: it needs a GPU", page)

    def test_roofline_and_ops(self):
        counters = {"GFLOP/s": 50.0, "GB/s": 5.0, "%flops": 50.0, "%copy": 25.0}
        common = {"machine": MACHINE, "commit": "abc", "date": "2026-01-01", "command": "record", "busy_with_others": 0.03}
        of = lambda name: {"name": name, "unit": "us", "median": 1500.0, "min": 1.0, "max": 2.0, "repetitions": 3, **counters}
        self.write("d/bench_conv.json", {**common, "fp32_flops": 1e11, "bf16_flops": 2e11, "copy_bytes": 2e10,
                                         "rows": [of("net/8x8/1/a.b/fp32"), of("net/8x8/1/a.b/bf16")]})
        self.write("d/bench_ops.json", {**common, "rows": [of("pool/fp32")]})
        page = self.page()
        self.assertIn("others used 3.0 % of the processors meanwhile", page)
        self.assertIn("a.b fp32: 50.0 GFLOP/s", page)
        self.assertRegex(page, r"<th scope=\"row\">pool/fp32</th><td>1.50</td>")

    def test_a_ladder_that_a_gpu_timed(self):
        step = {"name": "v1", "change": "c", "equals_first": True, "after_flush_us": 12.5, "gbytes_per_s": 1.0,
                "gflops_per_s": 2.0, "percent_of_limit": 3.0}
        wrong = {"name": "v2", "change": "c", "equals_first": False}
        case = {"title": "t", "steps": [step, wrong, {**step, "name": "product", "in_graph_us": 7.5, "percent_of_vendor": 90.0}],
                "vendor": "cuDNN x", "vendor_us": 6.75}
        self.write("g/gpu-ladder.json", {"device": "GPU", "driver": "1", "runtime": "2", "vendor": "cuDNN", "convolution": [case],
                                         "labels": []})
        page = self.page()
        for text in ("cuDNN x: 6.75 us", "another result: not timed", "<td>7.50</td><td>12.5</td>"):
            self.assertIn(text, page)
        self.assertNotIn("no machine with one", page)

    def test_a_second_device_has_a_section_of_its_own(self):
        for device in ("d", "e"):
            self.write(f"{device}/frameworks.json", frameworks([row("Giemsa", "fp32", 10.0)]))
        self.assertIn("<h2>Latency beside the frameworks (e)</h2>", self.page())

    def test_a_busy_machine_has_a_section_of_its_own(self):
        self.write("d/frameworks.json", frameworks([row("Giemsa", "fp32", 10.0)]))
        self.write("d/frameworks-neighbours-1.json", frameworks([row("Giemsa", "fp32", 20.0)]) | {"neighbours": 1})
        self.assertIn("<h2>Latency beside the frameworks and 1 busy neighbour</h2>", self.page())

    def test_accuracy(self):
        figure = {"value": 0.98765, "low": 0.97, "high": 0.99}
        self.write("accuracy/folds/fold0.json", {"giemsa": "0.1.0", "dataset": {"images": 7},
                                                 "classification": {"accuracy": figure, "macro": {"f1": {"value": None}}}})
        self.assertIn("0.9877 [0.970, 0.990]", self.page())

    def test_files_that_are_not_understood_are_named(self):
        self.write("d/broken.json", "{")
        self.write("d/frameworks.json", {"cases": 1})
        self.write("d/else.json", {})
        self.write("accuracy/other.json", [])
        page = self.page()
        for name in ("d/broken.json", "d/frameworks.json", "d/else.json", "accuracy/other.json"):
            self.assertIn(f"{name} is not shown", page)
            self.assertIn(f"{name} is not shown", self.said)

    def test_an_empty_folder_says_what_is_missing(self):
        page = self.page()
        for what in ("GPU", "bench/frameworks/run --save", "Accuracy on held-out data"):
            self.assertIn(what, page)


class Parts(unittest.TestCase):
    def test_numbers(self):
        for value, text in ((47.70015, "47.7"), (0.01234, "0.0123"), (0.5, "0.500"), (1234.5, "1,234"), (284.0, "284"),
                            (1e-7, "1.00e-07"), (0, "0"), (5, "5"), (0.0, "0"), (9.999, "10.0")):
            self.assertEqual(html_parts.number(value), text)

    def test_axes_hold_what_is_drawn(self):
        for least, most in ((0.3, 0.9), (1, 10), (20, 47), (99, 101), (1e-7, 0.2)):
            for ticks in (svg.log_ticks(least, most), svg.decades(least, most)):
                self.assertLessEqual(ticks[0], least)
                self.assertGreaterEqual(ticks[-1], most)
                self.assertEqual(ticks, sorted(set(ticks)))
            self.assertGreaterEqual(svg.ticks(most)[-1], most)
            self.assertLessEqual(len(svg.ticks(most)), 6)

    def test_whiskers_stay_on_the_chart(self):
        drawn = svg.bars("t", [("g", [svg.Bar("a", 10.0, "ours", 1000.0)])], "ms")
        self.assertIn("arrow", drawn)
        self.assertLessEqual(max(float(x) for x in re.findall(r'x2="([\d.]+)"', drawn)), svg.WIDTH)


