"""From samples to tables, and to files."""

import json
import statistics

# What competes with what: heats and finals, and the tables. int8 gives more away than 16 bits, so it does not hide them.
CLASSES = {
    "fp32": lambda row: row["precision"] == "fp32",
    "bf16, fp16": lambda row: row["precision"] in ("bf16", "fp16"),
    "int8": lambda row: row["precision"] == "int8",
}
REDUCED = "any reduced precision"
SUMMARIES = CLASSES | {REDUCED: lambda row: row["precision"] != "fp32"}


def percentile(samples, percent):
    """Nearest rank: a time that was measured."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def ratio(row, ours):
    """How many times as long as `ours` it takes: the median over the rounds of the ratio of the two medians of a round."""
    pairs = zip(row["rounds"], ours["rounds"])
    return statistics.median(statistics.median(theirs) / statistics.median(mine) for theirs, mine in pairs)


def summarize(case):
    """Adds percentiles, and the ratio to our fastest in fp32 or in any reduced precision, to the rows of the finals."""
    for row in case["rows"]:
        if "rounds" in row:
            samples = [ms for turn in row["rounds"] for ms in turn]
            row |= {f"p{percent}": percentile(samples, percent) for percent in (50, 90, 99)} | {"samples": len(samples)}
    for belongs in (SUMMARIES["fp32"], SUMMARIES[REDUCED]):
        ours = fastest(case, belongs, peer="Giemsa")
        for row in filter(belongs, case["rows"]):
            if ours and "rounds" in row:
                row["ratio"] = ratio(row, ours)


def fastest(case, belongs, peer=None):
    """The verified finalist with the least median in a class, of one peer or of all."""
    rows = [row for row in case["rows"]
            if "p50" in row and row["verified"] and belongs(row) and (peer is None or row["peer"] == peer)]
    return min(rows, key=lambda row: row["p50"], default=None)


def accuracy_text(case, row):
    if "accuracy" not in row:
        return "as fp32"
    return f"{row['accuracy']:.4f}" if case["network"] == "segmenter" else f"{row['accuracy']:.1%}"


HEADER = ("| | precision | p50 ms | p90 | p99 | time / ours | samples | error | labels equal | {} | MB resident | MB peak | "
          "load s |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")


def table_row(case, row):
    name = row["name"] if row["verified"] else f"{row['name']} (**beyond tolerance**)"
    against = f"{row['ratio']:.2f}" if "ratio" in row else ""
    return (f"| {name} | {row['precision']} | {row['p50']:.3f} | {row['p90']:.3f} | {row['p99']:.3f} | {against} "
            f"| {row['samples']} | {row['error']:.1e} | {row['agreement']:.4%} | {accuracy_text(case, row)} "
            f"| {row['resident_mb']:.0f} | {row['peak_mb']:.0f} | {row['load_ms'] / 1e3:.2f} |\n")


def gpu_text(device):
    """A GPU and how it was set up, where it is what was measured."""
    gpu = device.get("gpu")
    if not gpu:
        return ""
    parts = [f"{gpu['name']}, compute capability {gpu['compute_capability']}"]
    units = {"driver": "driver {}", "memory_mb": "{:.0f} MB", "max_sm_mhz": "at most {:.0f} MHz", "max_memory_mhz": "memory at most {:.0f} MHz",
             "power_limit_w": "limited to {:.0f} W", "persistence": "persistence {}", "ecc": "ECC {}"}
    parts += [unit.format(gpu[key]) for key, unit in units.items() if gpu.get(key) is not None]
    return ", ".join(parts) + "; "


def state_text(case):
    """The GPU's states at the ends of the rounds, from least to most."""
    states = case.get("gpu_states")
    if not states:
        return ""
    parts = []
    for key, unit in {"power_state": "", "sm_mhz": " MHz", "memory_mhz": " MHz memory", "celsius": " degrees", "watts": " W",
                      "throttle_reasons": " throttling"}.items():
        values = sorted({state[key] for state in states if state.get(key) is not None})
        if values:
            ends = dict.fromkeys(f"{value:.0f}" if isinstance(value, float) else value for value in (values[0], values[-1]))
            parts.append(" to ".join(ends) + unit)
    return f"\nThe GPU at the ends of the rounds: {', '.join(parts) or 'nvidia-smi tells nothing'}.\n"


def left_out(case):
    """Those that the finals did not see, and why."""
    lines = []
    slower = [f"{row['name']} {row['precision']} {row['heat_ms']:.1f} ms" for row in case["rows"]
              if "p50" not in row and "failure" not in row and row["verified"]]
    if slower:
        lines.append(f"- Slower than the same peer's best in the heats: {'; '.join(slower)}.\n")
    for row in case["rows"]:
        if "failure" in row:
            lines.append(f"- {row['name']} {row['precision']}: {row['failure']}\n")
        elif not row["verified"] and not row["ours"]:
            lines.append(f"- {row['name']} {row['precision']}, {row['heat_ms']:.1f} ms in the heats: **beyond tolerance**, error "
                         f"{row['error']:.1e}, {row['agreement']:.4%} of labels equal\n")
    return "".join(lines)


