"""A scheduler that trains and tests without starting processes."""

from typing import ClassVar

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from studies import run as run_module
from studies.scheduler import Scheduler


class InProcess(Scheduler):
    """Does what the commands of a cell would, without their start."""

    commands: ClassVar[list] = []

    def execute(self, step, lock):
        words = list(step.command)
        InProcess.commands.append(words)
        cfg = Config.fromfile(words[words.index('mmdet') + 1])
        cfg.work_dir = words[words.index('--work-dir') + 1]
        cfg.visualizer.name = cfg.experiment_name = cfg.work_dir
        if words[3] == 'train':
            cfg.resume = '--resume' in words
            Runner.from_cfg(cfg).train()
        else:
            cfg.load_from = words[words.index('--checkpoint') + 1]
            Runner.from_cfg(cfg).test()
        return 0


@pytest.fixture
def in_process(monkeypatch):
    monkeypatch.setattr(run_module, 'Scheduler', InProcess)
    monkeypatch.setattr(InProcess, 'commands', [])
    return InProcess
