"""Cells for people to look at."""

import html
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from giemsa.errors import UsageError
from giemsa.images import to_rgb8
from giemsa.palette import color_of

if TYPE_CHECKING:
    from giemsa.cells import Cells


def _text_color(color: tuple[int, int, int]) -> str:
    """Whichever stands out more (luma of ITU-R BT.601)."""
    return "black" if 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 128 else "white"


def draw_overlay(image: Any, cells: "Cells") -> npt.NDArray[np.uint8]:
    """Outlines over a darker rim, and a tag with class and probability above each cell, or below where it has no room."""
    pixels = to_rgb8(image)
    height, width = pixels.shape[:2]
    if (height, width) != cells.labels.shape:
        raise UsageError(f"the image has shape {(height, width)}, the one that was identified {cells.labels.shape}")
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    unit = min(max(math.sqrt(width * height) / 320, 1.0), 8.0)  # 2 at 640 x 480
    font = ImageFont.load_default(7 * unit)
    colors = [color_of(name, int(index)) for name, index in zip(cells.classes, cells.class_indices)]
    for outline, color in zip(cells.outlines(), colors):
        corners = [(float(x), float(y)) for x, y in outline - 0.5]
        draw.line(corners, fill="black", width=round(2.2 * unit))
        draw.line(corners, fill=color, width=round(1.2 * unit))
    for cell, color in zip(cells, colors):
        text = f"{cell.cls} {100 * cell.probability:.0f}%" if cell.cls is not None else str(cell.id)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        pad = math.ceil(1.5 * unit)
        w, h = right - left + 2 * pad, bottom - top + 2 * pad
        x = min(max(cell.box[0] + (cell.box[2] - w) / 2, 0), max(0, width - w))
        above, below = cell.box[1] - h - 2 * unit, cell.box[1] + cell.box[3] + 2 * unit
        y = above if above >= 0 else min(below, max(0, height - h))
        draw.rounded_rectangle((x, y, x + w, y + h), radius=2 * unit, fill=color)
        draw.text((x + pad - left, y + pad - top), text, fill=_text_color(color), font=font)
    return np.asarray(picture).copy()


def html_table(cells: "Cells") -> str:
    """For notebooks."""
    if cells.error is not None:
        return f"<p>{html.escape(cells.error)}</p>"
    rows = "".join(f"<tr><td>{cell.id}</td><td>{html.escape(str(cell.cls))}</td><td>{cell.probability:.3f}</td>"
                   f"<td>{cell.area}</td><td>{', '.join(map(str, cell.box))}</td></tr>" for cell in cells)
    head = "".join(f"<th>{name}</th>" for name in ("cell", "class", "probability", "area px", "box x, y, w, h"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
