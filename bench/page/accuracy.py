"""How right the shipped and cross-validated networks are, from giemsa eval's JSON files in results/accuracy."""

from html_parts import paragraph, source, table

FIGURES = [("mean IoU", ("segmentation", "mean_iou")), ("mean BF", ("segmentation", "mean_bf_score")),
           ("AP@0.5", ("detection", "iou_0.5", "average_precision")), ("AP@0.7", ("detection", "iou_0.7", "average_precision")),
           ("class accuracy", ("classification", "accuracy")), ("macro F1", ("classification", "macro", "f1"))]


def is_evaluation(result):
    return "dataset" in result and any(key in result for key in ("segmentation", "classification"))


def text_of(result, path):
    """0.987 [0.975, 0.995], a dash where it is not defined for this data."""
    node = result
    for key in path:
        if not isinstance(node, dict) or key not in node:
            return "-"
        node = node[key]
    if node["value"] is None:
        return "-"
    interval = f" [{node['low']:.3f}, {node['high']:.3f}]" if node.get("low") is not None else ""
    return f"{node['value']:.4f}{interval}"


def render(files):
    """files: {name: evaluation}"""
    rows = [[name.rsplit("/", 1)[-1].removesuffix(".json"), result["dataset"]["images"]] +
            [text_of(result, path) for _, path in FIGURES] for name, result in files.items()]
    text = paragraph("Each row is one evaluation of giemsa eval; in brackets the 95 % interval of a bootstrap over images. How the "
                     "data was divided is said in bench/results/accuracy.")
    return "Accuracy", (text + table(["evaluation", "images", *[name for name, _ in FIGURES]], rows) +
                   source(f"bench/results/accuracy, {len(files)} files",
                          ["giemsa " + ", ".join(sorted({str(result.get("giemsa", {}).get("version", "?"))
                                                         if isinstance(result.get("giemsa"), dict)
                                                         else str(result.get("giemsa", "?")) for result in files.values()}))]))
