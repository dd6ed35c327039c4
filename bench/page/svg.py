"""Charts as SVG. They are 360 units wide, so that a phone shows their text as large as the page's; colours and fonts are
the page's (style.css), by class. Nothing here is told by colour alone: marks differ in shape, and bars carry their names.
"""

import dataclasses
import math

from html_parts import escape, number

WIDTH = 360
LINE = 13  # of small text


class Canvas:
    def __init__(self, title):
        self.title, self.height, self.parts = title, 0.0, []

    def add(self, shape, hover=""):
        tag = shape.split(" ", 1)[0]
        self.parts.append(f"<{shape}><title>{escape(hover)}</title></{tag}>" if hover else f"<{shape}/>")

    def text(self, x, y, text, kind="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, kind):
        self.add(f'line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"')

    def rect(self, x, y, width, height, kind, hover=""):
        self.add(f'rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" class="{kind}"', hover)

    def mark(self, x, y, kind, hover=""):
        """A circle, or for kinds that begin with "b" a triangle."""
        if kind.startswith("b"):
            self.add(f'path d="M{x:.1f} {y - 4.5:.1f}l4.2 7.6h-8.4z" class="{kind}"', hover)
        else:
            self.add(f'circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" class="{kind}"', hover)

    def render(self):
        body = "\n".join(self.parts)
        return (f'<svg viewBox="0 0 {WIDTH} {self.height:.0f}" role="img" aria-label="{escape(self.title)}" '
                f'xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n')


def ticks(most, about=4):
    """Round steps from 0 to at least `most`."""
    raw = most / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
    return [i * step for i in range(math.ceil(most / step - 1e-9) + 1)]


def decades(least, most):
    return [10.0 ** e for e in range(math.floor(math.log10(least) + 1e-9), math.ceil(math.log10(most) - 1e-9) + 1)]


def log_ticks(least, most):
    """1, 2 and 5 of each decade from below `least` to above `most`; whole decades where those are many."""
    fine = [m * d for d in decades(least / 10, most) for m in (1, 2, 5)]
    fine = [tick for i, tick in enumerate(fine) if fine[min(i + 1, len(fine) - 1)] > least and (i == 0 or fine[i - 1] < most)]
    return fine if len(fine) <= 6 else decades(least, most)


def short(value):
    """An axis label."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


@dataclasses.dataclass
class Bar:
    label: str
    value: float
    kind: str = "peer"  # or "ours"
    high: float | None = None  # a whisker up to there
    note: str = ""


def bars(title, groups, unit):
    """Horizontal bars from 0, each under its name: groups are [(heading, [Bar])]. A whisker that leaves the chart ends in
    an arrow."""
    canvas = Canvas(title)
    all_bars = [bar for _, group in groups for bar in group]
    most = max(bar.value for bar in all_bars)
    most = min(max(bar.high or bar.value for bar in all_bars), 1.25 * most)
    axis = ticks(most)
    left, right = 4, WIDTH - 52  # room for the longest bar's number
    scale = (right - left) / axis[-1]
    top = y = 4.0
    rows = []
    for heading, group in groups:
        if heading:
            rows.append((y + 12, heading, None))
            y += 20
        for bar in group:
            rows.append((y, "", bar))
            y += 27
        y += 6
    for tick in axis:
        canvas.line(left + tick * scale, top, left + tick * scale, y, "grid")
        last = tick == axis[-1]
        canvas.text(left + tick * scale, y + LINE, f"{tick:g} {unit}" if last else f"{tick:g}", "small",
                    "middle" if tick else "start")
    for at, heading, bar in rows:
        if bar is None:
            canvas.text(left, at, heading, "heading")
            continue
        canvas.text(left, at + 10, bar.label, "name strong" if bar.kind == "ours" else "name")
        hover = f"{bar.label}: {number(bar.value)} {unit}" + (f", {bar.note}" if bar.note else "")
        canvas.rect(left, at + 13, bar.value * scale, 9, f"bar {bar.kind}", hover)
        end = left + bar.value * scale
        if bar.high is not None and bar.high > bar.value:
            tip = left + min(bar.high, axis[-1]) * scale
            canvas.line(end, at + 17.5, tip, at + 17.5, "whisker")
            if bar.high > axis[-1]:
                canvas.add(f'path d="M{tip + 4:.1f} {at + 17.5:.1f}l-5 -3.5v7z" class="arrow"')
                tip += 4
            else:
                canvas.line(tip, at + 14, tip, at + 21, "whisker")
            end = tip
        canvas.text(end + 4, at + 21, number(bar.value), "value strong" if bar.kind == "ours" else "value")
    canvas.height = y + LINE + 5
    return canvas.render()


@dataclasses.dataclass
class Point:
    x: float
    y: float
    kind: str  # "a..." circles, "b..." triangles; see style.css
    hover: str = ""
    label: str = ""


class LogPlot:
    """Both axes logarithmic, in decades."""

    def __init__(self, title, x_label, y_label, xs, ys, height=270):
        self.canvas = Canvas(title)
        self.x_ticks, self.y_ticks = log_ticks(*xs), log_ticks(*ys)
        self.left, self.right, self.top, self.bottom = 38.0, WIDTH - 8.0, 20.0, height - 34.0
        self.canvas.height = height
        for tick in self.x_ticks:
            self.canvas.line(self.x(tick), self.top, self.x(tick), self.bottom, "grid")
            self.canvas.text(self.x(tick), self.bottom + LINE, short(tick), "small",
                             "end" if tick == self.x_ticks[-1] else "middle")
        for tick in self.y_ticks:
            self.canvas.line(self.left, self.y(tick), self.right, self.y(tick), "grid")
            self.canvas.text(self.left - 4, self.y(tick) + 4, short(tick), "small", "end")
        self.canvas.text((self.left + self.right) / 2, height - 5, x_label, "small", "middle")
        self.canvas.text(4, 11, y_label, "small")

    def x(self, value):
        low, high = math.log10(self.x_ticks[0]), math.log10(self.x_ticks[-1])
        return self.left + (math.log10(value) - low) / (high - low) * (self.right - self.left)

    def y(self, value):
        low, high = math.log10(self.y_ticks[0]), math.log10(self.y_ticks[-1])
        return self.bottom - (math.log10(value) - low) / (high - low) * (self.bottom - self.top)

    def segment(self, x1, y1, x2, y2, kind):
        """Clipped at the lower left corner: lines there start outside."""
        self.canvas.line(self.x(x1), self.y(y1), self.x(x2), self.y(y2), kind)

    def point(self, point):
        x, y = self.x(point.x), self.y(point.y)
        self.canvas.mark(x, y, point.kind, point.hover)
        if point.label:
            left_of_it = x > (self.left + self.right) / 2
            self.canvas.text(x - 7 if left_of_it else x + 7, y + 4, point.label, "value", "end" if left_of_it else "start")

    def render(self):
        return self.canvas.render()


def steps_on_log(title, rows, unit):
    """One dot a row on a logarithmic axis, for steps of a ladder that differ by orders of magnitude: [(label, value, kind)].
    Values of 0 are written, not drawn."""
    canvas = Canvas(title)
    drawn = [value for _, value, _ in rows if value > 0]
    axis = decades(min(drawn), max(drawn)) if drawn else [1.0, 10.0]
    if len(axis) == 1:
        axis.append(10 * axis[0])
    left, right = 6.0, WIDTH - 62.0
    low, high = math.log10(axis[0]), math.log10(axis[-1])
    at = lambda value: left + (math.log10(value) - low) / (high - low) * (right - left)
    bottom = 4 + 27.0 * len(rows)
    for tick in axis:
        canvas.line(at(tick), 4, at(tick), bottom, "grid")
        canvas.text(at(tick), bottom + LINE, short(tick), "small", "start" if tick == axis[0] else "middle")
    for i, (label, value, kind) in enumerate(rows):
        y = 4 + 27.0 * i
        canvas.text(left, y + 10, label, "name strong" if kind == "ours" else "name")
        if value > 0:
            canvas.line(left, y + 18, at(value), y + 18, f"stem {kind}")
            canvas.mark(at(value), y + 18, f"a {kind}", f"{label}: {number(value)} {unit}")
            canvas.text(at(value) + 8, y + 22, number(value), "value strong" if kind == "ours" else "value")
        else:
            canvas.text(left, y + 22, "none", "value")
    canvas.height = bottom + LINE + 5
    return canvas.render()
