"""Show what a set-up is doing, all the time; a part of setup_env.py."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Iterator, List, Mapping


class SetupError(Exception):
    """Something that the reader has to put right; the message says what."""


class CommandError(SetupError):
    """Something failed for a reason we do not know; a new venv may help."""


@contextlib.contextmanager
def not_for_a_new_venv() -> Iterator[None]:
    """Raise a plain SetupError for failures that have nothing to do with the venv."""
    try:
        yield
    except CommandError as error:
        raise SetupError(str(error)) from None


def gist(line: str) -> str:
    """Return what a line of pip's or ninja's output tells who is waiting, or ''."""
    ninja = re.match(r'\s*\[(\d+)/(\d+)\]', line)
    if ninja:
        return f'compiled [{ninja[1]}/{ninja[2]}]'
    pip = re.match(r'\s*(Collecting|Downloading|Installing|Building) .{,60}', line)
    return pip[0].strip() if pip else ''


def explain(output: str) -> str:
    """Return why a command failed where its output shows it, or ''."""
    if re.search(r'NewConnection|NameResolution|No matching distribution', output):
        return 'The package index cannot be reached, or lacks this: is there a network?'
    if 'No space left on device' in output:
        return 'The disk is full.'
    if 'ensurepip is not available' in output:
        return 'Install the venv module (Debian, Ubuntu: python3.11-venv).'
    if re.search(r'Killed signal|signal 9|out of memory', output):
        return 'Memory ran out: try again with fewer compilers at once (MAX_JOBS=2).'
    return ''


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """Hold the lock on a file, waiting for whoever else holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('a') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('Another set-up is running; waiting for it to end.', flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


class Console:
    """Numbered steps with the time elapsed; below them one line that keeps changing.

    Args:
        log: File that gets the whole output of all commands.
        lock: Descriptor of a locked file. Commands inherit it, so that if we are killed
            the lock is not free before the command we left behind has ended.
        steps: How many steps there will be.
    """

    def __init__(self, log: Path, lock: int, steps: int) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text('')
        self.log = log
        self.lock = lock
        self.steps = steps
        self.start = self.shown = time.monotonic()
        self.restart()

    def restart(self) -> None:
        """Count the steps from the first again."""
        self.count = 0

    def step(self, title: str) -> None:
        """Announce the next step."""
        self.count += 1
        self.say(f'[{self.count}/{self.steps}] {self.elapsed()}  {title}')

    def note(self, text: str) -> None:
        """Print a detail of the present step."""
        self.say(f'{"":14}{text}')

    def say(self, text: str) -> None:
        """Print a line that stays."""
        print(('\r\033[K' if sys.stdout.isatty() else '') + text, flush=True)
        self.shown = time.monotonic()

    def update(self, text: str) -> None:
        """Replace the changing line; without a terminal, print it every 20 seconds."""
        line = f'      {self.elapsed()}  {text or "..."}'
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            print(f'\r\033[K{line[:width]}', end='', flush=True)
        elif time.monotonic() - self.shown > 20:
            self.say(line)

    def elapsed(self) -> str:
        """Return the time since the start, such as ' 1:05'."""
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        return f'{minutes:3d}:{seconds:02d}'

    def run(self, command: List[str], env: Mapping[str, str]) -> None:
        """Run a command: its output goes to the log, the gist of it to the screen."""
        output = [f'$ {" ".join(command)}\n']
        latest = ['']
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=str(self.log.parent),
            pass_fds=[self.lock],
            start_new_session=True,
        )

        def read() -> None:
            with self.log.open('a') as log:
                log.write(output[0])
                for line in process.stdout or ():
                    output.append(line.decode(errors='replace'))
                    log.write(output[-1])
                    log.flush()
                    latest[0] = gist(output[-1]) or latest[0]

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            while process.poll() is None:
                self.update(latest[0])
                reader.join(0.5)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
        reader.join(5)
        if process.returncode:
            raise self.failure(output)

    def failure(self, output: List[str]) -> SetupError:
        """Return the error to raise for a command that failed with this output."""
        reason = explain(''.join(output))
        parts = [''.join(output[-15:]), reason, f'All of the output is in {self.log}']
        message = '\n'.join(part for part in parts if part)
        return SetupError(message) if reason else CommandError(message)
