"""Runs cells side by side; a failing one does not stop the rest."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Mapping, NamedTuple, Protocol, Sequence

GUARD = Path(__file__).with_name('guard.py')
TAIL_LINES = 25


class Step(NamedTuple):
    """One command of a cell.

    Attributes:
        name: What the progress table calls it.
        command: Program and arguments.
        log: The file that its output is appended to.
        env: Its whole environment.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str]


class Runnable(Protocol):
    """What the scheduler needs of a cell.

    ``steps`` is a generator: the next step is made after the one before it has
    succeeded, so it may depend on what that wrote; what is finished is not yielded.
    """

    title: str
    folder: Path  # that only one process may write into at a time
    state: str  # waiting, running, done, failed, stopped
    step: str
    seconds: float  # spent in this call of ablate
    failure: str

    def steps(self) -> Iterator[Step]:
        """Commands that are left to run."""
        ...

    def fail(self, reason: str) -> None:
        """Note a failure."""
        ...


class Scheduler:
    """Runs the steps of each cell, ``jobs`` cells at a time.

    Args:
        jobs: Cells side by side, at least 1.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._stop = threading.Event()

    def run(
        self,
        cells: Sequence[Runnable],
        tick: Callable[[], None] = lambda: None,
        interval: float = 1.0,
    ) -> None:
        """Run all cells to their ends.

        Args:
            cells: Those to run, in this order.
            tick: Called now and then, to draw the progress.
            interval: Seconds between two calls.

        Raises:
            KeyboardInterrupt: Passed on after all running commands have been ended.
        """
        with ThreadPoolExecutor(max_workers=self.jobs) as pool:
            futures = [pool.submit(self._run_cell, cell) for cell in cells]
            pending = set(futures)
            try:
                while pending:
                    pending = wait(pending, timeout=interval).not_done
                    tick()
            except BaseException:
                self._stop.set()
                raise
        for future in futures:
            future.result()  # an error of the scheduler itself

    def _run_cell(self, cell: Runnable) -> None:
        cell.step = 'for another ablate.py'  # shown only if it takes a while
        with folder_lock(cell.folder, self._stop) as lock:
            if not self._stop.is_set():
                self._run_locked(cell, lock)

    def _run_locked(self, cell: Runnable, lock: int) -> None:
        cell.state, cell.step = 'running', ''
        start = time.monotonic()
        try:
            for step in cell.steps():
                cell.step = step.name
                status = self.execute(step, lock)
                cell.seconds = time.monotonic() - start
                if self._stop.is_set():
                    cell.state = 'stopped'
                    return
                if status:
                    command = ' '.join(map(str, step.command))
                    cell.fail(
                        f'{step.name} ended with status {status}: {command}\n'
                        f'Last lines of {step.log}:\n{tail(step.log)}'
                    )
                    return
            cell.state = 'done'
        except Exception:  # whatever is wrong with one cell, the others go on
            cell.fail(traceback.format_exc())

    def execute(self, step: Step, lock: int) -> int:
        """Run one command in a process group of its own; return its exit status.

        Its processes inherit the lock: they hold the folder until the last has ended.
        """
        step.log.parent.mkdir(parents=True, exist_ok=True)
        with step.log.open('ab') as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, str(GUARD), str(step.log.with_suffix('.usage'))),
                    *map(str, step.command),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(step.env),
                start_new_session=True,
                pass_fds=(lock,),
            )
        assert process.stdin is not None
        while True:
            try:
                return process.wait(0.2)
            except subprocess.TimeoutExpired:
                if self._stop.is_set():
                    process.stdin.close()  # the guard ends the command
                    process.wait()
                    return 1


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, without mim's traceback of a command that failed."""
    if not log.is_file():
        return '(nothing was written)'
    text = log.read_text(encoding='utf-8', errors='replace').rstrip()
    if text.rpartition('\n')[2].startswith('subprocess.CalledProcessError'):
        text = text.rpartition('\nTraceback (most recent call last):\n')[0].rstrip()
    return '\n'.join(text.splitlines()[-lines:])


@contextmanager
def folder_lock(folder: Path, stop: threading.Event | None = None) -> Iterator[int]:
    """Hold a folder for this process and those that it starts; wait until it is free.

    Processes of a killed predecessor hold it until the last of them has ended.

    Args:
        folder: Is made if need be.
        stop: Ends the waiting; the folder is then not held.

    Yields:
        The file descriptor to hand on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / 'lock', os.O_RDWR | os.O_CREAT)
    try:
        while stop is None or not stop.is_set():
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.2)
        yield descriptor
    finally:
        os.close(descriptor)
