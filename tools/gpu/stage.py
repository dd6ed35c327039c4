"""A stage: steps, each a process with a log and a time limit, within a deadline for all, and one archive that is brought up
to date after every step."""

import concurrent.futures
import io
import itertools
import json
import os
import pathlib
import tarfile
import threading
import time
from dataclasses import dataclass, field

from .running import run_limited

LEAST_SECONDS = 2  # a step with less time is left out
RESERVE_SECONDS = 3  # for stopping what runs, and for the last archive
NO_TIME = "no time"
MOST_LOG_BYTES = 2 << 20  # of a log in the archive: its beginning and its end

# Statuses by which our programs, and the test programs, say that there is no usable GPU.
NO_GPU_STATUSES = (4, 77)
# What they say where a vendor's library, which nobody has to have, cannot be used.
ABSENT_WORDS = ("cannot be loaded", "for lack of its headers", "not installed")


@dataclass
class Step:
    name: str
    command: list
    limit: float  # seconds
    group: str = ""  # steps in a row of one group run side by side
    environment: dict = field(default_factory=dict)
    stdout: pathlib.Path = None  # a file for its standard output alone
    may_be_cut: bool = False  # running out of time is no failure: what it found until then counts
    needs: str = ""  # a program that may be missing: "" in `command` stands for it


@dataclass
class Outcome:
    name: str
    result: str  # ok, failed, stopped, cut, no GPU, left out
    seconds: float = 0.0
    why: str = ""

    def __str__(self):
        return f"{self.name:<24} {self.result:<8} {self.seconds:6.1f} s  {self.why}".rstrip()


class Stage:
    """Runs steps with `environment` in the folder `cwd`. Logs lie in `folder`; the archive NAME.tgz of all files in it lies in
    `out`, which is never half written."""

    def __init__(self, name, folder, out, seconds, cwd, environment, no_gpu=None):
        self.name, self.folder, self.out, self.cwd = name, folder, out, cwd
        self.environment, self.no_gpu = environment, no_gpu
        self.began = time.monotonic()
        self.end = self.began + seconds
        self.outcomes = []
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        out.mkdir(parents=True, exist_ok=True)

    def run(self, steps):
        """Runs the steps in order. Returns the exit status: 1 where one failed, or one that has to be whole had no time; else 4
        without a GPU, else 0."""
        for group, members in itertools.groupby(steps, key=lambda step: step.group or id(step)):
            members = list(members)
            with concurrent.futures.ThreadPoolExecutor(len(members)) as pool:
                for result in [pool.submit(self._run_and_keep, step) for step in members]:
                    result.result()
        def names(*results):
            return [outcome.name for outcome in self.outcomes if outcome.result in results]

        failed, left_out = names("failed", "stopped"), names("left out")
        required = {step.name for step in steps if not step.may_be_cut}
        no_time = [outcome.name for outcome in self.outcomes if outcome.why == NO_TIME and outcome.name in required]
        print(f"{self.name}: {len(self.outcomes)} steps in {time.monotonic() - self.began:.0f} s"
              + (f"; failed: {', '.join(failed)}" if failed else "")
              + (f"; left out: {', '.join(left_out)}" if left_out else "")
              + (f"; no GPU: {self.no_gpu}" if self.no_gpu else ""), flush=True)
        return 1 if failed or no_time else 4 if self.no_gpu else 0

    def _run_and_keep(self, step):
        outcome = self._run(step)
        with self._lock:
            self.outcomes.append(outcome)
            print(outcome, flush=True)
            self._archive()

    def _run(self, step):
        seconds = min(step.limit, self.end - RESERVE_SECONDS - time.monotonic())
        if step.needs and not step.command[0]:
            return self._missing(step.name, f"no {step.needs}")
        if seconds < LEAST_SECONDS:
            return Outcome(step.name, "left out", why=NO_TIME)
        try:
            ended = run_limited(step.command, seconds, self.folder / f"{step.name}.log", self.cwd,
                                {**self.environment, **step.environment}, step.stdout)
        except OSError as why:
            return Outcome(step.name, "failed", why=str(why))
        if ended.status is None:
            return Outcome(step.name, "cut" if step.may_be_cut else "stopped", ended.seconds,
                           f"over its {seconds:.0f} s: {ended.last_line}")
        return Outcome(step.name, self._result(ended), ended.seconds,
                       ended.last_line if ended.status == 0 else f"status {ended.status}: {ended.last_line}")

    def _result(self, ended):
        if ended.status in NO_GPU_STATUSES:
            if self.no_gpu:
                return "no GPU"
            if any(words in ended.last_line for words in ABSENT_WORDS):
                return "left out"
        return "ok" if ended.status == 0 else "failed"

    def _missing(self, name, why):
        return Outcome(name, "no GPU" if self.no_gpu else "left out", why=why)

    def _archive(self):
        summary = {"stage": self.name, "seconds": round(time.monotonic() - self.began, 1), "no_gpu": self.no_gpu,
                   "steps": [vars(outcome) for outcome in self.outcomes]}
        (self.folder / "steps.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        part = self.out / f"{self.name}.part"
        with tarfile.open(part, "w:gz", compresslevel=3) as archive:
            for file in sorted(self.folder.rglob("*")):
                if file.is_file() and not file.name.startswith("."):
                    _add(archive, file, f"{self.name}/{file.relative_to(self.folder)}")
        os.replace(part, self.out / f"{self.name}.tgz")


def _add(archive, file, name):
    """Adds the file as it is now, whoever still writes to it; of a log that is too long, beginning and end."""
    with open(file, "rb") as data:
        size = os.fstat(data.fileno()).st_size
        if file.suffix == ".log" and size > MOST_LOG_BYTES:
            content = data.read(MOST_LOG_BYTES // 2) + f"\n... {size - MOST_LOG_BYTES} bytes left out ...\n".encode()
            data.seek(size - MOST_LOG_BYTES // 2)
            content += data.read(MOST_LOG_BYTES // 2)
        else:
            content = data.read()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(content), int(file.stat().st_mtime)
    archive.addfile(entry, io.BytesIO(content))
