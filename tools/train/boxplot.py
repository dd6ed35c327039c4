"""Box plots as SVG: Tukey's, with every value shown as a dot. Free of torch and of plotting libraries."""

import math
from xml.sax.saxutils import escape

WIDTH_PER_BOX, LEAST_WIDTH, HEIGHT = 100, 400, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 48, 72


def quantile(ordered, share):
    """Linear between the order statistics, as NumPy's default (Hyndman & Fan's type 7)."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def five_numbers(values):
    """(lower whisker, first quartile, median, third quartile, upper whisker): whiskers end at the last value within 1.5
    times the quartiles' distance."""
    ordered = sorted(values)
    low, middle, high = (quantile(ordered, share) for share in (0.25, 0.5, 0.75))
    reach = 1.5 * (high - low)
    inside = [value for value in ordered if low - reach <= value <= high + reach]
    return inside[0], low, middle, high, inside[-1]


def axis_ticks(low, high, about=6):
    """Round numbers that cover [low, high], in steps of 1, 2 or 5 times a power of ten."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(m * power for m in (1, 2, 5, 10) if span / (m * power) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def text(x, y, words, anchor="middle", size=12, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{more}>{escape(words)}</text>'


def line(x1, y1, x2, y2, colour="#333", width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def box_plot(groups, title, x_label, y_label):
    """groups: [(name, values)], in this order from left to right. Returns an SVG document."""
    values = [value for _, group in groups for value in group]
    if not values or any(not group for _, group in groups):
        raise ValueError("a group without values cannot be drawn")
    ticks = axis_ticks(min(values), max(values))
    width = max(LEAST_WIDTH, LEFT + WIDTH_PER_BOX * len(groups) + RIGHT)  # a title wants room
    plot_height = HEIGHT - TOP - BOTTOM
    y_of = lambda value: TOP + plot_height * (ticks[-1] - value) / ((ticks[-1] - ticks[0]) or 1.0)

    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9)) if len(ticks) > 1 else 2
    parts = [text(width / 2, 24, title, size=14)]
    for tick in ticks:
        parts += [
            line(LEFT, y_of(tick), width - RIGHT, y_of(tick), "#ddd"),
            text(LEFT - 8, y_of(tick) + 4, f"{tick:.{digits}f}", "end"),
        ]
    for i, (name, group) in enumerate(groups):
        parts += draw_box(LEFT + WIDTH_PER_BOX * (i + 0.5), group, y_of)
        parts += [
            text(LEFT + WIDTH_PER_BOX * (i + 0.5), HEIGHT - BOTTOM + 18, name, size=11),
            text(LEFT + WIDTH_PER_BOX * (i + 0.5), HEIGHT - BOTTOM + 32, f"n={len(group)}", size=10, more=' fill="#777"'),
        ]
    parts += [
        line(LEFT, TOP, LEFT, HEIGHT - BOTTOM),
        text((LEFT + width - RIGHT) / 2, HEIGHT - 14, x_label),
        text(18, TOP + plot_height / 2, y_label, more=f' transform="rotate(-90 18 {TOP + plot_height / 2:.1f})"'),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
        f'font-family="sans-serif">\n<rect width="{width}" height="{HEIGHT}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def draw_box(x, group, y_of):
    bottom, low, middle, high, top = five_numbers(group)
    half = WIDTH_PER_BOX * 0.2
    parts = [
        line(x, y_of(bottom), x, y_of(low)),
        line(x, y_of(high), x, y_of(top)),
        line(x - half / 2, y_of(bottom), x + half / 2, y_of(bottom)),
        line(x - half / 2, y_of(top), x + half / 2, y_of(top)),
        f'<rect x="{x - half:.1f}" y="{y_of(high):.1f}" width="{2 * half:.1f}" height="{y_of(low) - y_of(high):.1f}" '
        'fill="#cfe0f3" stroke="#333"/>',
        line(x - half, y_of(middle), x + half, y_of(middle), "#b03030", 2.0),
    ]
    for n, value in enumerate(group):  # side by side, so that equal values do not hide each other
        beside = (n % 7 - 3) * half / 5
        parts.append(f'<circle cx="{x + beside:.1f}" cy="{y_of(value):.1f}" r="1.6" fill="#1b3f66" fill-opacity="0.6"/>')
    return parts
