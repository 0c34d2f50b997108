"""The ``mim`` command lines of a cell, and the environment they run in."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path
from typing import NamedTuple

import mmdet_lossmix


class Launch(NamedTuple):
    """How commands are launched.

    Attributes:
        threads: Cores that one cell may fill: threads of the training process plus
            the workers of its loader.
        partition: Of SLURM; None runs on this machine.
        gpus: Of one cell, on SLURM.
        srun_args: Other arguments of ``srun``, in one string.
    """

    threads: int = 1
    partition: str | None = None
    gpus: int = 1
    srun_args: str = ''

    def arguments(self) -> list[str]:
        """What ``mim train`` and ``mim test`` are told of it."""
        if self.partition is None:
            return []
        slurm = [
            *('--launcher', 'slurm'),
            *('--partition', self.partition),
            *('--gpus', str(self.gpus)),
            *('--gpus-per-node', str(self.gpus)),
            *('--cpus-per-task', str(self.threads)),
        ]
        return [*slurm, '--srun-args', self.srun_args] if self.srun_args else slurm

    def environment(self, workers: int) -> dict[str, str]:
        """The environment of a cell's commands.

        Args:
            workers: Loader workers of the cell, each of which fills a core.

        Raises:
            ValueError: If the workers leave no core to the training.
        """
        threads = self.threads - workers
        if threads < 1:
            raise ValueError(
                f'Expected more than {workers} threads a cell, as its loader has '
                f'{workers} workers, but got {self.threads}; give --threads '
                f'{workers + 1}, or set `workers: 0` under `settings` of the study.'
            )
        source = str(Path(mmdet_lossmix.__file__).resolve().parents[1])
        paths = [source, *filter(None, [os.environ.get('PYTHONPATH')])]
        return {
            **os.environ,
            **dict.fromkeys(
                ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'),
                str(threads),
            ),
            # Threads that wait leave their core soon to those of other cells.
            'GOMP_SPINCOUNT': '3000',
            'PYTHONPATH': os.pathsep.join(paths),
        }


def train_command(config: Path, work_dir: Path, launch: Launch) -> list[str]:
    """``mim train``; from the last checkpoint in ``work_dir``, if it holds one."""
    options = [*launch.arguments(), '--work-dir', str(work_dir), '--resume']
    return [*_mim('train'), str(config), *options]


def test_command(
    config: Path, checkpoint: Path, work_dir: Path, launch: Launch
) -> list[str]:
    """``mim test``."""
    options = ['--checkpoint', str(checkpoint), *launch.arguments()]
    return [*_mim('test'), str(config), *options, '--work-dir', str(work_dir)]


def _mim(command: str) -> list[str]:
    return [sys.executable, '-m', 'mim', command, mmdet_distribution()]


def mmdet_distribution() -> str:
    """The name that mim knows mmdet by: of the original or of its maintained fork."""
    try:
        importlib.metadata.version('mmdet')
    except importlib.metadata.PackageNotFoundError:
        return 'onedl-mmdetection'
    return 'mmdet'
