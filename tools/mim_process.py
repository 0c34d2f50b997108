"""Run a `mim` command in a process of its own and show how it gets on."""

from __future__ import annotations

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Sequence

from rich.console import Console
from rich.markup import escape

TRAIN = re.compile(
    r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\].* eta: (\S+).* loss: (\S+)'
)
AP = re.compile(r'Epoch\((?:val|test)\).*AP50: (\S+)')


class CommandError(Exception):
    """A command failed, or cannot run; says why."""


def mmdet_distribution() -> str:
    """The name that mim knows mmdet by: of the original or of its maintained fork."""
    return importlib.metadata.packages_distributions()['mmdet'][0]


def run_mim(
    arguments: Sequence[str | Path],
    cwd: Path,
    log: Path,
    threads: int,
    console: Console,
) -> None:
    """Run `mim ARGUMENTS` to its end.

    Args:
        arguments: Begin with the subcommand.
        cwd: The folder to run in.
        log: The file for all that it prints.
        threads: How many threads it computes with.
        console: Shows the command line, then its progress.

    Raises:
        CommandError: If there is no mim, or it fails.
    """
    binary = Path(sys.executable).with_name('mim')
    if not binary.is_file():
        raise CommandError(
            f'There is no {binary}; run `make setup`, or install openmim.'
        )
    words = [str(argument) for argument in arguments]
    console.print(f'$ {escape(" ".join(["mim", *words]))}')
    console.print(f'[dim]Its whole output goes to {log}[/dim]')
    environment = {
        **os.environ,
        'OMP_NUM_THREADS': str(threads),
        # Threads that wait leave their core soon: to the workers of the data loader,
        # and to whatever else runs here. With more of these, spinning costs a factor.
        'GOMP_SPINCOUNT': '3000',
        'PATH': f'{binary.parent}{os.pathsep}{os.environ.get("PATH", "")}',
    }
    process = subprocess.Popen(
        [str(binary), *words],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        tail = _follow(process, log, console)
        if process.wait():
            raise CommandError(
                f'{tail}\n`mim {words[0]}` failed; all that it said is in {log}'
            )
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _follow(process: subprocess.Popen, log: Path, console: Console) -> str:
    """Log what a process prints, show its progress, return the last lines."""
    lines: list[str] = []
    with log.open('w', encoding='utf-8') as file, console.status('starting') as status:
        for line in process.stdout or ():
            file.write(line)
            file.flush()
            lines = [*lines[-14:], line]
            news = progress_in(line)
            if news:
                console.print(f'  {news}')
                status.update('running')
    return ''.join(lines)


def progress_in(line: str) -> str:
    """What a line of mmengine's log says of the progress, in short; often nothing."""
    train, ap = TRAIN.search(line), AP.search(line)
    if train:
        epoch, iteration, length, left, loss = train.groups()
        return f'epoch {epoch}  {iteration:>4}/{length}  loss {loss}  {left} left'
    return f'[bold]AP50 {ap[1]}[/bold] on the test images' if ap else ''
