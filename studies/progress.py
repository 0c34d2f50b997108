"""How far the runs of a study are, and when all will be done."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
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
    """

    def __init__(self, runs: Sequence[RunFolder], console: Console) -> None:
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
            disable=not console.is_terminal,
            speed_estimate_period=PERIOD,
        )
        self.shares = {run.name: share(run) for run in runs}
        self.all = self.bars.add_task('all', total=len(runs))
        self.bars.update(self.all, completed=self._done())
        self.tasks: dict[str, TaskID] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Progress:
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

    def _done(self) -> float:
        return sum(self.shares.values())

    def tick(self) -> None:
        """Look at the folders, and draw what has changed."""
        for run in self.runs:
            before, now = self.shares[run.name], share(run)
            self.shares[run.name] = now
            if now == before:
                continue
            if run.name not in self.tasks:
                self.tasks[run.name] = self.bars.add_task(run.title, total=1.0)
                self._say('running', run)
            task = self.tasks[run.name]
            self.bars.update(task, completed=now, visible=now < 1)
            self.bars.update(self.all, completed=self._done())
            if now == 1:
                self._say('done   ', run)

    def _say(self, state: str, run: RunFolder) -> None:
        left, measured = self.bars.tasks[0].time_remaining, final_ap(run)
        ap = f'  AP {measured}' if measured else ''
        rest = f'  ({timedelta(seconds=int(left))} left)' if left else ''
        self.console.print(f'{state} {run.title}{ap}{rest}', markup=False)


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
    """AP in percent on the clean test images, if it is measured."""
    path = run.metrics_file(CLEAN)
    if not path.is_file():
        return ''
    measured = renamed(json.loads(path.read_text(encoding='utf-8')))
    return f'{100 * measured["AP"]:.1f}'
