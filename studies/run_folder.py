"""A run on disk, as studies/Snakefile fills it.

A folder holds ``config.py``, ``train`` (the work directory of ``mim train``) and, once
that is through, ``trained``, which names the last checkpoint; then ``test``, with a
file of metrics for each set of test images. It is named after the config alone:
studies that ask for the same training share it.
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping

from mmengine.config import Config

from .run_config import build_config, config_hash, corrupted
from .settings import complete
from .study import Run, Study

CLEAN = 'clean'
TAIL_LINES = 25
NOISE = re.compile(r'pkg_resources|_bootstrap\._exec')


class RunFolder:
    """A training, and a test on each set of images.

    Args:
        folder (Path): Its own.
        title (str): What reports call it.
        cfg (Config): Of the training.
        tests (Mapping[str, Config]): Name of a set of test images to the config with
            them; none of a burn-in.
        facts (Mapping): What is written down beside the training.
    """

    def __init__(
        self,
        folder: Path,
        title: str,
        cfg: Config,
        tests: Mapping[str, Config],
        facts: Mapping[str, Any],
    ) -> None:
        self.folder = folder
        self.title = title
        self.cfg = cfg
        self.tests = tests
        self.facts = facts
        self.burn_in: RunFolder | None = None  # whose end it goes on from
        self.start: RunFolder | None = None  # whose weights it is loaded from
        self.iterations = 0  # of the whole training, if known
        self.known: list[dict[str, Any]] = []  # its rows, if it was done elsewhere

    @property
    def name(self) -> str:
        """What its folder is called, and tells it from all others."""
        return self.folder.name

    @property
    def train_dir(self) -> Path:
        """The work directory of the training."""
        return self.folder / 'train'

    @property
    def trained(self) -> Path:
        """Is there if and only if the training is through; names its checkpoint."""
        return self.folder / 'trained'

    def metrics_file(self, test: str) -> Path:
        """What was measured on a set of test images."""
        return self.folder / 'test' / f'{test}.json'

    @property
    def finished(self) -> bool:
        """Whether all that is asked for is there, or is known from elsewhere."""
        files = [self.trained, *map(self.metrics_file, self.tests)]
        return bool(self.known) or all(path.is_file() for path in files)

    @property
    def begun(self) -> bool:
        """Whether the training has a whole checkpoint to go on from, or is through."""
        checkpoints = self.train_dir.glob('*.pth')
        return self.trained.is_file() or any(map(zipfile.is_zipfile, checkpoints))

    def write(self) -> None:
        """Write what the workflow reads; files that have not changed stay untouched."""
        (self.folder / 'test').mkdir(parents=True, exist_ok=True)
        dump(self.cfg, self.folder / 'config.py')
        for name, cfg in self.tests.items():
            dump(cfg, self.folder / 'test' / f'{name}.py')
        if not self.trained.is_file():
            facts = json.dumps(self.facts, indent=1, default=str)
            (self.folder / 'facts.json').write_text(f'{facts}\n', encoding='utf-8')

    def why_unfinished(self) -> str:
        """The end of the log of the step that has not succeeded; '' without one."""
        for before in filter(None, (self.start, self.burn_in)):
            if not before.finished and not self.begun:
                why = before.why_unfinished()  # '' if it has not been tried
                return why and f'Its {before.title} failed.\n{why}'
        log = self.folder / 'train.log'
        for test in self.tests if self.trained.is_file() else ():
            if not self.metrics_file(test).is_file():
                log = self.folder / 'test' / f'{test}.log'
        return tail(log)


def run_folder(run: Run, study: Study, root: Path, origin: Mapping) -> RunFolder:
    """The folder of a run of a study.

    Args:
        run: The run.
        study: Its study.
        root: Of the folders of all studies.
        origin: Versions and git revision.

    Raises:
        Exception: Whatever is wrong with the config of the run.
    """
    cfg = build_config(run, study.data)
    start = None
    if run.start is not None:
        start = run_folder(run.start, replace(study, corruptions=()), root, origin)
        start.tests = {}
        cfg.load_from = start.name  # the same in any folder, for the hash
    key = config_hash(cfg, study.data)
    if start is not None:
        cfg.load_from = str(start.train_dir / last_checkpoint(start.cfg))
    tests = {
        CLEAN: cfg,
        **{
            f'{name}-{study.severity}': corrupted(cfg, name, study.severity)
            for name in study.corruptions
        },
    }
    settings = complete(run.settings)
    facts = {'config': run.config, 'config_hash': key, 'settings': settings, **origin}
    stem = Path(run.config.rpartition('::')[2]).stem
    folder = RunFolder(root / f'{stem}-{key}', run.title, cfg, tests, facts)
    folder.start = start
    return folder


def last_checkpoint(cfg: Config) -> str:
    """The file that a training ends with."""
    loop = cfg.train_cfg
    if 'max_iters' in loop:
        return f'iter_{loop.max_iters}.pth'
    return f'epoch_{loop.max_epochs}.pth'


def dump(cfg: Config, path: Path) -> None:
    """Write a config, unless it stands there already."""
    text = cfg.pretty_text
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        path.write_text(text, encoding='utf-8')


def tail(log: Path) -> str:
    """The last lines of a log, without warnings and mim's traceback of a failure."""
    if not log.is_file():
        return ''
    text = log.read_text(encoding='utf-8', errors='replace').rstrip()
    if text.rpartition('\n')[2].startswith('subprocess.CalledProcessError'):
        text = text.rpartition('\nTraceback (most recent call last):\n')[0].rstrip()
    lines = [line for line in text.splitlines() if not NOISE.search(line)]
    if not re.search(r'Error|Exception|Traceback', text):
        lines.append('(The log tells of no error: the run was stopped, or goes on.)')
    return '\n'.join([f'{log}:', *lines[-TAIL_LINES:]])
