"""Every command of every page runs, or is read by its program's own parser.

A new command has to find its place in ``WAYS`` of tests/helpers/ways.py. Commands run
as they stand, in a clone with small data. What is added to one there makes it short.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List

import pytest
from mmengine.config import Config

from studies.study import read_study
from tests.helpers import ROOT
from tests.helpers.clone import prepare
from tests.helpers.pages import (
    ASSIGNMENT,
    COMMAND,
    PAGES,
    SHELL,
    Command,
    blocks_in,
    lines_in,
    shell_commands,
    words_of,
)
from tests.helpers.parsers import parse
from tests.helpers.processes import ENV, MMDET
from tests.helpers.ways import NAMED, READ, RUNS, TRAINS, WAYS, way_of


def all_commands() -> Iterator[Command]:
    """Each command once, with its first page."""
    seen = set()
    for page in PAGES:
        for command in shell_commands(page.read_text(encoding='utf-8'), page):
            key = command.text, command.page if 'your_study' in command.text else None
            if key not in seen:
                seen.add(key)
                yield command


COMMANDS = list(all_commands())
BY_WAY: Dict[str, List[Command]] = {RUNS: [], TRAINS: [], READ: [], NAMED: []}
for found in COMMANDS:
    if way_of(found):
        BY_WAY[way_of(found).how].append(found)


def names(command):
    return command.text[:90]


def test_every_command_has_a_way():
    new = [(c.page.name, c.text) for c in COMMANDS if way_of(c) is None]
    assert not new, 'put it into WAYS'
    used = {way_of(c) for c in COMMANDS}
    assert [w.pattern for w in WAYS if w not in used] == []
    assert all(w.why for w in WAYS if w.how == READ)


@pytest.mark.parametrize('page', PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_an_indented_block_is_for_the_shell(page):
    """Any other stands between fences, with its language."""
    for language, block in blocks_in(page.read_text(encoding='utf-8')):
        if language in SHELL:
            for line in lines_in(block):
                assert COMMAND.match(line) or ASSIGNMENT.match(line), line


@pytest.mark.parametrize('command', BY_WAY[READ], ids=names)
def test_its_program_reads_it(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    parse(words_of(command))
    for word in words_of(command):
        for path in (ROOT / p for p in expand(word)):
            if word.startswith('studies/grids/'):
                assert list(read_study(path).runs())
            elif word.startswith('configs/') and 'your_config' not in word:
                assert Config.fromfile(path).model


@pytest.mark.parametrize(
    ('text', 'error'),
    [
        ('make setups', subprocess.CalledProcessError),
        ('pip install -e ".[study]"', AssertionError),
        ('mim train mmdet x.py --launcher pytorch --gpus eight', Exception),
        ('mim train mmdet x.py --gpus 8 --resum-from x', SystemExit),
        ('mim run mmdet download_dataset --name voc', SystemExit),
        ('python tools/ablate.py x.yml --executors slurm', AssertionError),
        ('python -m benchmarks.step --amp float8', SystemExit),
        ('python tools/export_weights.py a b --part both', SystemExit),
    ],
)
def test_a_wrong_command_is_not_read(text, error):
    with pytest.raises(error):
        parse(words_of(Command(ROOT, text)))


def test_a_new_command_has_no_way():
    text = '\n\n    lossmix paint your_config.py\n\n    python -m benchmarks.none\n'
    found = list(shell_commands(text, ROOT / 'README.md'))
    assert len(found) == 2
    assert not any(way_of(command) for command in found)


def expand(word: str) -> Iterator[str]:
    """``{a,b}.yml`` as its files."""
    parts = re.match(r'(.*)\{(.*)\}(.*)', word)
    if parts is None:
        yield word
    else:
        yield from (parts[1] + name + parts[3] for name in parts[2].split(','))


def run_it(command: Command, clone: Path, here: Path) -> None:
    """Run a command in a copy of the clone, as bash does."""
    way = way_of(command)
    folder = here / 'clone'
    shutil.copytree(clone, folder, symlinks=True)
    prepare(command, folder, clone.parent)
    text = re.sub(r'^(mim \w+) mmdet ', rf'\1 {MMDET} ', command.text)
    script = f'set -e\n{command.before}{text} {way.more}'
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    done = subprocess.run(
        ['bash', '-c', script],
        cwd=folder,
        env={**ENV, 'PATH': path, 'PYTHONPATH': str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,  # of grids on cores that others use, too
    )
    assert done.returncode == way.code, done.stdout[-4000:]
    assert done.stdout.strip()


@pytest.mark.parametrize('command', BY_WAY[RUNS], ids=names)
def test_it_runs(command, clone, tmp_path):
    run_it(command, clone, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('command', BY_WAY[TRAINS], ids=names)
def test_it_trains(command, clone, tmp_path):
    run_it(command, clone, tmp_path)
