"""Convolutions against what the machine can do, from bench/record bench_conv."""

from html_parts import details, figure, figures, machine_facts, number, paragraph, source, table
from svg import LogPlot, Point

PRECISIONS = {"fp32": ("fp32_flops", "a ours"), "bf16": ("bf16_flops", "b")}


def parts_of(row):
    """network, size, batch, layer, precision"""
    network, size, batch, *layer, precision = row["name"].split("/")
    return network, size, batch, "/".join(layer), precision


def intensity(row):
    """FLOPs a byte."""
    return row["GFLOP/s"] / row["GB/s"]


def plot(title, rows, result):
    xs, ys = [intensity(row) for row in rows], [row["GFLOP/s"] for row in rows]
    roofs = {name: result[key] * 1e-9 for name, (key, _) in PRECISIONS.items()
             if result.get(key, 0) > 0 and any(parts_of(row)[4] == name for row in rows)}
    copy = result["copy_bytes"] * 1e-9
    chart = LogPlot(f"{title}: roofline", "FLOPs a byte that must move", "GFLOP/s",
                    (min(xs) * 0.9, max(xs) * 1.1), (min(ys) * 0.9, max([*ys, *roofs.values()]) * 1.05), height=300)
    left, right, low = chart.x_ticks[0], chart.x_ticks[-1], chart.y_ticks[0]
    ridge = max(roofs.values()) / copy
    start = max(left, low / copy)
    if start < ridge:
        chart.segment(start, start * copy, ridge, ridge * copy, "roof")
    for name, top in roofs.items():
        chart.segment(max(top / copy, left), top, right, top, "roof")
        # Beside the roof's left end, where no point can be; below its right end where that is off the chart.
        corner = chart.x(max(top / copy, left))
        beside = corner - chart.left > 110
        chart.canvas.text(corner - 5 if beside else chart.right - 3, chart.y(top) + (4 if beside else 11),
                          f"{name} {number(top)} GFLOP/s", "small", "end")
    chart.canvas.text(chart.right, chart.bottom - 6, f"slope: copying, {number(copy)} GB/s", "small", "end")
    for row in rows:
        layer, precision = parts_of(row)[3:]
        chart.point(Point(intensity(row), row["GFLOP/s"], PRECISIONS[precision][1],
                          f"{layer} {precision}: {number(row['GFLOP/s'])} GFLOP/s, {row['%flops']:.0f} % of the arithmetic "
                          f"ceiling, {row['%copy']:.0f} % of the copy ceiling"))
    return chart.render()


def limit_share(row):
    """Of the ceiling that it meets first."""
    return max(row["%flops"], row["%copy"])


def layer_table(rows):
    cells = []
    for row in sorted(rows, key=lambda row: -row["median"]):
        layer, precision = parts_of(row)[3:]
        cells.append([layer, precision, number(row["median"] / 1e3), number(row["GFLOP/s"]), number(row["GB/s"]),
                      f"{limit_share(row):.0f}"])
    return table(["layer", "precision", "ms", "GFLOP/s", "GB/s", "% of limit"], cells)


def render(name, result):
    groups = {}
    for row in result["rows"]:
        if "GFLOP/s" in row and parts_of(row)[4] in PRECISIONS:
            groups.setdefault(parts_of(row)[:3], []).append(row)
    drawn, tables = [], ""
    for (network, size, batch), rows in groups.items():
        title = f"{network} {size}, batch {batch}"
        shares = sorted(limit_share(row) for row in rows if parts_of(row)[4] == "fp32")
        drawn.append(figure(plot(title, rows, result),
                            f"{title}: its distinct convolutions. Circles fp32 (median {shares[len(shares) // 2]:.0f} % of the "
                            "limit), triangles bf16."))
        tables += details(f"{title}: every layer", layer_table(rows))
    text = paragraph("A layer can be no faster than its arithmetic at the rate of fused multiply-adds in registers, nor than its "
                     "bytes at the rate of copying memory: both measured in the same run. Points above the slope had their data "
                     "in the caches; above a flat roof, products with padding were skipped or the clock rose. FLOPs are two "
                     "a multiply-add, bytes each value once.")
    return "Roofline", (text + figures(*drawn) + tables + source(name, machine_facts(result), result["command"]))
