"""A command with a time limit, its output in a file, that ends together with everything it started."""

import os
import pathlib
import signal
import subprocess
import time

PATIENCE_AFTER_KILL = 5  # seconds; a process that waits for a driver may not die at all


class Ended:
    """How a command ended: `status` as the shell has it, None where it was stopped at its limit."""

    def __init__(self, status, seconds, log, begin):
        self.status, self.seconds, self.log, self.begin = status, seconds, log, begin

    @property
    def output(self):
        """What it wrote to its log."""
        with open(self.log, "rb") as file:
            file.seek(self.begin)
            return file.read().decode("utf-8", "replace")

    @property
    def last_line(self):
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""


_alive = set()  # the processes that run now, of all threads


def run_limited(command, seconds, log, cwd, environment, stdout=None):
    """Runs `command` for at most `seconds`. Both of its outputs are appended to the file `log`, after a line with the
    command; with `stdout` its standard output makes that file instead. Raises OSError where it cannot be started."""
    command = [str(word) for word in command]
    began = time.monotonic()
    with open(log, "ab") as file, open(stdout or os.devnull, "wb") as to:
        file.write(f"$ {' '.join(command)}\n".encode())
        file.flush()
        begin = file.tell()
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=to if stdout else file, stderr=file if stdout else subprocess.STDOUT,
                                   start_new_session=True)
    _alive.add(process)
    try:
        status = process.wait(timeout=seconds)
        status = 128 - status if status < 0 else status  # a signal
    except subprocess.TimeoutExpired:
        kill(process)
        status = None
    finally:
        _alive.discard(process)
    return Ended(status, time.monotonic() - began, pathlib.Path(log), begin)


def kill(process):
    """Ends the process and whatever it left in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    try:
        process.wait(timeout=PATIENCE_AFTER_KILL)
    except subprocess.TimeoutExpired:
        pass


def kill_all():
    for process in list(_alive):
        kill(process)
