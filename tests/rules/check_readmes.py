#!/usr/bin/env python3
"""Holds what the READMEs of the rooms, and the map in the main one, say to what is there: every file or folder that they
name exists.

    check_readmes.py [REPOSITORY]

A name is what stands in backquotes or is linked to, and looks like a path: it has a slash or a suffix that files here
have. Prints a line for each that does not exist, and exits 1 where there is any.
"""

import pathlib
import re
import sys

ROOM_READMES = ["README.md", "engine/README.md", "nets/README.md", "weights/README.md", "tools/README.md",
                "tools/python/README.md", "tools/ray/README.md", "bench/README.md", "bench/gpu/README.md"]
NAME = re.compile(r"`([^`\s]+)`|\]\(([^)\s#]+)(?:#[^)]*)?\)")
FILE = re.compile(r"^(?:\.\./)*[\w.-]+(?:/[\w.-]+)*/?$")
SUFFIXES = {".h", ".cpp", ".cu", ".py", ".inc", ".md", ".txt", ".json", ".html", ".png"}
# Examples of what a person types or gets, and files that a build or a run makes.
NOT_OURS = re.compile(r"^(build[\w-]*|dir|dumps?|images|results|crops|labels|overlays|geojson|dataset|figures)(/|$)|"
                      r"NAME|BLOCK|^(report|results|cells|images|manifest|smear|t|A|B)\.\w+$")


def names_in(text):
    """The paths that a README names. Blocks of code are what a person types."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    for match in NAME.finditer(text):
        name = match[1] or match[2]
        if not FILE.match(name) or NOT_OURS.search(name) or name.startswith("http"):
            continue
        if match[2] or pathlib.PurePosixPath(name).suffix in SUFFIXES:
            yield name


def missing(root, readme):
    """Names in `readme` that lead nowhere, from its own folder, from the repository's, or from the room that the line
    speaks of."""
    text = (root / readme).read_text(encoding="utf-8")
    folder = (root / readme).parent
    known = {path.name for room in ("engine", "kernels", "nets", "weights", "tools", "tests", "bench")
             for path in (root / room).rglob("*")}
    for name in names_in(text):
        found = (folder / name).exists() or (root / name).exists()
        # In the map a second file of the same room goes by its name alone.
        if not found and not ("/" not in name and name in known):
            yield name


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    lines = [f"{readme}: '{name}' does not exist" for readme in ROOM_READMES for name in missing(root, readme)]
    print("\n".join(lines) or f"{len(ROOM_READMES)} READMEs: every file that they name exists")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
