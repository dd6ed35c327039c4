"""The whole way of an image, from giemsa bench --json."""

import pathlib

from html_parts import number, paragraph, source, table


def render(name, result):
    machine = result["machine"]
    rows = [[row["name"], row["samples"]] + [number(row[key]) if row.get(key) is not None else "-"
                                             for key in ("p50", "p90", "p99", "p99.9", "max")] for row in result["rows"]]
    memory = result["memory"]["peak_resident_bytes"] / 2**20
    text = paragraph(f"{result['subject']}, {result['precision']}, {result['threads']} threads; verified: {result['verified']}. "
                     f"Peak memory {memory:.0f} MB. Milliseconds; a dash where there are too few samples.")
    busy = machine.get("cores_busy_with_others")
    facts = [result["device"], f"{machine['cpu']}, {machine['cores']} cores", f"oneDNN {machine['onednn']}, {machine['isa']}",
             f"Giemsa {result['giemsa']}, commit {result['commit']}", result["compiler"],
             f"others kept {busy} cores busy meanwhile" if busy is not None else ""]
    settings = ", ".join(f"{key} {pathlib.PurePath(str(value)).name}" for key, value in sorted(result["settings"].items()))
    return "The whole way of an image", (text + table(["stage", "samples", "p50", "p90", "p99", "p99.9", "max"], rows) +
                   source(name, [*facts, settings], "giemsa bench --json"))
