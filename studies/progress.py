"""The live table: what every cell is doing, and when all will be done."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import NamedTuple, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .cell_run import CLEAN
from .collect import renamed
from .training import Training

EPOCH = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\]')
ITERATION = re.compile(r'Iter\(train\)\s+\[\s*(\d+)/(\d+)\]')
LOSS = re.compile(r' loss: (\S+)')
MAP = re.compile(r'bbox_mAP: (\S+)')
UNFINISHED = ('running', 'waiting', 'stopped')
STYLES = {'running': 'cyan', 'done': 'green', 'failed': 'red', 'stopped': 'yellow'}
TRAINING = 0.9  # of a cell's time; tests take the rest
MAX_ROWS = 24


class News(NamedTuple):
    """What a training log says."""

    share: float = 0.0  # of the training, in [0, 1]
    loss: str = ''
    ap: str = ''


def read_news(log: Path, max_epochs: int = 0) -> News:
    """The newest of a training log; its last 16 kB are read."""
    if not log.is_file():
        return News()
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - 16384))
        text = file.read().decode('utf-8', errors='replace')
    share = 0.0
    iterations, epochs = ITERATION.findall(text), EPOCH.findall(text)
    if iterations:
        share = int(iterations[-1][0]) / int(iterations[-1][1])
    elif epochs and max_epochs:
        epoch, step, length = map(int, epochs[-1])
        share = (epoch - 1 + step / length) / max_epochs
    losses, aps = LOSS.findall(text), MAP.findall(text)
    return News(share, losses[-1] if losses else '', aps[-1] if aps else '')


class ProgressTable:
    """Draws the cells of a study; lines instead of a table if not on a terminal.

    Args:
        cells: All cells, finished ones too, and what they have in common.
        jobs: Cells side by side.
        console: Where to draw.
    """

    def __init__(self, cells: Sequence[Training], jobs: int, console: Console) -> None:
        self.cells = cells
        self.jobs = jobs
        self.console = console
        self.start = time.monotonic()
        self.begun: dict[str, tuple[float, float]] = {}  # when, and at which share
        self.told: dict[str, tuple[str, str]] = {}
        self.live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> ProgressTable:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.tick()
        self.live.stop()

    def share(self, cell: Training) -> float:
        """How much of a cell is done, in [0, 1]."""
        if cell.state == 'done':
            return 1.0
        if cell.trained_file.is_file():
            tested = sum(cell.metrics_file(name).is_file() for name in cell.test_names)
            return TRAINING + (1 - TRAINING) * tested / max(1, len(cell.test_names))
        epochs = cell.cfg.train_cfg.get('max_epochs', 0)
        share = read_news(cell.folder / 'train.log', epochs).share
        return TRAINING * max(cell.head_start, share)

    def seconds_left(self) -> float | None:
        """An estimate from the cells of this call; None if there is nothing to go by.

        The mean time of a cell, by what each has done since it began, times what is
        left, over the cells side by side.
        """
        now, done, spent, left = time.monotonic(), 0.0, 0.0, 0.0
        for cell in self.cells:
            share = self.share(cell)
            if cell.state in UNFINISHED:
                left += 1 - share
            if cell.state == 'running' and cell.title not in self.begun:
                self.begun[cell.title] = (now, share)
            if cell.title in self.begun and cell.state != 'failed':
                begun, at = self.begun[cell.title]
                done += share - at
                spent += cell.seconds if cell.state == 'done' else now - begun
        unfinished = sum(cell.state in UNFINISHED for cell in self.cells)
        side_by_side = max(1, min(self.jobs, unfinished))
        return spent / done * left / side_by_side if done > 0.02 else None

    def tick(self) -> None:
        """Draw the state of now."""
        if self.console.is_terminal:
            self.live.update(self.render(), refresh=True)
            return
        for cell in self.cells:
            now = (cell.state, cell.step if cell.state == 'running' else '')
            if self.told.get(cell.title) != now and cell.state != 'waiting':
                self.told[cell.title] = now
                ap = f'  AP {final_ap(cell)}' if final_ap(cell) else ''
                left = self.seconds_left()
                eta = '' if left is None else f'  ({clock(left)} left)'
                self.console.print(
                    f'{clock(time.monotonic() - self.start)}  {" ".join(now):12} '
                    f'{cell.title}{ap}{eta}',
                    highlight=False,
                    markup=False,
                )

    def render(self) -> Group:
        """The table, and a line below it."""
        table = Table(
            'cell', 'state', '', 'loss', 'AP', 'time', box=None, pad_edge=False
        )
        for cell in self._rows():
            news = read_news(
                cell.folder / 'train.log', cell.cfg.train_cfg.get('max_epochs', 0)
            )
            share = self.share(cell)
            bar = '━' * round(20 * share)
            step = f' {cell.step}' if cell.state in ('running', 'waiting') else ''
            table.add_row(
                Text(cell.title),
                Text(f'{cell.state}{step}', style=STYLES.get(cell.state, 'dim')),
                Text(f'{bar:20} {share:4.0%}'),
                news.loss,
                final_ap(cell) or news.ap,
                clock(self._time(cell)),
            )
        count = {
            state: sum(cell.state == state for cell in self.cells)
            for state in ('done', 'running', 'waiting', 'failed')
        }
        left = self.seconds_left()
        line = ', '.join(
            f'{number} {state}' for state, number in count.items() if number
        )
        eta = f'{clock(left)} left' if left is not None else 'time left unknown'
        spent = clock(time.monotonic() - self.start)
        return Group(table, Text(f'{line}; {spent} passed, {eta}', style='bold'))

    def _time(self, cell: Training) -> float:
        if cell.state == 'running' and cell.title in self.begun:
            return time.monotonic() - self.begun[cell.title][0]
        return cell.seconds

    def _rows(self) -> list[Training]:
        """All cells if they fit; else those that say most."""
        rank = {'running': 0, 'failed': 1, 'stopped': 1, 'waiting': 2, 'done': 3}
        if len(self.cells) <= MAX_ROWS:
            return list(self.cells)
        return sorted(self.cells, key=lambda cell: rank[cell.state])[:MAX_ROWS]


def final_ap(cell: Training) -> str:
    """AP on the clean test images, if it is measured."""
    path = cell.metrics_file(CLEAN)
    if not path.is_file():
        return ''
    return f'{renamed(json.loads(path.read_text()))["AP"]:.3f}'


def clock(seconds: float) -> str:
    """Write 3665 seconds as 1:01:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02d}:{rest:02d}'
