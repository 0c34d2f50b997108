"""Read a command line as its program would, and stop before anything is done."""

import re
import runpy
import subprocess
import sys
from argparse import ArgumentParser
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, List, Union

import mmdet
import pytest
import setuptools  # noqa: F401  mim's import of it fails if pip has come first

from tests.helpers import ROOT

sys.path.insert(0, str(ROOT / 'tools'))
from lossmix import TOOLS

MMDET_TOOLS = Path(mmdet.__file__).parent / '.mim/tools'


class Stop(Exception):
    """Ends a program that has read its command line."""


def parse_script(script: Union[Path, str], words: List[str]) -> List[str]:
    """Let a script, or a module by its name, read its command line.

    Returns:
        list[str]: The words that it leaves to another program.

    Raises:
        SystemExit: If its parser refuses a word.
    """
    left: List[str] = []
    original = ArgumentParser.parse_known_args

    def parse_known_args(self: Any, args: Any = None, namespace: Any = None) -> None:
        left.extend(original(self, args, namespace)[1])
        raise Stop

    def parse_args(self: Any, args: Any = None, namespace: Any = None) -> None:
        unknown = original(self, args, namespace)[1]
        if unknown:
            self.error(f'unknown: {unknown}')
        raise Stop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [str(script), *words])
        patch.setattr(ArgumentParser, 'parse_known_args', parse_known_args)
        patch.setattr(ArgumentParser, 'parse_args', parse_args)
        run: Any = runpy.run_module
        if isinstance(script, Path):
            patch.syspath_prepend(str(script.parent))
            run, script = runpy.run_path, str(script)
        with pytest.raises(Stop):
            run(script, run_name='__main__')
    return left


def parse_mim(name: str, words: List[str]) -> None:
    """Read a ``mim`` command: its own words, then those of mmdet's script."""
    command: Any = import_module(f'mim.commands.{name}').cli
    params = command.make_context('mim', words).params
    if name == 'search':  # it has no script
        return
    script, first = params.get('command', name), params.get('config')
    (path,) = MMDET_TOOLS.rglob(f'{script}.py')
    parse_script(path, [*filter(None, [first]), *params['other_args']])


def parse_sweep(words: List[str]) -> None:
    """Read ``lossmix sweep``: what it does not know itself is Snakemake's."""
    from snakemake.cli import get_argument_parser

    left = parse_script(ROOT / 'tools/ablate.py', words)
    known = get_argument_parser()._option_string_actions
    unknown = [word for word in left if word.startswith('--') and word not in known]
    assert not unknown


def parse_pip(name: str, words: List[str]) -> None:
    """Read a ``pip`` command; an extra has to be one of ours."""
    from pip._internal.commands import create_command

    _, arguments = create_command(name).parse_args(words)
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    for extra in re.findall(r'\[(\w+)\]', ' '.join(words)):
        assert f'\n{extra} = [' in project, extra
    assert arguments or '-e' in words


def parse(words: List[str]) -> None:
    """Let the program of a command read its words, and no more.

    Raises:
        SystemExit: If it refuses them.
        AssertionError: If it has no such command.
    """
    program, *rest = words
    if program == 'make':
        dry = ['make', '-n', 'PYTHON=python', *rest]
        subprocess.run(dry, cwd=ROOT, check=True, capture_output=True)
    elif program == 'pip':
        parse_pip(rest[0], rest[1:])
    elif program == 'mim':
        parse_mim(rest[0], rest[1:])
    elif rest[:2] == ['-m', 'torch.distributed.run']:
        from torch.distributed.run import get_args_parser

        args = get_args_parser().parse_args(rest[2:])
        parse_script(MMDET_TOOLS / 'train.py', args.training_script_args)
    elif 'sweep' in rest[:1] or rest[0] == 'tools/ablate.py':
        parse_sweep(rest[1:])
    elif program == 'lossmix':
        parse_script(ROOT / 'tools' / f'{TOOLS[rest[0]][0]}.py', rest[1:])
    elif rest[0] == '-m':
        assert find_spec(rest[1]) is not None
        parse_script(rest[1], rest[2:])
    else:
        assert program == 'python', f'no parser for {program}'
        parse_script(ROOT / rest[0], rest[1:])
