"""Worker processes and the quiet in which they are timed."""

import json
import os
import subprocess
import time

# Threads of an OpenMP runtime go on spinning when their work is done (Intel's for 200 ms); they have to be asleep before
# another worker is timed.
SETTLE_SECONDS = 0.25
TICK = os.sysconf("SC_CLK_TCK")


class WorkerError(Exception):
    pass


def cpu_seconds_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Worker:
    """A process that answers one JSON line with another."""

    def __init__(self, name, precision, argv):
        self.name, self.precision = name, precision
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)

    def ask(self, do, **arguments):
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the missing reply below tells
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"the worker ended with code {self.process.wait()}")
        reply = json.loads(line)
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def cpu_seconds(self):
        return cpu_seconds_of(self.process.pid)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def busy_seconds():
    """CPU seconds that all processors together have spent on anything, other guests of the host included."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


class Turn:
    """One worker's uninterrupted calls: their times, and the share of the CPU that others took meanwhile. `neighbours` are
    to be there, and are no others."""

    def __init__(self, worker, calls, neighbours):
        def others_seconds():
            return busy_seconds() - worker.cpu_seconds() - neighbours.cpu_seconds()

        time.sleep(SETTLE_SECONDS)
        others, started = others_seconds(), time.perf_counter()
        reply = worker.ask("run", calls=calls + 1)
        capacity = (time.perf_counter() - started) * os.cpu_count()
        self.ms = reply["ms"][1:]  # the first call finds other workers' data in the caches
        self.memory = reply["memory"]
        self.disturbance = max(0.0, others_seconds() - others) / capacity
