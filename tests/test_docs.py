"""What the pages name exists: files, modules, classes, arguments, commands, links."""

import ast
import builtins
import importlib
import inspect
import itertools
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Iterator, List, Tuple

import mmdet.apis
import mmdet.structures
import pytest
from mmdet import registry as mmdet_registry
from mmdet.utils import register_all_modules
from mmengine.registry import Registry

import studies  # noqa: F401  registers the datasets and hooks of studies
from tests.helpers import ROOT
from tests.helpers.pages import (
    FENCED,
    PAGES,
    blocks_in,
    inline_in,
    shell_commands,
    words_of,
)

sys.path.insert(0, str(ROOT / 'tools'))
from lossmix import TOOLS

OURS = ('mmdet_lossmix', 'studies', 'synthetic_voc', 'benchmarks', 'tests')
FOLDERS = (*OURS, 'bootstrap', 'configs', 'docs', 'requirements', 'tools')
SUFFIXES = ('.md', '.py', '.yml', '.toml')
# Data, results, and files that a reader makes or has elsewhere.
THEIRS = re.compile(
    r'data/|work_dirs/|.*(your_config|small_config|plain_config|your_study|[A-Z]{3,}|faster-rcnn_r50_fpn_1x_voc0712)|'
    r'weights\.pth|tools/dataset_converters/'
)
DETECTOR_PARTS = {'backbone', 'neck', 'bbox_head', 'rpn_head', 'roi_head'}
CLASS = re.compile(r'(?<![/\w])(?=[A-Z]*[a-z])[A-Z][A-Za-z]*[A-Z][A-Za-z]*\b')
# In a sentence or a heading, where other words have capitals inside, too.
KIND = re.compile(
    r'\b[A-Z][A-Za-z]+(?:Augment|Dataset|Detector|Hook|Inputs|Loop|Sampler|Teacher|Transform)\b'
)
DOTTED = re.compile(rf'\b(?:{"|".join(OURS)})(?:\.\w+)+')


def expand(path: str) -> Iterator[str]:
    """``a/{b,c}.py`` as the paths that it stands for."""
    parts = [part.split(',') for part in re.split(r'[{}]', path)]
    return (''.join(choice) for choice in itertools.product(*parts))


def missing(path: str, page: Path) -> List[str]:
    """Which of a path's expansions is neither in the repository nor beside the page."""
    folders = (ROOT, page.parent, ROOT / 'configs', ROOT / 'tools')
    return [
        one
        for one in expand(path.rstrip('/'))
        if not any(list(folder.glob(one)) for folder in folders)
        and ('/' in one or not list(page.parent.rglob(one)))
    ]


def is_path(code: str) -> bool:
    """Whether it is meant as a file or folder of this repository."""
    if not re.fullmatch(r'[\w./{},*-]+', code) or THEIRS.match(code) or '...' in code:
        return False
    return (code.split('/')[0] in FOLDERS and '/' in code) or code.endswith(SUFFIXES)


def known_classes() -> set:
    """Classes that a page may name: registered, of this project, or built in."""
    register_all_modules(init_default_scope=False)
    names = {*dir(builtins), *dir(mmdet.apis), *dir(mmdet.structures)}
    names.add('InferenceSession')  # of onnxruntime, which tests need not have
    for found in vars(mmdet_registry).values():
        while isinstance(found, Registry):  # mmdet's, and mmengine's above it
            names |= set(found.module_dict)
            found = found.parent
    for folder in OURS:
        for file in (ROOT / folder).rglob('*.py'):
            names |= set(re.findall(r'^class (\w+)', file.read_text(), re.M))
    return names


CLASSES = known_classes()


def find(name: str) -> type:
    """A class by its name, if it is registered."""
    registries = [r for r in vars(mmdet_registry).values() if isinstance(r, Registry)]
    return next(filter(None, (r.get(name) for r in registries)), None)


