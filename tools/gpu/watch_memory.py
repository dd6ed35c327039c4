#!/usr/bin/env python3
"""How much memory of the GPU is in use while a command runs, by nvidia-smi, five times a second.

    watch_memory.py FILE.json COMMAND...

FILE.json gets MiB before the command and at most during it; standard output is the command's alone. Exit status: the command's.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

QUERY = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]


def samples(file):
    file.seek(0)
    return [int(line) for line in file.read().split() if line.isdigit()]


def main():
    out, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryFile("w+") as file:
        try:
            watcher = subprocess.Popen([*QUERY, "-lms", "200"], stdout=file, stderr=subprocess.DEVNULL)
            time.sleep(0.5)
        except OSError:
            watcher = None
        before = samples(file)
        status = subprocess.run(command).returncode
        if watcher:
            watcher.terminate()
            watcher.wait()
        during = samples(file)
    found = {"before_mib": before[-1], "most_mib": max(during)} if before and during else {}
    out.write_text(json.dumps(found) + "\n", encoding="utf-8")
    if found:
        print(f"{found['most_mib'] - found['before_mib']} MiB of the GPU's memory at most, beyond {found['before_mib']} MiB before",
              file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
