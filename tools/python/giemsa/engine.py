"""An engine: the networks on a device."""

import functools
import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from giemsa import _giemsa, weights
from giemsa.cells import Cells
from giemsa.errors import ImageError, UsageError
from giemsa.files import File, name_of, read_image
from giemsa.images import to_pixels
from giemsa.sessions import SessionOptions, SessionPool

ModelSource = str | os.PathLike[str] | bytes | memoryview | None
Precision = Literal["auto", "fp32", "fp16", "bf16", "int8"]
Channels = Literal["RGB", "BGR"]
Crop = Literal["tight", "matlab"]
Split = Literal["none", "distance", "centre"]
Image = Any  # what giemsa.images.to_array takes


def _given(model: ModelSource, shipped: str) -> str | bytes | None:
    """A model as it is pickled and opened: a path that holds in every working folder, or its bytes."""
    if model is None or isinstance(model, bytes):
        return model
    if isinstance(model, memoryview):
        return bytes(model)
    return weights.find_weights(shipped) if model == "shipped" else os.path.abspath(model)


def _session_options(min_area: int = 200, threshold: float = 0.5, segment_size: int | tuple[int, int] | None = None,
                     crop: Crop = "tight", min_probability: float = 0.0, split: Split = "none") -> SessionOptions:
    if not 0 < threshold < 1:
        raise UsageError(f"threshold is {threshold}, not between 0 and 1")
    if min_area < 0:
        raise UsageError(f"min_area is {min_area}, a number of pixels")
    width, height = (segment_size, 0) if isinstance(segment_size, int) else segment_size or (0, 0)
    return SessionOptions(min_area or -1, float(threshold), width, height, crop,  # to the library an area of 0 is its default
                          float(min_probability), split)


def devices() -> list[Mapping[str, Any]]:
    """The CPU and the GPUs of this machine: "device" is what Engine takes; "name", "precisions", "memory_bytes"; "unusable" says
    why one cannot be used, and is empty where it can. Where the driver shows no GPU, one called "cuda" says why."""
    return list(_giemsa.devices())


def selftest(digest: str | None = None, **arguments: Any) -> Mapping[str, Any]:
    """Engine.selftest() of an Engine of its own, opened with `arguments`."""
    with Engine(**arguments) as engine:
        return engine.selftest(digest)


