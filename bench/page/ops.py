"""Everything that is not a convolution, from bench/record bench_ops."""

from html_parts import details, machine_facts, number, paragraph, source, table


def milliseconds(row):
    return row["median"] * {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}[row["unit"]]


def render(name, result):
    rows = [[row["name"], number(milliseconds(row)), number(row["GB/s"]), f"{row['%copy']:.0f}",
             number(row["GFLOP/s"]) if row.get("GFLOP/s") else "-"] for row in result["rows"]]
    text = paragraph("Most of these are bound by memory: the share is of the measured rate of copying memory that no cache holds, "
                     "which data in the caches can exceed.")
    return "The other ops", (text + details(f"{len(rows)} ops", table(["op", "ms", "GB/s", "% of copying", "GFLOP/s"], rows)) +
                   source(name, machine_facts(result), result["command"]))
