"""A pool of sessions: a bounded number of threads computes at once, and none of them compiles a network twice."""

import contextlib
import threading
from collections.abc import Iterator
from typing import NamedTuple

from giemsa import _giemsa
from giemsa.errors import UsageError


class SessionOptions(NamedTuple):
    """What a session is opened with."""

    min_area: int
    threshold: float
    segment_width: int
    segment_height: int
    crop: str
    min_probability: float
    split: str


class SessionPool:
    """At most `size` sessions are open. Where a thread needs one with other options, the one that has been idle for longest
    makes room."""

    def __init__(self, engine: _giemsa.Engine, size: int) -> None:
        self.size = size
        self._engine: _giemsa.Engine | None = engine
        self._permits = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[tuple[SessionOptions, _giemsa.Session]] = []  # the last one used at the end
        self._busy: set[_giemsa.Session] = set()
        self._in_use = 0  # threads that have a session or are about to
        self._preparing = threading.Lock()  # two that each hold a part of the pool would wait for each other

    @property
    def engine(self) -> _giemsa.Engine:
        """Raises UsageError where the pool is closed."""
        engine = self._engine
        if engine is None:
            raise UsageError("the engine is closed")
        return engine

    @contextlib.contextmanager
    def session(self, options: SessionOptions) -> Iterator[_giemsa.Session]:
        """A session for the calling thread alone; waits until one can be had."""
        with self._permits:
            session = None
            try:
                session = self._take(options)
                yield session
            finally:
                with self._lock:
                    self._in_use -= 1
                    if session is not None:
                        self._busy.discard(session)
                        if self._engine is not None:
                            self._idle.append((options, session))

    def _take(self, options: SessionOptions) -> _giemsa.Session:
        with self._lock:
            self._in_use += 1
            engine = self.engine
            found = next((i for i in reversed(range(len(self._idle))) if self._idle[i][0] == options), None)
            session = self._idle.pop(found)[1] if found is not None else None
            if session is None and len(self._idle) + self._in_use > self.size:
                self._idle.pop(0)
        if session is None:
            session = _giemsa.Session(engine, **options._asdict())
        with self._lock:
            self._busy.add(session)
        return session

    def prepare(self, options: SessionOptions, width: int, height: int) -> None:
        """Opens every session with these options, and compiles it for frames of this size."""
        with self._preparing, contextlib.ExitStack() as taken:
            for session in [taken.enter_context(self.session(options)) for _ in range(self.size)]:
                session.prepare(width, height)

    def close(self) -> None:
        """Ends what is under way, in other threads, by Cancelled."""
        with self._lock:
            self._engine = None
            self._idle.clear()
            for session in self._busy:
                session.cancel()
