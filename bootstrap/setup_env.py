#!/usr/bin/env python3
"""Set up the development environment, or repair it, or find it complete.

    python3 bootstrap/setup_env.py                 # .venv: mmcv, mmdet, openmim
    python3 bootstrap/setup_env.py --stack onedl   # .venv-onedl: the onedl fork

Every version comes from requirements/constraints.txt, which also says why packages are
installed with `--no-deps`. mmcv is compiled the first time; that takes minutes.

Nothing half-finished is trusted. An environment counts as ready when its stamp, which
is written last, belongs to today's pins, when each file that pip recorded is there in
its full size, and when the stack imports. Otherwise what is wrong is installed again;
if that does not help, everything is. Any Python >= 3.8 can run this script.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, Dict, Iterable, List, Optional

from setup_console import (
    CommandError,
    Console,
    SetupError,
    exclusive,
    not_for_a_new_venv,
)
from setup_inspect import CONSTRAINTS, ROOT, STACKS, fingerprint, pins_of, read_pins
from setup_mmcv import BUILD_FACTS, CACHE, mmcv_wheel

PYTHON = '3.11'  # the one that the pins were made for


def find_python(wanted: Optional[str]) -> str:
    """Return a Python of the right version: the given one, this one or python3.x."""
    this = getattr(sys, '_base_executable', sys.executable)
    code = 'import sys; print("%d.%d" % sys.version_info[:2])'
    for candidate in [wanted] if wanted else [this, f'python{PYTHON}']:
        try:
            version = subprocess.check_output([candidate, '-c', code]).decode().strip()
        except (OSError, subprocess.CalledProcessError):
            version = 'not a Python'
        if version == PYTHON:
            return candidate
    found = f'{wanted} is {version}' if wanted else f'no python{PYTHON} is on the PATH'
    raise SetupError(
        f'Python {PYTHON} is needed, but {found}. Install it (Debian, Ubuntu: '
        f'python{PYTHON} and python{PYTHON}-venv), or name one with --python.'
    )


class Environment:
    """The virtual environment of one stack."""

    def __init__(self, stack: str) -> None:
        folder, self.mmcv = STACKS[stack]
        self.stack = stack
        self.path = ROOT / folder
        self.python = self.path / 'bin' / 'python'
        self.pip = [str(self.python), '-m', 'pip']
        self.stamp = self.path / 'setup-finished'
        self.pins = pins_of(stack)
        self.env = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK='1')
        self.env['PATH'] = f'{self.path / "bin"}{os.pathsep}{os.environ["PATH"]}'
        for name in ('PYTHONPATH', 'PYTHONHOME', '__PYVENV_LAUNCHER__'):
            self.env.pop(name, None)

    def ask(self, *arguments: str) -> Optional[Dict[str, Any]]:
        """Run its Python and parse the JSON it prints last; None if that fails."""
        try:
            output = subprocess.check_output(
                [str(self.python), '-I', '-W', 'ignore', *arguments],
                stderr=subprocess.DEVNULL,
                env=self.env,
            )
            return json.loads(output.splitlines()[-1])
        except (OSError, subprocess.CalledProcessError, IndexError, ValueError):
            return None

    def inspect(self, *options: str) -> Dict[str, Any]:
        """Return what setup_inspect.py reports from inside."""
        script = ROOT / 'bootstrap' / 'setup_inspect.py'
        dead = {'python': '', 'faults': {'python': 'does not run'}, 'warning': ''}
        return self.ask(str(script), self.stack, *options) or dead

    def is_ready(self) -> bool:
        """Tell whether everything is there and works."""
        if not self.stamp.is_file():
            return False
        report = self.inspect('--imports')
        stamp = fingerprint(self.stack, report['python']).encode()
        ready = not report['faults'] and self.stamp.read_bytes() == stamp
        if ready and report['warning']:
            print(f'The environment is complete, but {report["warning"]}')
        return ready

    def is_repairable(self) -> bool:
        """Tell whether its Python runs, is the right one and was set up right here."""
        try:
            made_here = (
                str(self.python).encode() in (self.path / 'bin/pip').read_bytes()
            )
        except OSError:
            return False
        return made_here and self.inspect()['python'].startswith(f'{PYTHON}.')

    def set_up(self, python: str, console: Console, anew: bool) -> None:
        """Install what is missing or wrong, or everything if that does not help."""
        if not anew and self.is_repairable():
            try:
                return self.install(console)
            except CommandError as error:
                console.say(f'{error}\n\nThat did not repair it: making it anew.')
                console.restart()
        shutil.rmtree(str(self.path), ignore_errors=True)
        self.install(console, python)

    def install(self, console: Console, python: Optional[str] = None) -> None:
        """Go through all steps, skipping what is right; `python` makes a new venv."""
        console.step(f'{self.path.name} with Python {PYTHON}')
        with contextlib.suppress(FileNotFoundError):
            self.stamp.unlink()
        for leftover in self.path.glob('lib/python*/site-packages/~*'):
            shutil.rmtree(str(leftover), ignore_errors=True)
        if python:
            console.run([python, '-m', 'venv', str(self.path)], self.env)
            (self.path / '.gitignore').write_text('*\n')
        faults = self.inspect()['faults']
        missing = [name for name in faults if faults[name] == 'not installed']
        if missing:
            console.note(f'{len(missing)} packages are not installed')
        for name in faults.keys() - missing:
            console.note(f'{name}: {faults[name]}')

        console.step(f'torch {self.pins["torch"]}')
        sections = read_pins(CONSTRAINTS.read_text())
        tools, torch = sections['build'], sections['torch']
        self.install_pins(console, [name for name in faults if name in tools])
        if any(name in faults for name in torch):
            options = ['--force-reinstall', '-c', str(CONSTRAINTS)]
            console.run([*self.pip, 'install', *options, 'torch'], self.env)
            faults[self.mmcv] = 'belongs to the torch before'

        console.step(f'{self.mmcv} {self.pins[self.mmcv]}')
        if self.mmcv in faults:
            self.install_mmcv(console)

        done = {self.mmcv, 'mmdet_lossmix', *tools, *torch}
        others = [name for name in faults if name not in done]
        console.step(f'{len(others)} other packages')
        self.install_pins(console, others)

        console.step('mmdet_lossmix itself')
        options = ['--no-deps', '--no-build-isolation', '--editable', str(ROOT)]
        with not_for_a_new_venv():
            console.run([*self.pip, 'install', *options], self.env)

        console.step('Check')
        report = self.inspect('--imports')
        if report['faults']:
            lines = [f'  {name}: {fault}' for name, fault in report['faults'].items()]
            raise CommandError('\n'.join(['Something is still wrong:', *lines]))
        if report['warning']:
            console.note(f'The environment is complete, but {report["warning"]}')
        self.stamp.write_text(fingerprint(self.stack, report['python']))

    def install_pins(self, console: Console, names: Iterable[str]) -> None:
        """Put the pinned versions into the place of whatever is there."""
        wanted = [f'{name}=={self.pins[name]}' for name in names]
        options = ['--no-deps', '--force-reinstall']
        if wanted:
            console.run([*self.pip, 'install', *options, *wanted], self.env)

    def install_mmcv(self, console: Console) -> None:
        """Install mmcv as compiled for the torch that is installed."""
        facts = self.ask('-c', BUILD_FACTS)
        if facts is None:
            raise CommandError('torch does not import.')
        version = self.pins[self.mmcv]
        wheel = mmcv_wheel(self.mmcv, version, facts, self.pip, self.env, console)
        options = ['--no-index', '--no-deps', '--force-reinstall']
        console.run([*self.pip, 'install', *options, str(wheel)], self.env)


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--stack', choices=STACKS, default='openmmlab')
    parser.add_argument('--python', help=f'the Python {PYTHON} to build upon')
    parser.add_argument('--anew', action='store_true', help='start from an empty venv')
    args = parser.parse_args(argv)

    start = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    environment = Environment(args.stack)
    try:
        if args.anew or not environment.is_ready():
            with exclusive(CACHE / 'lock') as lock:
                if args.anew or not environment.is_ready():
                    log = CACHE / 'logs' / f'{environment.path.name[1:]}.log'
                    console = Console(log, lock, steps=6)
                    environment.set_up(find_python(args.python), console, args.anew)
    except SetupError as error:
        print(f'\n{error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nInterrupted; the next call goes on from here.', file=sys.stderr)
        return 130
    seconds = time.monotonic() - start
    print(f'{environment.path.name} is ready ({seconds:.0f} s).')
    return 0


if __name__ == '__main__':
    sys.exit(main())
