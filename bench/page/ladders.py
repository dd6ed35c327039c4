"""The numbered steps: counted by the emulator (GPU kernels), timed (the CPU's labels)."""

from html_parts import details, escape, figure, figures, machine_facts, number, paragraph, source, table
from svg import Bar, bars, steps_on_log

SECTOR = 32


def kind(step):
    return "ours" if step["name"].startswith("product") else "peer"


def orders(step):
    """Counts in every order of threads that was counted."""
    return [step["counts"], *step.get("other_orders", {}).values()]


def span(step, value, text=number):
    """The value, or its least and most over the orders of threads."""
    values = [value(counts) for counts in orders(step)]
    low, high = text(min(values)), text(max(values))
    return low if low == high else f"{low}–{high}"


def traffic(counts):
    """Bytes requested, read and written."""
    return SECTOR * (counts["global_read"]["sectors"] + counts["global_write"]["sectors"])


def kib(counts):
    return traffic(counts) / 1024


def useful(counts):
    moved = traffic(counts)
    return (counts["global_read"]["useful_bytes"] + counts["global_write"]["useful_bytes"]) / moved if moved else 0


def conflicts(counts):
    """Wavefronts over those without bank conflicts; 0 where there are none."""
    least = counts["shared"]["wavefronts_without_conflicts"]
    return counts["shared"]["wavefronts"] / least if least else 0


def chart(case, what, unit, value):
    rows = [(step["name"], max(map(value, orders(step))), kind(step)) for step in case["steps"]]
    races = any(span(step, value) != number(value(step["counts"])) for step in case["steps"])
    caption = f"{what[0].upper()}{what[1:]}{': the most of three orders of threads' if races else ''}."
    return figure(steps_on_log(f"{case['title']}: {what}", rows, unit), caption)


def counts_table(case):
    """Arithmetic's columns for the convolution, atomics' for the labels."""
    products = case.get("multiply_adds")
    columns = [("launches", lambda c: c["launches"], number)]
    if not products:
        columns.append(("host waits", lambda c: c["host_waits"], number))
    columns += [("blocks", lambda c: c["blocks"], number), ("KiB requested", kib, number), ("of it useful, %", useful, lambda share: f"{100 * share:.0f}")]
    if products:
        columns.append(("bytes a multiply-add", lambda c: traffic(c) / products, number))
    else:
        columns += [("global atomics", lambda c: c["global_atomics"], number),
                    ("shared atomics", lambda c: c["shared_atomics"], number)]
    columns += [("shared wavefronts", lambda c: c["shared"]["wavefronts"], number),
                ("conflict factor", conflicts, lambda factor: f"{factor:.2f}" if factor else "-")]
    if products:
        columns += [("barriers", lambda c: c["barriers"], number),
                    ("matrix instr.", lambda c: c["matrix_instructions"], number)]
    header = ["step", *[name for name, _, _ in columns]]
    rows = [[step["name"], *[span(step, value, text) for _, value, text in columns]] for step in case["steps"]]
    return table(header, rows, [i for i, step in enumerate(case["steps"]) if kind(step) == "ours"])


def changes(case):
    items = "".join(f"<li><b>{escape(step['name'])}</b>: {escape(step['change'])}"
                    f"{' (' + escape(step['detail']) + ')' if 'detail' in step else ''}</li>\n" for step in case["steps"])
    return f"<ul>\n{items}</ul>\n"


def counted(case, charts):
    return (f"<h3>{escape(case['title'])}</h3>\n" + paragraph(case["shape"][0].upper() + case["shape"][1:] + ".") +
            figures(*[chart(case, *one) for one in charts]) + counts_table(case))


