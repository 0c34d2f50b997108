"""A cell on disk: what of it is finished, and the commands that are left.

A folder holds ``config.py``, ``train`` (the work directory of ``mim train``) and, once
that is through, ``trained.json``; ``test`` has a work directory of ``mim test`` and a
file of metrics for each set of test images. It is named after the config alone: studies
that ask for the same training share it. Files that say "finished" are written at once,
by renaming: a kill leaves them or not.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any, Iterator, Mapping

from mmengine.config import Config

from .cell_config import build_config, config_hash, corrupted
from .commands import Launch, test_command, train_command
from .scheduler import Step
from .settings import complete
from .study import Cell, Study

CLEAN = 'clean'


class CellRun:
    """A cell of a study in its folder.

    Args:
        cell: The cell.
        study: The study, for the corruptions of its test.
        root: The folder of the cells of all studies.
        launch: How commands are launched.
        provenance: Versions and git revision, to be written beside the result.

    Raises:
        Exception: Whatever is wrong with the cell's config.
    """

    def __init__(
        self,
        cell: Cell,
        study: Study,
        root: Path,
        launch: Launch,
        provenance: Mapping[str, Any],
    ) -> None:
        self.cell = cell
        self.study = study
        self.launch = launch
        self.provenance = provenance
        self.title = ' '.join(f'{axis}={label}' for axis, label in cell.labels.items())
        self.cfg = build_config(cell)
        self.hash = config_hash(self.cfg, study.data)
        self.folder = root / f'{Path(cell.config).stem}-{self.hash}'
        self.state = 'waiting'
        self.step = ''
        self.seconds = 0.0
        self.failure = ''
        if self.finished:
            self.state = 'done'

    @property
    def finished(self) -> bool:
        """Whether all that the study asks for is there."""
        files = [self.metrics_file(name) for name in self.test_names]
        return all(path.is_file() for path in (self.trained_file, *files))

    @property
    def trained_file(self) -> Path:
        """Is there if and only if the training is through; says by which code."""
        return self.folder / 'trained.json'

    @property
    def train_dir(self) -> Path:
        """The work directory of the training."""
        return self.folder / 'train'

    @property
    def test_names(self) -> tuple[str, ...]:
        """The sets of test images: the clean ones, and each corruption."""
        return (CLEAN, *self.study.corruptions)

    def metrics_file(self, name: str) -> Path:
        """What was measured on a set of test images."""
        return self.folder / 'test' / f'{self._test_name(name)}.json'

    def _test_name(self, name: str) -> str:
        return name if name == CLEAN else f'{name}-{self.study.severity}'

    def steps(self) -> Iterator[Step]:
        """Train, test on each set of images, and write the result."""
        workers = self.cfg.train_dataloader.get('num_workers', 0)
        env = self.launch.environment(workers)
        config = self._write_config('config.py', self.cfg)
        (self.folder / 'failed.json').unlink(missing_ok=True)
        if not self.trained_file.is_file():
            repair_pointer(self.train_dir)
            command = train_command(config, self.train_dir, self.launch)
            yield Step('train', command, self.folder / 'train.log', env)
            self._write_trained()
        checkpoint = last_checkpoint(self.train_dir)
        for name in self.test_names:
            if self.metrics_file(name).is_file():
                continue
            if name != CLEAN:
                cfg = corrupted(self.cfg, name, self.study.severity)
                config = self._write_config(f'{self._test_name(name)}.py', cfg)
            work_dir = self.folder / 'test' / self._test_name(name)
            command = test_command(config, checkpoint, work_dir, self.launch)
            log = self.folder / f'test_{self._test_name(name)}.log'
            yield Step(f'test {name}', command, log, env)
            write_json(self.metrics_file(name), newest_metrics(work_dir))

    def fail(self, reason: str) -> None:
        """Note a failure; the next call of ablate tries again."""
        self.state, self.failure = 'failed', reason
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / 'failed.json', {'step': self.step, 'reason': reason})

    def _write_config(self, name: str, cfg: Config) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        cfg.dump(path)
        return path

    def _write_trained(self) -> None:
        result = {
            'settings': complete(self.cell.settings),
            'config': self.cell.config,
            'config_hash': self.hash,
            'checkpoint': last_checkpoint(self.train_dir).name,
            **self.provenance,
        }
        write_json(self.trained_file, result)


def last_checkpoint(train_dir: Path) -> Path:
    """The checkpoint that a training ended with.

    Raises:
        FileNotFoundError: If it wrote none.
    """
    pointer = train_dir / 'last_checkpoint'
    path = Path(pointer.read_text().strip()) if pointer.is_file() else None
    if path is None:
        raise FileNotFoundError(
            f'Expected the training to write a checkpoint into {train_dir} but it did '
            'not; set default_hooks.checkpoint.interval so that the last epoch or '
            'iteration is saved.'
        )
    return train_dir / path.name  # also if the folder has been moved


def repair_pointer(train_dir: Path) -> None:
    """Let ``last_checkpoint`` name a whole checkpoint, after a kill at any moment.

    mmengine resumes from the file that it names, be it there or not. Checkpoints that
    were cut off are deleted.
    """
    checkpoints = {}
    for path in train_dir.glob('*.pth'):
        if not zipfile.is_zipfile(path):
            path.unlink()
        elif re.fullmatch(r'(epoch|iter)_\d+', path.stem):
            checkpoints[int(path.stem.split('_')[1])] = path
    pointer = train_dir / 'last_checkpoint'
    if checkpoints:
        pointer.write_text(str(checkpoints[max(checkpoints)]))
    else:
        pointer.unlink(missing_ok=True)


def newest_metrics(work_dir: Path) -> dict[str, float]:
    """What the last ``mim test`` with this work directory measured.

    Raises:
        FileNotFoundError: If none got that far.
    """
    found = sorted(work_dir.glob('*/*.json'))
    if not found:
        raise FileNotFoundError(f'Expected metrics of a test in {work_dir} but no file')
    return json.loads(found[-1].read_text())


def write_json(path: Path, content: Any) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix('.part')
    part.write_text(json.dumps(content, indent=1, default=str) + '\n')
    os.replace(part, path)
