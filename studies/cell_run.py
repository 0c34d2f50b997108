"""A cell on disk: its training, and a test on each set of images.

Beside what a :class:`Training` has, a folder has ``test`` with a work directory of
``mim test`` and a file of metrics for each set of test images. It is named after the
config alone: studies that ask for the same training share it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, Mapping

from .burn_in import ORIGIN, go_on_from
from .cell_config import build_config, config_hash, corrupted
from .commands import Launch, test_command
from .scheduler import Step
from .settings import complete
from .study import Cell, Study
from .training import Training, last_checkpoint, write_json

CLEAN = 'clean'


class CellRun(Training):
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
        self.test_names = (CLEAN, *study.corruptions)
        self.burn_in: Training | None = None  # one that it shares with other cells
        title = ' '.join(f'{axis}={label}' for axis, label in cell.labels.items())
        cfg = build_config(cell)
        key = config_hash(cfg, study.data)
        folder = root / f'{Path(cell.config).stem}-{key}'
        super().__init__(title, cfg, key, folder, launch, provenance)

    @property
    def head_start(self) -> float:
        """The share that a shared burn-in has done of its training."""
        if self.burn_in is None or not self.burn_in.finished:
            return 0.0
        return self.cfg.model.burn_in_iters / self.cfg.train_cfg.max_iters

    def metrics_file(self, name: str) -> Path:
        """What was measured on a set of test images."""
        return super().metrics_file(self._test_name(name))

    def _test_name(self, name: str) -> str:
        return name if name == CLEAN else f'{name}-{self.study.severity}'

    def steps(self) -> Iterator[Step]:
        """Train, test on each set of images, and write the result."""
        if self.burn_in is not None and self.burn_in.finished:
            go_on_from(self.burn_in, self)
        yield from super().steps()
        checkpoint = last_checkpoint(self.train_dir)
        for name in self.test_names:
            if self.metrics_file(name).is_file():
                continue
            config = self.folder / 'config.py'
            if name != CLEAN:
                cfg = corrupted(self.cfg, name, self.study.severity)
                config = self.write_config(f'{self._test_name(name)}.py', cfg)
            work_dir = self.folder / 'test' / self._test_name(name)
            command = test_command(config, checkpoint, work_dir, self.launch)
            log = self.folder / f'test_{self._test_name(name)}.log'
            yield Step(f'test {name}', command, log, self.environment())
            write_json(self.metrics_file(name), newest_metrics(work_dir))

    def origin(self) -> dict[str, Any]:
        """What is written down of a training that is through."""
        origin = super().origin()
        shared = self.folder / ORIGIN
        if shared.is_file():
            first, then = json.loads(shared.read_text()), origin['git_revision']
            if first['git_revision'] != then:
                origin['git_revision'] = f'{first["git_revision"]}, then {then}'
        settings = complete(self.cell.settings)
        return {'settings': settings, 'config': self.cell.config, **origin}


def newest_metrics(work_dir: Path) -> dict[str, float]:
    """What the last ``mim test`` with this work directory measured.

    Raises:
        FileNotFoundError: If none got that far.
    """
    found = sorted(work_dir.glob('*/*.json'))
    if not found:
        raise FileNotFoundError(f'Expected metrics of a test in {work_dir} but no file')
    return json.loads(found[-1].read_text())
