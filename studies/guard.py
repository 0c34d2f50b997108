"""Runs one command and takes it down, with all its children, if ``ablate`` dies.

A script that imports nothing of this package, as it is started for every step of every
cell. It leads a process group and reads a pipe whose other end ``ablate`` holds. When
that end closes, by ``ablate``'s will or because something killed it, nothing of the
group stays behind to write into files that the next ``ablate`` goes on with.

Usage: guard.py USAGE_FILE COMMAND [ARGUMENT ...]
"""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from typing import List

GRACE = 10.0  # seconds to end by oneself; srun cancels its job in them


def main(argv: List[str]) -> int:
    """Run the command, append what it used to the file, return its exit status."""
    usage, *command = argv
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # sent to the group, so to us too
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, preexec_fn=default_signals
    )
    stopped = False
    while process.poll() is None and not stopped:
        readable, _, _ = select.select([sys.stdin], [], [], 0.1)
        stopped = bool(readable) and not os.read(sys.stdin.fileno(), 1)
    if stopped:
        end_group(process)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    record = {
        'seconds': round(time.monotonic() - start, 1),
        'cpu_seconds': round(children.ru_utime + children.ru_stime, 1),
        'max_rss_mb': round(children.ru_maxrss / 1024),  # of the largest process
        'status': process.returncode,
        'stopped': stopped,
    }
    with open(usage, 'a', encoding='utf-8') as file:
        file.write(json.dumps(record) + '\n')
    if stopped:
        os.killpg(0, signal.SIGKILL)  # grandchildren that ignored the first signal
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def default_signals() -> None:
    """The command is to hear what the guard ignores."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_group(process: subprocess.Popen) -> None:
    """Ask the group to end, and kill the command if it does not in time."""
    os.killpg(0, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
