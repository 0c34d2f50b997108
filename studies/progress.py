"""How far the runs of a study are, and when all will be done."""

from __future__ import annotations

import json
import threading
from typing import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from .results import renamed
from .run_folder import CLEAN, RunFolder
from .scalars import read_scalars

TRAINING = 0.9  # of a run's time; tests take the rest
INTERVAL = 2.0  # seconds between two looks
PERIOD = 24 * 3600.0  # seconds whose mean speed tells the time that is left


class Progress:
    """Watches the folders of runs; bars on a terminal, lines elsewhere.

    Args:
        runs: All that are left to run.
        console: Where to draw.
        silent: Draw nothing.
    """

    def __init__(
        self, runs: Sequence[RunFolder], console: Console, silent: bool = False
    ) -> None:
        self.runs = runs
        self.console = console
        self.bars = Bars(
            TextColumn('{task.description}', markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn('left'),
            console=console,
            disable=silent or not console.is_terminal,
            speed_estimate_period=PERIOD,
        )
        self.shares = {run.name: share(run) for run in runs}
        self.all = self.bars.add_task('all', total=len(runs))
        self.bars.update(self.all, completed=sum(self.shares.values()))
        self.tasks: dict[str, int] = {}
        self.silent = silent
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Progress:
        if not self.silent:
            self.console.print(f'{len(self.runs)} trainings to run')
        self.bars.start()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self.tick()
        self.bars.stop()

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.tick()

    def tick(self) -> None:
        """Look at the folders, and draw what has changed."""
        for run in self.runs:
            before, now = self.shares[run.name], share(run)
            if now == before:
                continue
            self.shares[run.name] = now
            if run.name not in self.tasks:
                self.tasks[run.name] = self.bars.add_task(run.title, total=1.0)
                self._say('running', run)
            task = self.tasks[run.name]
            self.bars.update(task, completed=now, visible=now < 1)
            self.bars.update(self.all, completed=sum(self.shares.values()))
            if now == 1:
                self._say('done   ', run)

    def _say(self, state: str, run: RunFolder) -> None:
        if self.silent:
            return
        left = self.bars.tasks[0].time_remaining
        measured = final_ap(run)
        self.console.print(
            f'{state} {run.title}'
            f'{f"  AP {measured}" if measured else ""}'
            f'{f"  ({clock(left)} left)" if left else ""}',
            markup=False,
            highlight=False,
        )


def share(run: RunFolder) -> float:
    """How much of a run is done, in [0, 1]."""
    if run.finished:
        return 1.0
    if run.trained.is_file():
        tested = sum(run.metrics_file(test).is_file() for test in run.tests)
        return TRAINING + (1 - TRAINING) * tested / len(run.tests)
    last = read_scalars(run.train_dir)['iteration'].max() if run.begun else 0
    return TRAINING * min(1.0, last / run.iterations) if run.iterations else 0.0


def final_ap(run: RunFolder) -> str:
    """AP on the clean test images, if it is measured."""
    path = run.metrics_file(CLEAN)
    if not path.is_file():
        return ''
    return f'{renamed(json.loads(path.read_text()))["AP"]:.3f}'


def clock(seconds: float) -> str:
    """Write 3665 seconds as 1:01:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02d}:{rest:02d}'
