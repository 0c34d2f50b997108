"""Set up the development environment of a stack, or find it complete.

    python3.11 bootstrap/setup_env.py          # .venv: mmcv, mmdet, openmim
    python3.11 bootstrap/setup_env.py onedl    # .venv-onedl: the maintained fork

Nothing half-finished is trusted. An environment is ready when its stamp, which is
written last, belongs to today's pins, every installed file has its full size and the
stack imports. Otherwise it is made anew: seconds, once everything has been downloaded
and mmcv compiled for its torch, which is kept in ~/.cache/mmdet_lossmix.
"""

import argparse
import ast
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / 'requirements' / 'constraints.txt'
STACKS = {  # name: (its environment, its distribution of mmcv)
    'openmmlab': ('.venv', 'mmcv'),
    'onedl': ('.venv-onedl', 'onedl-mmcv'),
}

# mmcv comes as source only, and compiling it takes minutes. uv would do it again if an
# index does not say for how long its files are valid, pip for no other torch.
CACHE = Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser()
WHEELS = CACHE / 'mmdet_lossmix' / 'wheels'

# Python's own flags, but without debug information: compiling takes half the time.
BUILD = {'MMCV_WITH_OPS': '1', 'CFLAGS': '-O3 -DNDEBUG -fwrapv -g0'}

# Run inside: what is installed has all its files, and the stack imports.
CHECK = """
import csv, importlib, os, sys
from collections import defaultdict
from importlib.metadata import distributions
sizes = defaultdict(set)  # some distributions ship a file of the same name
for dist in distributions():
    record = dist.read_text('RECORD') or ''  # in Python 3.12 dist.files omits lost ones
    for path, _, size in csv.reader(record.splitlines()):
        if size:
            sizes[dist.locate_file(path)].add(int(size))
for path, known in sizes.items():
    if not os.path.exists(path) or os.path.getsize(path) not in known:
        sys.exit(f'{path} is missing or damaged')
for name in ('torch', 'mmcv.ops', 'mmdet', 'mim', 'pytest'):
    importlib.import_module(name)
"""

# What pip is configured with, by the names that uv knows.
UV_NAMES = {
    'index-url': 'UV_DEFAULT_INDEX',
    'extra-index-url': 'UV_INDEX',
    'find-links': 'UV_FIND_LINKS',
    'cert': 'SSL_CERT_FILE',
}


def uv_variables(pip_config: str) -> dict[str, str]:
    """Translate what ``pip config list`` prints into environment variables for uv.

    uv does not read pip's configuration, and who told pip of a mirror, or of a place
    with another build of torch, means uv as well.
    """
    # As pip does, look for a version in all indexes, not in the first with the name.
    variables = {'UV_INDEX_STRATEGY': 'unsafe-best-match'}
    for line in pip_config.splitlines():
        key, _, value = line.partition('=')
        name = UV_NAMES.get(key.rpartition('.')[2])
        if name:
            separator = ',' if name == 'UV_FIND_LINKS' else ' '
            words = separator.join(ast.literal_eval(value).split())
            variables.setdefault(name, words)
    return variables


def fingerprint() -> str:
    """Hash all that decides what a finished environment looks like."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (CONSTRAINTS, ROOT / 'pyproject.toml', Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Environment:
    """The virtual environment of one stack."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        folder, self.mmcv = STACKS[stack]
        self.path = ROOT / folder
        self.python = self.path / 'bin' / 'python'
        self.stamp = self.path / 'setup-finished'

    def fault(self) -> str:
        """Return what is wrong with it, or ''."""
        if not self.path.exists():
            return 'not there yet'
        if (
            not self.stamp.exists()
            or self.stamp.read_text(encoding='utf-8') != fingerprint()
        ):
            return 'unfinished or out of date'
        command = (self.python, '-I', '-W', 'ignore', '-c', CHECK)
        try:
            done = subprocess.run(command, capture_output=True, encoding='utf-8')
        except OSError as error:
            return str(error)
        lines = done.stderr.splitlines() or ['it fails']
        return lines[-1] if done.returncode else ''

    def make(self, lock: int) -> None:
        """Make it anew; only what the caches lack is downloaded or compiled.

        Commands inherit the lock: if we are killed, it is not free before the one that
        we left behind has ended.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        env = {name: os.environ[name] for name in os.environ if name != 'PYTHONPATH'}

        def run(*command: str | Path) -> None:
            subprocess.run(command, check=True, cwd=ROOT, env=env, pass_fds=[lock])

        run(sys.executable, '-m', 'venv', self.path)
        (self.path / '.gitignore').write_text('*\n', encoding='utf-8')
        pip = self.python, '-m', 'pip'
        run(*pip, 'install', '--quiet', '-c', CONSTRAINTS, 'uv')
        config = subprocess.check_output([*pip, 'config', 'list'], encoding='utf-8')
        env = {**uv_variables(config), 'MAX_JOBS': str(os.cpu_count() or 1), **env}
        uv = self.path / 'bin' / 'uv', 'pip', 'install', '--python', self.python
        pins = '-c', CONSTRAINTS, '--build-constraints', CONSTRAINTS
        run(*uv, *pins, 'torch', 'setuptools', 'ninja')

        code = 'import torch; print(torch.__version__, end="")'
        torch = subprocess.check_output([self.python, '-c', code], encoding='utf-8')
        wheels = WHEELS / f'torch-{torch}'
        wheels.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=WHEELS) as new:
            env = {**env, **BUILD, 'PATH': f'{self.path / "bin"}:{env["PATH"]}'}
            options = '--no-deps', '--no-build-isolation', '--no-cache-dir'
            where = '--find-links', wheels, '--wheel-dir', new
            run(*pip, 'wheel', *options, *where, '-c', CONSTRAINTS, self.mmcv)
            for wheel in Path(new).iterdir():  # appears as a whole, or not at all
                wheel.replace(wheels / wheel.name)

        links = filter(None, [env.get('UV_FIND_LINKS'), str(wheels)])
        env = {**env, 'UV_FIND_LINKS': ','.join(links)}
        run(*uv, *pins, '--group', self.stack, '--editable', '.[dev]')


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('stack', choices=STACKS, nargs='?', default='openmmlab')
    environment = Environment(parser.parse_args().stack)
    name = environment.path.name
    start = time.monotonic()
    with (ROOT / f'{name}.lock').open('w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two calls at once: the second one waits
        fault, pins = environment.fault(), fingerprint()
        if fault:
            print(f'{name}: {fault}. Making it anew.')
            print(
                'mmcv is compiled the first time: minutes without a word.', flush=True
            )
            try:
                environment.make(lock.fileno())
            except subprocess.CalledProcessError as error:
                sys.exit(
                    f'\n{name}: {error.cmd[0]} failed; its last words are above.\n'
                    'mmcv needs a C++ compiler and Python.h (Debian, Ubuntu: '
                    'build-essential, python3-dev), and about 1 GiB of memory for each '
                    'of MAX_JOBS compilers at once.\nThe next call starts over, with '
                    'what is in the cache.'
                )
            environment.stamp.write_text(pins, encoding='utf-8')
            fault = environment.fault()
            if fault:
                environment.stamp.unlink()
                sys.exit(f'{name} is still wrong: {fault}.')
    print(f'{name} is ready ({time.monotonic() - start:.0f} s).')


if __name__ == '__main__':
    main()