def has_dotted(name: str) -> bool:
    """Whether a module, or an attribute in a module, has this name."""
    parts = name.split('.')
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module('.'.join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def calls_in(code: str) -> Iterator[Tuple[str, List[str]]]:
    """Class and keywords of each ``dict(type='Class', ...)`` and ``Class(...)``."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a command, a path, a formula
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            keywords = {k.arg: k.value for k in node.keywords}
            kind = keywords.pop('type', None)
            name = node.func.id
            if name == 'dict' and kind is not None:
                name = getattr(kind, 'value', None) or getattr(kind, 'id', '')
            yield name, [k for k in keywords if k and not k.startswith('_')]


def accepted(kind: type) -> set:
    """Arguments of a class and of those it hands the rest to; ``*`` is any."""
    names = set()
    for base in kind.__mro__:
        if '__init__' not in vars(base) or base is object:
            continue
        parameters = inspect.signature(base.__init__).parameters.values()
        names |= {p.name for p in parameters}
        if 'detector' in names:  # the wrapper, which hands its parts on
            names |= DETECTOR_PARTS
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return names
    return {'*'}


def commands_in(text: str) -> Iterator[List[str]]:
    """The words of each ``python``, ``mim`` and ``lossmix`` command."""
    for command in shell_commands(text, ROOT):
        words = words_of(command)
        if words[0] in ('python', 'mim', 'lossmix'):
            yield words


def check_command(words: List[str], page: Path) -> List[str]:
    """What of a command does not exist."""
    wrong = []
    if words[:2] == ['python', '-m']:
        module = words[2]
        if find_spec(module) is None:
            return [f'module {module}']
        spec = find_spec(module)
        if spec.submodule_search_locations:
            spec = find_spec(f'{module}.__main__')
        sources = [Path(spec.origin)]
    elif words[0] == 'lossmix' and words[1] != 'configs':
        if words[1] not in TOOLS:
            return [f'lossmix {words[1]}']
        sources = [ROOT / 'tools' / f'{TOOLS[words[1]][0]}.py']
    else:
        sources = [ROOT / word for word in words[1:2] if word.endswith('.py')]
    for word in words[1:]:
        if is_path(word):
            wrong += missing(word, page)
    sources = [s for s in sources if s.is_relative_to(ROOT) and s.is_file()]
    sources = [s for s in sources if 'site-packages' not in s.parts]  # of a .venv
    sources += [
        s.with_name('arguments.py') for s in sources if s.parent.name == 'benchmarks'
    ]
    if any(source.name == 'ablate.py' for source in sources):
        return wrong  # other options are Snakemake's; test_commands.py reads them
    for option in (w for w in words if w.startswith('--')) if sources else ():
        option = option.split('=')[0]
        if not any(f"'{option}'" in source.read_text() for source in sources):
            wrong.append(f'option {option} of {sources[0].name}')
    return wrong


def faults_in(text: str, page: Path) -> List[str]:
    """Everything that a page names and that does not exist."""
    inline = inline_in(text)
    python = [
        dedent(block)
        for language, block in blocks_in(text)
        if language == 'python' or (not language and 'type=' in block)
    ]
    faults = [p for code in inline if is_path(code) for p in missing(code, page)]
    for code in [*inline, *python]:
        faults += [name for name in DOTTED.findall(code) if not is_path(name)
                   and not has_dotted(name)]  # fmt: skip
        own = set(re.findall(r'class (\w+)', code))
        faults += sorted(set(CLASS.findall(code)) - CLASSES - own)
        for name, keywords in calls_in(code):
            arguments = accepted(find(name)) if find(name) else {'*'}
            if '*' not in arguments:
                faults += [f'{name}({k}=)' for k in keywords if k not in arguments]
    faults += sorted(set(KIND.findall(FENCED.sub('', text))) - CLASSES)
    for words in commands_in(text):
        faults += check_command(words, page)
    for link in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', text):
        if '://' not in link and not (page.parent / link).exists():
            faults.append(f'link to {link}')
    return faults


@pytest.mark.parametrize('page', PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_everything_that_a_page_names_exists(page):
    assert faults_in(page.read_text(), page) == []


@pytest.mark.parametrize(
    ('text', 'fault'),
    [
        ('`tools/no_such.py`', 'tools/no_such.py'),
        ('`configs/{lossmix,nomix}_fcos_voc.py`', 'configs/nomix_fcos_voc.py'),
        ('`mmdet_lossmix.functional.blends`', 'mmdet_lossmix.functional.blends'),
        ('`LossMixRunner`', 'LossMixRunner'),
        ('## StopMixHook: the last epochs', 'StopMixHook'),
        ("    hook = dict(type='StopMixHook')", 'StopMixHook'),
        ("`dict(type='BatchLossMix', alhpa=1.0)`", 'BatchLossMix(alhpa=)'),
        (
            '```python\nLossMixTransform(opertor=None)\n```',
            'LossMixTransform(opertor=)',
        ),
        ('    mim train mmdet configs/none.py', 'configs/none.py'),
        ('    .venv/bin/python tools/none.py x', 'tools/none.py'),
        ('Call `python -m no_voc data`.', 'module no_voc'),
        ('    lossmix brows x', 'lossmix brows'),
        ('    lossmix plot x --outt y', 'option --outt of plot_run.py'),
        ('    python tools/demo.py --quik', 'option --quik of demo.py'),
        ('[page](docs/none.md#part)', 'link to docs/none.md'),
    ],
)
def test_a_wrong_name_is_found(text, fault):
    assert fault in faults_in(text, ROOT / 'README.md')