class Engine:
    """Finds and names cells. Shared by threads: identify() takes a session from a pool and releases the GIL. Pickles by its
    arguments, so that other processes open their own; a forked child cannot use its parent's. A context manager.

    segmenter, classifier   a path, a file's bytes, "shipped", or None: cells without classes, or classify() alone
    device                  "auto" (a GPU where one can be used, else the CPU), "cpu", "cuda", "cuda:N"
    threads                 of the CPU, for each session; 0: one for each core that the process may use
    sessions                how many threads may compute at once; each session has buffers of its own
    profile                 of a laboratory: a file that `giemsa adapt` made, or None
    tuning                  for GPUs: a file that `giemsa tune` made

    Raises ModelError, DeviceError, UsageError.
    """

    def __init__(self, segmenter: ModelSource = "shipped", classifier: ModelSource = "shipped", *, device: str = "auto",
                 precision: Precision = "auto", threads: int = 0, sessions: int = 1,
                 tuning: str | os.PathLike[str] | None = None, profile: str | os.PathLike[str] | None = None) -> None:
        if threads < 0 or sessions < 1:
            raise UsageError(f"threads is {threads}, sessions {sessions}; at least 0 and 1")
        self._arguments: dict[str, Any] = {
            "segmenter": _given(segmenter, weights.SEGMENTER), "classifier": _given(classifier, weights.CLASSIFIER),
            "device": device, "precision": precision, "threads": threads, "sessions": sessions,
            "tuning": None if tuning is None else os.path.abspath(tuning),
            "profile": None if profile is None else os.path.abspath(profile)}
        engine = _giemsa.Engine(*(self._arguments[name] for name in
                                  ("segmenter", "classifier", "device", "precision", "threads", "tuning",
                                   "profile")))
        self.classes: tuple[str, ...] = engine.class_names
        self.device = engine.device
        """What computes: "cpu (oneDNN 2.6.3, avx512_core, 2 threads)"."""
        self.precision = engine.precision
        self.provenance: Mapping[str, Any] = json.loads(engine.provenance)
        """For an audit trail: version, device, precision, each model's metadata and SHA-256."""
        self._pool = SessionPool(engine, sessions)
        self._process = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(type(self), **self._arguments), ()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<giemsa.Engine on {self.device}, {self.precision}, {len(self.classes)} classes>"

    def _checked_pool(self) -> SessionPool:
        if os.getpid() != self._process:
            raise UsageError("the engine was opened by the process that forked this one; open one here, or start processes "
                             "by multiprocessing's 'spawn'")
        return self._pool

    @property
    def memory(self) -> Mapping[str, int]:
        """Bytes that the engine and its sessions hold: models, packed weights, activations, results, on the host and on a GPU
        (what giemsa_memory in giemsa.h says); sessions that are open, frame sizes that are compiled."""
        return self._checked_pool().engine.memory

    def selftest(self, digest: str | None = None) -> Mapping[str, Any]:
        """Checks that this machine computes what it has to: that the models' bytes are those that were opened, that networks
        within the library find what they have to in a picture within it, and that the models answer twice with the same
        bits. Raises SelftestError where not. The result has a "digest" of these bits, the same on every run with the same
        models, device, precision and version; given to a later call it shows every change."""
        return self._checked_pool().engine.selftest(digest)

    def prepare(self, width: int, height: int, **options: Any) -> None:
        """Compiles for frames of this size in every session, so that the first identify() takes as long as any. `options`
        are identify()'s, but for channels: other options need another session."""
        self._checked_pool().prepare(_session_options(**options), width, height)

    def identify(self, image: Image, *, min_area: int = 200, threshold: float = 0.5,
                 segment_size: int | tuple[int, int] | None = None, crop: Crop = "tight", min_probability: float = 0.0,
                 channels: Channels = "RGB", split: Split = "none") -> Cells:
        """The cells of one image, in raster order of their first pixels.

        image            uint8 or uint16 (all 16 bits count: shift 12-bit samples by 4), (height, width), (height, width, 3) or
                         (height, width, 4; the fourth is ignored), any strides; numpy, or what has __array_interface__ or
                         __dlpack__ in the host's memory. float images are refused: whether 0..1 or 0..255 is meant, is not guessed.
        min_area         smaller regions, in pixels, are no cells
        threshold        probability above which a pixel is a cell's
        segment_size     (width, height) at which the segmenter sees the image, or its long side; None: the model's own
        crop             what the classifier sees of a cell: "tight", its box, or "matlab", the box as MATLAB's imcrop cuts it
        min_probability  a cell whose class is less probable is "unsure"
        split            how cells that touch are told apart: "none", a connected component is one cell, "distance", along the
                         necks of their component, or "centre", by the centres that a segmenter with a centre head tells

        Raises ImageError, UsageError, DeviceError, and Cancelled where close() was called meanwhile.
        """
        options = _session_options(min_area, threshold, segment_size, crop, min_probability, split)
        pixels, kind = to_pixels(image, channels)
        with self._checked_pool().session(options) as session:
            found = session.identify(pixels, kind)
        return Cells(class_names=self.classes, provenance=self.provenance, _outlines=found.pop("outlines"), **found)

    def classify(self, image: Image, boxes: npt.ArrayLike, *, crop: Crop = "tight",
                 channels: Channels = "RGB") -> npt.NDArray[np.float32]:
        """The probabilities (N, classes) of what is in `boxes`, (N, 4): x, y, width, height within the image."""
        wanted = np.asarray(boxes)
        if wanted.ndim != 2 or wanted.shape[1] != 4 or wanted.dtype.kind not in "iu":
            raise UsageError(f"boxes are {wanted.dtype} {wanted.shape}, not integers (N, 4): x, y, width, height")
        pixels, kind = to_pixels(image, channels)
        with self._checked_pool().session(_session_options(crop=crop)) as session:
            return session.classify(pixels, kind, np.ascontiguousarray(wanted, dtype=np.int32))

    def identify_files(self, files: Iterable[File], *, errors: Literal["raise", "keep"] = "raise",
                       **options: Any) -> Iterator[Cells]:
        """identify() for each file, a path or a file object, in order, reading ahead while others compute. With errors="keep" a file that cannot be
        read or used gives Cells with `error` set, in place of an exception. `options` are identify()'s."""
        if errors not in ("raise", "keep"):
            raise UsageError(f"errors is '{errors}', neither raise nor keep")
        sessions = self._pool.size

        def read(file: File) -> tuple[npt.NDArray[Any], float]:
            start = time.perf_counter()
            return read_image(file), 1000 * (time.perf_counter() - start)

        def identify(name: str, reading: "Future[tuple[npt.NDArray[Any], float]]") -> Cells:
            try:
                image, decode_ms = reading.result()
                return self.identify(image, **options).of_file(name, decode_ms)
            except ImageError as error:
                if errors == "raise":
                    raise
                return Cells.failed(name, str(error), self.classes, self.provenance)

        with ThreadPoolExecutor(1) as readers, ThreadPoolExecutor(sessions) as computers:
            under_way: deque[Future[Cells]] = deque()
            try:
                for file in files:
                    under_way.append(computers.submit(identify, name_of(file), readers.submit(read, file)))
                    if len(under_way) > 2 * sessions:
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            finally:
                for future in under_way:
                    future.cancel()

    def close(self) -> None:
        """Gives memory back. What is under way in other threads ends with Cancelled."""
        self._pool.close()
