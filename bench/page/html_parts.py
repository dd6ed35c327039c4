"""Pieces of HTML: escaped text, tables, sections with where their figures come from."""

import html
import re


def escape(text):
    return html.escape(str(text), quote=True)


def anchor(text):
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def number(value, digits=3):
    """To so many significant digits, without an exponent where people write none: 0.0123, 47.7, 1,230. Counts in full."""
    if isinstance(value, int) or value == 0:
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.{digits - 1}e}"
    whole = len(f"{abs(value):.0f}") if abs(value) >= 1 else 0
    if whole >= digits:
        return f"{value:,.0f}"
    leading = 0 if abs(value) >= 1 else len(re.match(r"0\.(0*)", f"{abs(value):.9f}")[1])
    return f"{value:.{digits - whole + leading}f}"


def percent(share, decimals=1):
    return f"{100 * share:.{decimals}f} %"


def table(header, rows, strong=()):
    """The first column is text and names the row, the others are numbers or short text. `strong`: indices of rows."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = ""
    for i, (name, *cells) in enumerate(rows):
        mark = ' class="ours"' if i in strong else ""
        body += f'<tr{mark}><th scope="row">{escape(name)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        body += "</tr>\n"
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n'


def paragraph(text):
    return f"<p>{escape(text)}</p>\n"


def details(summary, body):
    return f"<details>\n<summary>{escape(summary)}</summary>\n{body}</details>\n"


def figure(drawing, caption):
    return f"<figure>\n{drawing}<figcaption>{escape(caption)}</figcaption>\n</figure>\n"


def figures(*all_of_them):
    return '<div class="figures">\n' + "".join(all_of_them) + "</div>\n"


def section(title, body):
    return f'<section id="{anchor(title)}">\n<h2>{escape(title)}</h2>\n{body}</section>\n'


def source(file, facts, command=""):
    """Where figures come from: the file, what is known of how it was made, and the command."""
    known = "; ".join(escape(fact) for fact in facts if fact)
    made = f"<br><code>{escape(command)}</code>" if command else ""
    return f'<p class="source">From <code>{escape(file)}</code>: {known}.{made}</p>\n'


def machine_facts(result):
    """What a result says of machine, version and date, in words."""
    machine = result["machine"]
    busy = result.get("busy_with_others")
    gpu = machine.get("gpu")
    return [f"{gpu['name']}, driver {gpu.get('driver') or 'unknown'}" if gpu else "",
            f"{machine['cpu']} {machine['architecture']}".strip() + f", {machine['cores']} cores",
            f"{', '.join(machine['flags'])}", f"Linux {machine['kernel']}", f"niceness {machine['niceness']}",
            f"commit {result['commit']}", result["date"],
            f"others used {percent(busy)} of the processors meanwhile" if busy is not None else ""]
