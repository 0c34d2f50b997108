"""A training on disk: whether it is finished, and the command that goes on with it.

A folder holds ``config.py``, ``train`` (the work directory of ``mim train``) and, once
that is through, ``trained.json``. It is named after the config alone. Files that say
"finished" are written at once, by renaming: a kill leaves them or not.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any, Iterator, Mapping

from mmengine.config import Config

from .commands import Launch, train_command
from .scheduler import Step


class Training:
    """A config's training in its folder.

    Args:
        title: What the progress table calls it.
        cfg: The config.
        config_hash: What tells it from all others.
        folder: Its own.
        launch: How commands are launched.
        provenance: Versions and git revision, to be written beside the result.
    """

    test_names: tuple[str, ...] = ()  # sets of test images

    def __init__(
        self,
        title: str,
        cfg: Config,
        config_hash: str,
        folder: Path,
        launch: Launch,
        provenance: Mapping[str, Any],
    ) -> None:
        self.title = title
        self.cfg = cfg
        self.hash = config_hash
        self.folder = folder
        self.launch = launch
        self.provenance = provenance
        self.state = 'waiting'
        self.step = ''
        self.seconds = 0.0
        self.failure = ''
        if self.finished:
            self.state = 'done'

    @property
    def head_start(self) -> float:
        """The share that another training has done of it."""
        return 0.0

    @property
    def finished(self) -> bool:
        """Whether all that is asked for is there."""
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

    def metrics_file(self, name: str) -> Path:
        """What was measured on a set of test images."""
        return self.folder / 'test' / f'{name}.json'

    def steps(self) -> Iterator[Step]:
        """Train, if that is not through yet."""
        config = self.write_config('config.py', self.cfg)
        (self.folder / 'failed.json').unlink(missing_ok=True)
        if not self.trained_file.is_file():
            repair_pointer(self.train_dir)
            command = train_command(config, self.train_dir, self.launch)
            yield Step('train', command, self.folder / 'train.log', self.environment())
            write_json(self.trained_file, self.origin())

    def environment(self) -> dict[str, str]:
        """That of all of its commands."""
        return self.launch.environment(self.cfg.train_dataloader.get('num_workers', 0))

    def origin(self) -> dict[str, Any]:
        """What is written down of a training that is through."""
        return {
            'config_hash': self.hash,
            'checkpoint': last_checkpoint(self.train_dir).name,
            **self.provenance,
        }

    def fail(self, reason: str) -> None:
        """Note a failure; the next call of ablate tries again."""
        self.state, self.failure = 'failed', reason
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / 'failed.json', {'step': self.step, 'reason': reason})

    def write_config(self, name: str, cfg: Config) -> Path:
        """Write a config into the folder, for a command to read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        cfg.dump(path)
        return path


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


def write_json(path: Path, content: Any) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix('.part')
    part.write_text(json.dumps(content, indent=1, default=str) + '\n')
    os.replace(part, path)
