"""From samples to a table, and to files."""

import json
import statistics


def percentile(samples, percent):
    """Nearest rank: a time that was measured."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def ratio(row, ours):
    """How many times as long as `ours` it takes: the median over the rounds of the ratio of the two medians of a round."""
    pairs = zip(row["rounds"], ours["rounds"])
    return statistics.median(statistics.median(theirs) / statistics.median(mine) for theirs, mine in pairs)


def counterpart(row, rows):
    """Our row of the same precision; of fp32 for a peer that quantises an fp32 network."""
    precision = "fp32" if row["precision"] == "int8" else row["precision"]
    return next(other for other in rows if other["ours"] and other["precision"] == precision)


def summarize(rows):
    """Adds percentiles and ratios to the rows of one case."""
    for row in rows:
        if "rounds" not in row:
            continue
        samples = [ms for turn in row["rounds"] for ms in turn]
        row |= {f"p{percent}": percentile(samples, percent) for percent in (50, 90, 99)} | {"samples": len(samples)}
        row["ratio"] = ratio(row, counterpart(row, rows))


def fastest(rows, **wanted):
    """The verified row with the least median among those that have the wanted entries."""
    rows = [row for row in rows if row.get("verified") and all(row[key] == value for key, value in wanted.items())]
    return min(rows, key=lambda row: row["p50"], default=None)


HEADER = ("| | precision | p50 ms | p90 | p99 | time / ours | samples | error | equal labels | MB resident | MB peak | "
          "load s |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")


def table_row(row):
    if "failure" in row:
        return f"| {row['name']} | {row['precision']} | {row['failure'].replace('|', '/')} |" + " |" * 9 + "\n"
    name = row["name"] if row["verified"] else f"{row['name']} (**beyond tolerance**)"
    return (f"| {name} | {row['precision']} | {row['p50']:.3f} | {row['p90']:.3f} | {row['p99']:.3f} "
            f"| {row['ratio']:.2f} | {row['samples']} | {row['error']:.1e} | {row['agreement']:.4%} "
            f"| {row['resident_mb']:.0f} | {row['peak_mb']:.0f} | {row['load_ms'] / 1e3:.2f} |\n")


def verdict(rows):
    """Ours against the fastest verified peer, per precision and then whatever the precision."""
    lines = []
    for label, wanted in (("fp32", {"precision": "fp32"}), ("bf16", {"precision": "bf16"}), ("any precision", {})):
        ours, peer = fastest(rows, ours=True, **wanted), fastest(rows, ours=False, **wanted)
        if ours and peer:
            lines.append(f"- {label}: {peer['name']} ({peer['precision']}) takes {ratio(peer, ours):.2f} times as long "
                         f"as {ours['name']} ({ours['precision']})\n")
    return "".join(lines)


def markdown(result):
    device = result["machine"]
    text = (f"# Per-image latency on {device['device']}\n\n"
            f"{device['cpu']} {device['architecture']}, {device['cores']} cores ({' '.join(device['flags'])}), "
            f"{result['threads']} threads each, niceness {device['niceness']}, Linux {device['kernel']}. Giemsa {result['giemsa']['version']} "
            f"(oneDNN {result['giemsa']['onednn']}), commit {result['commit']}, {result['date']}.\n\n"
            f"    {result['command']}\n\n"
            "What is timed, and how, is in [frameworks](../../README.md#against-pytorch). "
            "p50, p90, p99 in milliseconds a call; \"time / ours\": median over the rounds against our row of the same "
            "precision; error: largest, relative to the largest logit of the reference.\n")
    for case in result["cases"]:
        text += (f"\n## {case['title']}\n\nInputs: {case['inputs']}. Reference: {case['reference']}. "
                 f"{case['disturbed']} of {case['turns']} turns disturbed.\n\n")
        text += HEADER + "".join(map(table_row, case["rows"])) + "\n" + verdict(case["rows"])
    return text


def save(result, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "frameworks.md").write_text(markdown(result))
    rounded = json.loads(json.dumps(result), parse_float=lambda text: round(float(text), 5))
    (folder / "frameworks.json").write_text(json.dumps(rounded) + "\n")
