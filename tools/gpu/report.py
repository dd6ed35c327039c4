"""What tools/gpu_check leaves behind: report.json, and report.txt for people."""

import json
import pathlib
import platform
import subprocess
import time


def commit():
    """The commit that was measured, or None where this is no checkout."""
    root = pathlib.Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(["git", "-c", "safe.directory=*", "rev-parse", "HEAD"], cwd=root, capture_output=True,
                              text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


class Report:
    """Parts are written as they end: a run that is cut short leaves those it had."""

    def __init__(self, folder, wanted, why_no_gpu):
        self.folder = folder
        self.start = time.monotonic()
        self.data = {"commit": commit(), "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": platform.platform(),
                     "no_gpu": why_no_gpu, "wanted": wanted, "parts": {}}

    def add(self, name, result):
        self.data["parts"][name] = result
        self.data["seconds"] = round(time.monotonic() - self.start, 1)
        print(line_of(name, result), flush=True)
        self.write()

    def failed(self):
        return [name for name, result in self.data["parts"].items() if result["result"] == "failed"]

    def write(self):
        (self.folder / "report.json").write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")

    def finish(self):
        text = text_of(self.data)
        (self.folder / "report.txt").write_text(text, encoding="utf-8")
        print(f"\n{text}\nreport: {self.folder}", flush=True)


def line_of(name, result):
    why = f": {result['why']}" if result.get("why") else ""
    return f"{name:<10} {result['result']:<8} {result['seconds']:6.1f} s{why}"


def text_of(data):
    """The report in short. Figures that are not there are left out."""
    lines = [f"commit {data['commit']}, {data['time']}, {data.get('seconds', 0)} s"]
    if data["no_gpu"]:
        lines.append(f"no usable GPU: {data['no_gpu']}")
    lines += [line_of(name, result) for name, result in data["parts"].items()]
    found = {name: result.get("found", {}) for name, result in data["parts"].items()}

    facts = found.get("facts", {})
    if facts:
        lines += ["", "GPU"] + [f"  {key:<40} {value}" for key, value in facts.items()]
    whole = {**found.get("whole", {}), **{f"fp16, {name}": row for name, row in found.get("providers", {}).items()}}
    if whole:
        lines += ["", "whole way, ms: p50 p90 p99, regions, runs that differ"]
        lines += [whole_line(name, row) for name, row in whole.items()]
    kernels = found.get("kernels", {})
    if kernels:
        lines += ["", "ceilings"] + [f"  {key:<40} {value:.4g}" for key, value in kernels.get("ceilings", {}).items()]
        for graph in kernels.get("graphs", []):
            lines += [""] + graph_lines(graph)
    return "\n".join(lines) + "\n"


def whole_line(name, row):
    if "cold_start_ms" in row:
        return f"  {name:<40} cold starts, ms: {' '.join(f'{ms:.0f}' for ms in row['cold_start_ms'])}"
    if "total_ms" not in row:
        return f"  {name:<40} {row.get('absent', 'no figures')}"
    total = row["total_ms"]
    return (f"  {name:<40} {total['p50']:.3f} {total['p90']:.3f} {total['p99']:.3f} "
            f"{row['regions']} {row['runs_that_differ']}")


def graph_lines(graph, most=12):
    """The steps that take longest together."""
    steps = [step for step in graph["steps"] if "after_flush" in step]
    steps.sort(key=lambda step: -step["count"] * step["in_graph"]["median_us"])
    lines = [f"{graph['graph']}: sum of steps {graph.get('sum_us', 0):.1f} us, matrix products "
             f"{graph.get('matrix_products_us', 0):.1f} us, the vendor's {graph.get('matrix_products_vendor_us', 0):.1f} us",
             "  count   L2 us flush us %limit vendor us  step"]
    lines += [f"  problem: {problem}" for problem in graph["problems"]]
    for step in steps[:most]:
        vendor = f"{step['vendor_us']:9.2f}" if step["vendor_us"] else "        -"
        lines.append(f"  {step['count']:5d} {step['in_graph']['median_us']:7.2f} "
                     f"{step['after_flush']['median_us']:8.2f} {step['percent_of_limit_flushed']:6.1f} {vendor}  "
                     f"{step['step']}")
    return lines
