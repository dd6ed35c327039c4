"""Per image: ours beside the frameworks, from what bench/frameworks/run --save keeps."""

from html_parts import details, escape, figure, figures, machine_facts, number, percent, source, table
from svg import Bar, LogPlot, Point, bars

CLASSES = [("fp32", lambda row: row["precision"] == "fp32"), ("reduced precision", lambda row: row["precision"] != "fp32")]


def peer_of(row):
    """"PyTorch 2.15.0"; older files name it together with its setting only."""
    if row["ours"]:
        return "Giemsa"
    return row.get("peer") or row["name"].rsplit(" ", 1)[0]


def label(row):
    """The name, and the precision where it says none."""
    name = row["name"]
    return name if name.endswith(" " + row["precision"]) else f"{name}, {row['precision']}"


def timed(row):
    return "p50" in row


def sound(row):
    return timed(row) and row["verified"]


def best_of_each(rows):
    """The fastest sound row of each peer and of ours, fastest first."""
    best = {}
    for row in sorted(filter(sound, rows), key=lambda row: row["p50"]):
        best.setdefault(peer_of(row), row)
    return list(best.values())


def chart(case):
    groups = []
    for name, belongs in CLASSES:
        rows = best_of_each(filter(belongs, case["rows"]))
        if rows:
            groups.append((name, [Bar(label(row), row["p50"], "ours" if row["ours"] else "peer", row["p99"],
                                      f"p90 {number(row['p90'])}, p99 {number(row['p99'])}") for row in rows]))
    return bars(f"{case['title']}: milliseconds a call", groups, "ms")


def ours_and_peer(case, belongs):
    """The fastest of each; None where there is none."""
    rows = best_of_each(filter(belongs, case["rows"]))
    return next((row for row in rows if row["ours"]), None), next((row for row in rows if not row["ours"]), None)


def times_ours(ours, peer):
    """How many times as long the peer takes: by rounds where the file has that, else of the medians."""
    return peer.get("ratio", peer["p50"] / ours["p50"])


def summary(result):
    """A row a case and class: ours, the fastest peer, and the ratio."""
    rows = []
    for name, belongs in CLASSES:
        for case in result["cases"]:
            ours, peer = ours_and_peer(case, belongs)
            if ours or peer:
                rows.append([f"{case['title']}, {name}", f"{times_ours(ours, peer):.2f}" if ours and peer else "-",
                             number(ours["p50"]) if ours else "-", number(peer["p50"]) if peer else "-",
                             label(ours) if ours else "-", label(peer) if peer else "-"])
    return table(["", "peer's time / ours", "ours, ms", "peer's, ms", "our fastest", "fastest peer"], rows)


def verdict(case):
    """In words: ours against the fastest peer of each class."""
    said = []
    for name, belongs in CLASSES:
        ours, peer = ours_and_peer(case, belongs)
        if not ours or not peer:
            continue
        ratio = times_ours(ours, peer)
        if ratio >= 1:
            said.append(f"{name}: {label(peer)} takes {ratio:.2f} times as long as ours")
        else:
            said.append(f"{name}: {label(peer)} is ahead, in {ratio:.2f} of our time")
    return "; ".join(said) + "." if said else "Nothing to compare."


def accuracy_chart(case):
    """Error against time. Errors of 0 are the reference's own."""
    rows = [row for row in case["rows"] if timed(row) and 0 < row["error"] < float("inf")]
    exact = sum(timed(row) and row["error"] == 0 for row in case["rows"])
    if not rows:
        return ""
    times, errors = [row["p50"] for row in rows], [row["error"] for row in rows]
    plot = LogPlot(f"{case['title']}: error and time", "p50, milliseconds a call",
                   "largest error, relative to the largest logit", (min(times) * 0.9, max(times) * 1.1),
                   (min(errors) * 0.8, max(errors) * 1.2), height=230)
    for row in sorted(rows, key=lambda row: row["ours"]):
        ours = row["ours"]
        shape = "a" if row["precision"] == "fp32" else "b"
        plot.point(Point(row["p50"], row["error"], f"{shape} {'ours' if ours else 'open'}",
                         f"{label(row)}: {number(row['p50'])} ms, error {row['error']:.1e}",
                         f"ours, {row['precision']}" if ours else ""))
    return figure(plot.render(), f"Error and time. {exact} rows whose error the file holds as 0 are left out." if exact else
                  "Error and time.")


def accuracy_cell(case, row):
    if "accuracy" not in row:
        return ""
    return f"{row['accuracy']:.4f}" if case.get("network") == "segmenter" else percent(row["accuracy"])


def all_rows(case):
    has_accuracy = any("accuracy" in row for row in case["rows"])
    header = ["", "precision", "p50 ms", "p90", "p99", "time / ours", "samples", "error", "labels equal"]
    header += ["mean IoU" if case.get("network") == "segmenter" else "named rightly"] if has_accuracy else []
    header += ["MB peak", "load s"]
    rows, strong = [], []
    for row in sorted(case["rows"], key=lambda row: (row["precision"] != "fp32", row.get("p50", float("inf")))):
        if row["ours"]:
            strong.append(len(rows))
        if "failure" in row:
            rows.append([row["name"], row["precision"], row["failure"]])
            continue
        name = row["name"] if row["verified"] else f"{row['name']}: beyond tolerance, does not count"
        times = [number(row[key]) for key in ("p50", "p90", "p99")] if timed(row) else \
            [f"{number(row['heat_ms'])} in the heats" if "heat_ms" in row else "not timed", "", ""]
        cells = [name, row["precision"], *times, f"{row['ratio']:.2f}" if "ratio" in row else "", row.get("samples", ""),
                 f"{row['error']:.1e}", percent(row["agreement"], 3)]
        cells += [accuracy_cell(case, row)] if has_accuracy else []
        cells += [f"{row['peak_mb']:.0f}" if "peak_mb" in row else "", f"{row['load_ms'] / 1e3:.2f}" if "load_ms" in row else ""]
        rows.append(cells)
    return table(header, rows, strong)


def case_text(case):
    disturbed = case.get("disturbed", 0)
    caption = f"{verdict(case)} {disturbed} of {case.get('turns', 0)} turns were disturbed by others."
    return (f"<h3>{escape(case['title'])}</h3>\n" +
            figures(figure(chart(case), caption), accuracy_chart(case)) + details("Every setting", all_rows(case)))


def render(name, result):
    facts = machine_facts(result) + [f"{result['threads']} threads each", ", ".join(result["peers"])]
    missing = "".join(f"<p>{escape(peer)} took no part: {escape(why)}</p>\n"
                      for peer, why in result.get("missing", {}).items())
    text = ("<p>One network, one call after the other, on the same images and the same weights, interleaved with the peers in "
            "one run. Every contestant's logits were compared with eager fp32 PyTorch's first; one that is off does not "
            "count. Bars show medians of each peer's fastest setting, whiskers reach to the 99th percentile. Beside them, "
            "what the speed costs: the largest error of the logits, filled marks ours, hollow ones the peers', circles fp32, "
            "triangles reduced precision; lower left is better.</p>\n")
    count = result.get("neighbours", 0)
    where = f" and {count} busy neighbour{'s' if count > 1 else ''}" if count else ""
    return "Latency beside the frameworks" + where, (text + summary(result) + missing + "".join(map(case_text, result["cases"])) +
                   source(name, facts, result["command"]))