def case_text(case):
    what = "mean IoU" if case["network"] == "segmenter" else "named rightly"
    text = (f"\n## {case['title']}\n\nTimed on {case['inputs']}; accuracy on {case['held_out']} others. Reference: "
            f"{case['reference']}. In reduced precision {case['free']} labels may differ. {case['disturbed']} of {case['turns']} turns "
            "disturbed.\n\n" + HEADER.format(what))
    for belongs in CLASSES.values():
        rows = [row for row in case["rows"] if belongs(row) and "p50" in row]
        text += "".join(table_row(case, row) for row in sorted(rows, key=lambda row: row["p50"]))
    return text + state_text(case) + "\n" + left_out(case)


def cell(case, belongs, peer, ours):
    theirs = fastest(case, belongs, peer)
    if not theirs or not ours:
        return "-"
    times = ratio(theirs, ours)
    setting = theirs["name"].removeprefix(theirs["peer"]).split(" ", 2)[-1]
    how = setting if theirs["precision"] in ("fp32", setting) else f"{setting} {theirs['precision']}"
    return f"{f'{times:.2f}' if times >= 1 else f'**{times:.2f}**'} ({how})"


def summary(result):
    """A row a case, a column a peer: its best setting's time over that of our best, of the same class."""
    peers = list(dict.fromkeys(row["peer"] for case in result["cases"] for row in case["rows"] if not row["ours"]))
    text = ""
    for label, belongs in SUMMARIES.items():
        if not any(belongs(row) and "p50" in row for case in result["cases"] for row in case["rows"]):
            continue
        text += f"\n| {label} | ours, p50 ms | {' | '.join(peers)} | fastest |\n|---|---:|{'---:|' * len(peers)}---|\n"
        for case in result["cases"]:
            ours, best = fastest(case, belongs, "Giemsa"), fastest(case, belongs)
            mine = f"{ours['p50']:.2f} ({ours['precision']})" if ours else "-"
            cells = " | ".join(cell(case, belongs, peer, ours) for peer in peers)
            winner = f"{best['name']} {best['precision']}, {best['p50']:.2f} ms" if best else "-"
            text += f"| {case['title']} | {mine} | {cells} | {winner} |\n"
    return text


def tails(result):
    """The same for the 99th percentiles, each of the setting that has the peer's least."""
    peers = list(dict.fromkeys(row["peer"] for case in result["cases"] for row in case["rows"]))
    text = ""
    for label, belongs in CLASSES.items():
        lines = ""
        for case in result["cases"]:
            p99 = {peer: min((row["p99"] for row in case["rows"]
                              if row["peer"] == peer and "p99" in row and row["verified"] and belongs(row)), default=None)
                   for peer in peers}
            if any(p99.values()):
                lines += f"| {case['title']} | {' | '.join(f'{ms:.1f}' if ms else '-' for ms in p99.values())} |\n"
        if lines:
            text += f"\n| {label}, p99 ms | {' | '.join(peers)} |\n|---|{'---:|' * len(peers)}\n{lines}"
    return text


def neighbours_text(result):
    count = result["neighbours"]
    return f"**beside {count} {'process that keeps a core' if count == 1 else 'processes that keep a core each'} busy**, " if count else ""


def markdown(result):
    device = result["machine"]
    text = (f"# Per-image latency on {device['device']}\n\n"
            f"{device['cpu']} {device['architecture']}, {device['cores']} cores ({' '.join(device['flags'])}), "
            f"{gpu_text(device)}{result['threads']} threads each, {neighbours_text(result)}niceness {device['niceness']}, Linux {device['kernel']}. Giemsa {result['giemsa']['version']} "
            f"(oneDNN {result['giemsa']['onednn']}), commit {result['commit']}; {', '.join(result['peers'])}; {result['date']}, "
            f"{result['minutes']:.0f} minutes.\n\n"
            f"    {result['command']}\n\n"
            "What is timed, and how, is in [frameworks](../../README.md#against-other-frameworks).\n\n"
            "**Each peer's best setting: its time over that of our best of the same class.** Below 1 (bold) it is ahead of us.\n")
    text += summary(result) + tails(result)
    text += "".join(f"\n{name} does not take part: {why}\n" for name, why in result["missing"].items())
    text += ("\np50, p90, p99 in milliseconds a call; \"time / ours\": median over the rounds against our fastest row in fp32, for "
             "reduced precision against our fastest in any; error: largest, relative to the largest logit of the reference.\n")
    return text + "".join(map(case_text, result["cases"]))


def save(result, folder):
    folder.mkdir(parents=True, exist_ok=True)
    name = f"frameworks-neighbours-{result['neighbours']}" if result["neighbours"] else "frameworks"
    (folder / f"{name}.md").write_text(markdown(result))
    rounded = json.loads(json.dumps(result), parse_float=lambda text: float(f"{float(text):.5g}"))
    (folder / f"{name}.json").write_text(json.dumps(rounded) + "\n")
