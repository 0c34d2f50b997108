"""What pages show: blocks of code, and the commands that a reader is to type.

A block that is indented by four spaces is for the shell. Any other block stands between
fences, with its language.
"""

import re
import shlex
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

from tests.helpers import ROOT

PAGES = sorted(
    [
        ROOT / 'README.md',
        ROOT / 'CONTRIBUTING.md',
        *ROOT.glob('docs/**/*.md'),
        *ROOT.glob('configs/**/README.md'),
    ]
)
PROGRAMS = 'python|mim|lossmix|make|pip|git|mkdir'
COMMAND = re.compile(rf'(\.venv/bin/)?({PROGRAMS}|mkdocs|pre-commit)\s+\S')
ASSIGNMENT = re.compile(r'[A-Z]+=')
SHELL = ('', 'bash', 'console', 'shell')
INLINE = re.compile(r'`([^`]+)`')
FENCED = re.compile(r'^```(\w*)\n(.*?)^```', re.S | re.M)
# After an empty line, up to the next line that is not indented.
INDENTED = re.compile(r'(?:(?<=\n\n)|\A)(?: {4}.*(?:\n|\Z)(?:\n(?= {4}))?)+', re.M)
# Words that a reader replaces, and what stands for them in a test.
FILLED = {
    'CONFIG': 'your_config.py',
    'CHECKPOINT': 'work_dirs/your_config/epoch_12.pth',
    'NAME': 'lossmix_faster_rcnn_voc',
    'OUT': 'weights.pth',
    'STUDY': 'your_study.yml',
    'WORK_DIR': 'work_dirs/your_config',
}


class Command(NamedTuple):
    """A command of a page.

    Attributes:
        page (Path): Where it stands.
        text (str): One line, ``your_config.py`` and the like in place of ``CONFIG``.
        before (str): Assignments of the same block, which it may use.
    """

    page: Path
    text: str
    before: str = ''


def blocks_in(text: str) -> List[Tuple[str, str]]:
    """Blocks of code with their language; an indented one has none."""
    fenced = FENCED.findall(text)
    rest = FENCED.sub('', text)
    return fenced + [('', block) for block in INDENTED.findall(rest)]


def inline_in(text: str) -> List[str]:
    """Code within sentences and tables, a line each."""
    return [' '.join(code.split()) for code in INLINE.findall(FENCED.sub('', text))]


def lines_in(block: str) -> List[str]:
    """The lines of a block for the shell, continued ones as one, without comments."""
    lines = [
        re.sub(r'\s+#.*', '', re.sub(r'^\s*(\$ )?', '', line))
        for line in block.replace('\\\n', ' ').splitlines()
    ]
    return [re.sub(r'\s+', ' ', line) for line in lines if line]


def filled(command: str) -> str:
    """A command with something in the place of what a reader is to fill in."""
    return re.sub(r'(?<![-\w])[A-Z_]+\b', lambda m: FILLED.get(m[0], m[0]), command)


def shell_commands(text: str, page: Path) -> Iterator[Command]:
    """Every command of a page, from blocks, sentences and tables."""
    for language, block in blocks_in(text):
        if language in SHELL:
            before = ''
            for line in lines_in(block):
                if ASSIGNMENT.match(line):
                    before += f'{line}\n'
                else:
                    yield Command(page, filled(line), before)
    for code in inline_in(text):
        if COMMAND.match(code):
            yield Command(page, filled(code))


def words_of(command: Command) -> List[str]:
    """Its words, without the folder of the environment."""
    text = re.sub(r'^\.venv/bin/', '', command.text)
    return shlex.split(text, comments=True)