def render_counts(name, result):
    of_convolution = [("KiB requested from the caches, in whole sectors", "KiB", kib),
                      ("shared memory wavefronts", "wavefronts", lambda c: c["shared"]["wavefronts"])]
    of_labels = [("KiB requested from the caches, in whole sectors", "KiB", kib),
                 ("global atomics of threads", "atomics", lambda c: c["global_atomics"])]
    text = ('<p class="note">Counts, not times, and no GPU took part. The emulator that tests them sees every access '
            "and counts what a warp's instructions request: 32-byte sectors of global memory, wavefronts of shared memory, "
            "atomics, barriers. Caches, latencies and occupancy are not in these numbers. Where threads race, in union-find, the way "
            "that each has to go depends on who went before: those counts are given as a range over three orders of "
            "threads.</p>\n")
    text += paragraph("All steps give the same bits, and are tested on the same cases as the product's kernels. "
                      "The product's last step is not the least in every column: it trades bytes for blocks, as at batch 1 "
                      "a convolution of few tiles leaves most of a GPU idle.")
    for key, charts in (("convolution", of_convolution), ("labels", of_labels)):
        text += changes(result[key][0]) + "".join(counted(case, charts) for case in result[key])
    for case in result.get("split", []):
        text += changes(case) + counted(case, of_labels)
    return "The ladder of the GPU kernels", (text + source(name, [result["what"], result["compiler"]],
                                                                result["command"]))


def render_gpu(name, result):
    text = paragraph("Each step on real shapes: in L2, recorded many times in one CUDA graph, and after a flush of L2. The limit is the "
                     "longer of bytes over the copy ceiling and FLOPs over the matrix ceiling, both measured in the same run.")
    for case in result["convolution"] + result["labels"]:
        rows = []
        for step in case["steps"]:
            if not step["equals_first"]:
                rows.append([step["name"], "another result: not timed"])
                continue
            cells = [step.get("in_graph_us"), step["after_flush_us"], step["gbytes_per_s"], step["gflops_per_s"],
                     step["percent_of_limit"], step.get("percent_of_vendor")]
            rows.append([step["name"], *["-" if cell is None else number(cell) for cell in cells]])
        timed = [(step["name"], step["after_flush_us"], kind(step)) for step in case["steps"] if step["equals_first"]]
        vendor = f"{case['vendor']}: {number(case['vendor_us'])} us." if case.get("vendor_us") else ""
        text += (f"<h3>{escape(case['title'])}</h3>\n" +
                 figures(figure(steps_on_log(f"{case['title']}: microseconds", timed, "us"), f"Microseconds after a flush. {vendor}")) +
                 table(["step", "L2 us", "flushed us", "GB/s", "GFLOP/s", "% of limit", "% of vendor's speed"], rows,
                       [i for i, step in enumerate(case["steps"]) if kind(step) == "ours"]))
    facts = [result["device"], f"driver {result['driver']}, runtime {result['runtime']}", f"beside it: {result['vendor']}"]
    return "The ladder of the GPU kernels, timed", (text + source(name, facts, "bench_gpu_ladder --json"))


def render_cpu(name, result):
    groups = {}
    for row in result["rows"]:
        what, size, step = row["name"].split("/", 2)
        groups.setdefault((what, size), []).append((step, row))
    drawn, rows = [], []
    for (what, size), steps in groups.items():
        drawn.append(figure(bars(f"{what} {size}: nanoseconds a pixel",
                                 [("", [Bar(f"{step}: {row['label']}", row["s/pixel"] * 1e9,
                                            "ours" if step == "product" else "peer") for step, row in steps])], "ns/pixel"),
                            f"{size}: nanoseconds a pixel, median of {steps[0][1]['repetitions']} repetitions."))
        first = steps[0][1]["median"]
        rows += [[f"{size} {step}", number(row["median"]), number(row["min"]), number(row["max"]),
                  number(row["s/pixel"] * 1e9), f"{first / row['median']:.1f}"] for step, row in steps]
    text = paragraph("From a mask to numbered, measured cells on one CPU thread: fill holes, drop what is small, label, table. The "
                     "masks are those of the sample smears, at 4096x4096 laid side by side. All steps give the same labels and "
                     "table, which was checked first.")
    ours = [i for i, row in enumerate(rows) if row[0].endswith("product")]
    return "The ladder of labelling on the CPU", (text + figures(*drawn) +
                   table(["step", "ms", "least", "most", "ns/pixel", "times v1"], rows, ours) +
                   source(name, machine_facts(result), result["command"]))
