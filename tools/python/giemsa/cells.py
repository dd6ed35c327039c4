"""What was found in one image."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from giemsa import export, pictures

if TYPE_CHECKING:
    import pandas


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell. Pixels of the image, origin top left."""

    id: int
    box: tuple[int, int, int, int]  # x, y, width, height
    area: int
    centroid: tuple[float, float]  # x, y
    cls: str | None
    """Its class, or "unsure"; None without a classifier."""
    probability: float
    """Of the most probable class."""
    probabilities: Mapping[str, float]
    at_edge: bool
    mask: npt.NDArray[np.bool_] = dataclasses.field(repr=False, compare=False)
    """(height, width) of the box: which of its pixels are the cell's."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Cells(Sequence[Cell]):
    """The cells of one image: columns first, a Cell on demand. The arrays own their memory and outlive the engine."""

    labels: npt.NDArray[np.uint16]
    """(height, width): 0 background, else a cell's id."""
    ids: npt.NDArray[np.uint16]
    """(N,): 1..N, with gaps after filter()."""
    boxes: npt.NDArray[np.int32]
    """(N, 4): x, y, width, height."""
    areas: npt.NDArray[np.int64]
    centroids: npt.NDArray[np.float64]
    """(N, 2): x, y."""
    class_indices: npt.NDArray[np.int64]
    """-1 without a classifier."""
    probabilities: npt.NDArray[np.float32]
    """(N, classes)"""
    at_edge: npt.NDArray[np.bool_]
    """Whether the box touches the image's edge: part of the cell may be missing."""
    unsure: npt.NDArray[np.bool_]
    """Whether the class is less probable than identify()'s min_probability."""
    ms: Mapping[str, float]
    """Milliseconds: (decode,) convert, segment, postprocess, classify, total."""
    class_names: tuple[str, ...]
    """What class_indices and the columns of probabilities mean."""
    provenance: Mapping[str, Any]
    """The engine's."""
    file: str | None = None
    error: str | None = None
    """Why there are no results; identify_files(errors="keep") alone sets it."""
    _outlines: list[npt.NDArray[np.int32]] = dataclasses.field(default_factory=list)

    @classmethod
    def failed(cls, file: str, error: str, class_names: tuple[str, ...], provenance: Mapping[str, Any]) -> "Cells":
        """No cells, because of `error`."""
        return cls(labels=np.zeros((0, 0), np.uint16), ids=np.zeros(0, np.uint16), boxes=np.zeros((0, 4), np.int32),
                   areas=np.zeros(0, np.int64), centroids=np.zeros((0, 2)), class_indices=np.zeros(0, np.int64),
                   probabilities=np.zeros((0, len(class_names)), np.float32), at_edge=np.zeros(0, np.bool_),
                   unsure=np.zeros(0, np.bool_), ms={}, class_names=class_names, provenance=provenance, file=file, error=error)

    def of_file(self, file: str, decode_ms: float) -> "Cells":
        """The same, with the name of the image's file and the time that reading it took."""
        ms = {"decode": decode_ms, **self.ms, "total": decode_ms + self.ms["total"]}
        return dataclasses.replace(self, file=file, ms=ms)

    @property
    def classes(self) -> list[str | None]:
        """What each cell is called: its most probable class, or "unsure"; None without a classifier."""
        return ["unsure" if unsure else self.class_names[i] if i >= 0 else None
                for i, unsure in zip(self.class_indices, self.unsure)]

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> "Cells": ...
    def __getitem__(self, index: int | slice) -> "Cell | Cells":
        if isinstance(index, slice):
            return self._chosen(np.arange(len(self))[index])
        i = range(len(self))[index]  # raises IndexError, as a list does
        x, y, w, h = map(int, self.boxes[i])
        values = dict(zip(self.class_names, map(float, self.probabilities[i])))
        return Cell(id=int(self.ids[i]), box=(x, y, w, h), area=int(self.areas[i]),
                    centroid=(float(self.centroids[i, 0]), float(self.centroids[i, 1])), cls=self.classes[i],
                    probability=max(values.values(), default=0.0), probabilities=values, at_edge=bool(self.at_edge[i]),
                    mask=self.labels[y:y + h, x:x + w] == self.ids[i])

    def __iter__(self) -> Iterator[Cell]:
        return (self[i] for i in range(len(self)))

    def _chosen(self, indices: npt.NDArray[np.intp]) -> "Cells":
        ids = self.ids[indices]
        kept = np.zeros(1 << 16, np.uint16)
        kept[ids] = ids
        columns = {name: getattr(self, name)[indices]
                   for name in ("boxes", "areas", "centroids", "class_indices", "probabilities", "at_edge", "unsure")}
        return dataclasses.replace(self, labels=kept[self.labels], ids=ids, _outlines=[self._outlines[i] for i in indices],
                                   **columns)

    def filter(self, *, min_area: int | None = None, min_probability: float | None = None,
               at_edge: bool | None = None) -> "Cells":
        """Those of at least this area and probability that touch the image's edge (at_edge=True) or do not (False). They
        keep their ids; the label image keeps no others."""
        wanted = np.ones(len(self), np.bool_)
        if min_area is not None:
            wanted &= self.areas >= min_area
        if min_probability is not None:
            wanted &= self.probabilities.max(axis=1, initial=0) >= min_probability
        if at_edge is not None:
            wanted &= self.at_edge == at_edge
        return self._chosen(np.flatnonzero(wanted))

    def counts(self) -> dict[str, int]:
        """How many are called what: every class, and "unsure". {} without a classifier."""
        called = self.classes
        return {name: called.count(name) for name in (*self.class_names, "unsure")} if self.class_names else {}

    def outlines(self) -> list[npt.NDArray[np.int32]]:
        """Of each cell's largest piece: the corners (K, 2), x, y, between pixels; the first is repeated at the end."""
        return list(self._outlines)

    def to_pandas(self) -> "pandas.DataFrame":
        """A row per cell, with the columns of cells.csv."""
        import pandas

        return pandas.DataFrame(export.columns(self))

    def to_dict(self) -> dict[str, Any]:
        """What `giemsa run` writes of an image into results.json."""
        return export.image_object(self)

    def to_geojson(self) -> dict[str, Any]:
        """A FeatureCollection for QuPath, a polygon for each cell's largest piece."""
        return export.feature_collection(self)

    def to_napari(self) -> list[tuple[Any, dict[str, Any], str]]:
        """Layers of napari: the label image with the columns as its features, and the outlines."""
        return export.napari_layers(self)

    def overlay(self, image: Any) -> npt.NDArray[np.uint8]:
        """A copy of the image, RGB, with the cells outlined and named."""
        return pictures.draw_overlay(image, self)

    def __repr__(self) -> str:
        named = ", ".join(f"{count} {name}" for name, count in self.counts().items() if count)
        return f"<giemsa.Cells: {self.error or f'{len(self)} found'}{named and ': ' + named}>"

    def _repr_html_(self) -> str:
        return pictures.html_table(self)
