"""Other programs that keep cores busy while contestants are timed, as on a machine that does more than one thing."""

import contextlib
import subprocess
import sys

from worker import cpu_seconds_of


class Neighbours:
    """Processes that do nothing but compute, each on a core where the scheduler has one."""

    def __init__(self, count):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]

    def cpu_seconds(self):
        return sum(cpu_seconds_of(process.pid) for process in self.processes)

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def running(count):
    """A context in which `count` of them run."""
    return contextlib.closing(Neighbours(count))
