"""Runs a command on GPUs of its own: on_gpu.py LOCKS GPUS [GPUS ...] -- COMMAND.

GPUS are values of ``CUDA_VISIBLE_DEVICES`` (``0`` or ``0,1``), one for each command
that runs side by side. The first that is free is taken, and held by a lock in LOCKS, a
folder, until the command has ended, even if whoever started it has ended before.
"""

import fcntl
import os
import sys
import time
from pathlib import Path
from typing import List


def take(locks: Path, gpus: List[str]) -> str:
    """Wait for a place that nobody holds; this process and its children hold it."""
    locks.mkdir(parents=True, exist_ok=True)
    while True:
        for i, place in enumerate(gpus):
            descriptor = os.open(locks / f'{i}.lock', os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                os.set_inheritable(descriptor, True)
                return place
        time.sleep(1)


if __name__ == '__main__':
    end = sys.argv.index('--')
    os.environ['CUDA_VISIBLE_DEVICES'] = take(Path(sys.argv[1]), sys.argv[2:end])
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
