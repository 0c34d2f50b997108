"""A cell for the scheduler, of any programs; imports nothing that takes time."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace


class FakeCell:
    """Runs the given Python programs, a process for each."""

    def __init__(self, folder: Path, *programs: str) -> None:
        self.folder = folder
        self.programs = programs
        self.title = folder.name
        self.state, self.step, self.failure, self.seconds = 'waiting', '', '', 0.0

    def steps(self):
        for i, program in enumerate(self.programs):
            yield SimpleNamespace(
                name=f'step {i}',
                command=[sys.executable, '-S', '-c', program],
                log=self.folder / f'{i}.log',
                env=dict(os.environ),
            )

    def fail(self, reason: str) -> None:
        self.state, self.failure = 'failed', reason


def spawning(folder: Path) -> str:
    """A program with a child of its own that neither signals nor pipes would end."""
    return (
        'import subprocess, sys, time, os; from pathlib import Path\n'
        'child = subprocess.Popen([sys.executable, "-S", "-c", '
        '"import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"])\n'
        'time.sleep(0.3)\n'
        f'part = Path({str(folder)!r}) / "part"; part.write_text(str(child.pid))\n'
        'part.rename(part.with_name("child"))\n'
        'time.sleep(60)\n'
    )
