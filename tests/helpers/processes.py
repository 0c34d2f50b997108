"""For tests of commands: runs them in processes of their own, as users do."""

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, List

from mmengine.config import Config
from mmengine.runner import Runner

from tests.helpers import ROOT

ENV = {
    **os.environ,
    'OMP_NUM_THREADS': '1',
    'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
}
TIMEOUT = 300
MMDET = packages_distributions()['mmdet'][0]  # or its fork, onedl-mmdetection


def mim(command: str, config: Path, *args: Any) -> List[str]:
    """The command line of ``mim COMMAND mmdet CONFIG ARGS``."""
    words = ['mim', command, MMDET, config, *args]
    return [sys.executable, '-m', *map(str, words)]


def run(command: List[str], cwd: Path) -> subprocess.CompletedProcess:
    """Run a command to its end; its output is one string, ``stdout``."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding='utf-8',
        errors='replace',
        timeout=TIMEOUT,
        check=False,
    )


def kill_after(checkpoint: Path, command: List[str], cwd: Path) -> None:
    """Run a training and kill it, workers too, when a checkpoint has been written."""
    process = subprocess.Popen(
        command, cwd=cwd, env=ENV, stdout=subprocess.DEVNULL, start_new_session=True
    )
    pointer = checkpoint.with_name('last_checkpoint')  # mmengine writes it afterwards
    deadline = time.monotonic() + TIMEOUT
    try:
        while not pointer.exists() or checkpoint.name not in pointer.read_text():
            assert process.poll() is None, 'the training has ended'
            assert time.monotonic() < deadline, 'no checkpoint was written'
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def end_workers(runner: Runner) -> None:
    """End a run's persistent workers now."""
    end_dataloader_workers(runner.train_dataloader)


def end_dataloader_workers(loader: Any) -> None:
    """End persistent workers now; left to torch, each takes 5 seconds to end."""
    iterator = getattr(loader, '_iterator', None)
    for worker in getattr(iterator, '_workers', []):
        worker.terminate()


def dump(cfg: Config, path: Path) -> Path:
    """Write a config to a file."""
    cfg.dump(path)
    return path
