"""What an archive's work is cut into, how often a block is tried, and whether results may be continued. Pure functions: no
files are opened, and Ray is not needed."""

import dataclasses
import hashlib
import os

WHOLE_TRIES = 2
"""How often a block is started before its images are computed one by one, each noted first."""
IMAGE_TRIES = 2
"""How many processes may die while they compute one noted image; then it becomes a row with an error."""


@dataclasses.dataclass(frozen=True)
class Block:
    """Images whose results are written together."""

    files: tuple[str, ...]

    @property
    def id(self):
        """The name of its files: a hash of the addresses, so that every run gives the same block the same name."""
        return hashlib.sha256(b"\0".join(map(os.fsencode, self.files))).hexdigest()[:24]


def cut(files, size):
    """Blocks of `size` images, the last one smaller. What a killed run left of a sorted list is cut as that run cut it: whole
    blocks are missing from it."""
    return [Block(tuple(files[start:start + size])) for start in range(0, len(files), size)]


@dataclasses.dataclass(frozen=True)
class Try:
    """One start of a block. It is noted in a file before work begins and removed after it, so that a process which finds it
    knows that an earlier one died."""

    starts: int = 1
    under_way: str | None = None
    """The image that is being computed, where images are computed one by one."""
    deaths: dict[str, int] = dataclasses.field(default_factory=dict)
    """How many processes died while they computed an image."""
    process: str = dataclasses.field(default_factory=lambda: f"{os.uname().nodename}:{os.getpid()}")
    """Who computes it: machine and process."""

    @property
    def whole(self):
        """Whether the block's images are computed without noting each."""
        return self.starts <= WHOLE_TRIES

    @property
    def given_up(self):
        """Images that are computed no more."""
        return {image for image, count in self.deaths.items() if count >= IMAGE_TRIES}

    def next(self):
        """The try after the process of this one died."""
        deaths = dict(self.deaths)
        if self.under_way is not None:
            deaths[self.under_way] = deaths.get(self.under_way, 0) + 1
        return Try(self.starts + 1, None, deaths)


def _flat(value, name=""):
    if isinstance(value, dict):
        return {key: leaf for part in value for key, leaf in _flat(value[part], f"{name}.{part}" if name else part).items()}
    return {name: value}


def difference(earlier, now):
    """The first setting or model in which two manifests differ, as a sentence; None where they agree."""
    before, after = _flat(earlier), _flat(now)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            return f"{name} was {before.get(name)} and is now {after.get(name)}"
    return None
