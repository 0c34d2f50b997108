"""The house: which room may import which, how large the package is, what it loads."""

import ast
import json
import sys
from pathlib import Path
from typing import Dict, Iterator, Set

import pytest
from graphlib import CycleError, TopologicalSorter

from tests.helpers import ROOT
from tests.helpers.processes import run

PACKAGE = ROOT / 'mmdet_lossmix'
# From the ground up. A room imports from its own floor or from those below.
FLOORS = (
    {'version', 'arguments', 'checkpoint', 'functional', 'structures'},
    {'mixing', 'visualization'},
    {'datasets', 'models'},
    {'hooks'},
    {'uda'},
    {'__main__'},
)
BESIDE = {'studies', 'synthetic_voc', 'benchmarks', 'tests', 'tools', 'bootstrap'}
SHIPPED_TOOLS = (
    'browse_mixed',
    'browsing',
    'check_data',
    'command_line',
    'export_weights',
    'lossmix',
    'plot_run',
)
MAX_LINES = 6800
MAX_SHARE = 0.25  # of the processor time of mmdet's import; 0.15 to 0.19 as measured

IMPORT = """
import json, sys, time
start = time.process_time()
import mmdet.datasets, mmdet.engine, mmdet.evaluation, mmdet.models, mmdet.visualization
before, middle = set(sys.modules), time.process_time()
import mmdet_lossmix
share = (time.process_time() - middle) / (middle - start)
new = {name.partition('.')[0] for name in set(sys.modules) - before}
old = {name.partition('.')[0] for name in before}
print(json.dumps([share, sorted(new - old - {'mmdet_lossmix'})]))
"""


def module_name(path: Path) -> str:
    """``mmdet_lossmix.models.detectors``, of a file or of a folder's ``__init__``."""
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob('*.py'))}


def imported_by(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it, by their whole names."""
    package = module_name(path).split('.')
    if path.name != '__init__.py':
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = '.'.join([*start, *filter(None, [node.module])])
            for alias in node.names:
                name = f'{base}.{alias.name}'
                yield name if name in FILES else base


def ancestors(name: str) -> Set[str]:
    """The packages that a module is in."""
    parts = name.split('.')
    return {'.'.join(parts[:i]) for i in range(1, len(parts))}


def graph() -> Dict[str, Set[str]]:
    """By module: which others Python runs to import it."""
    edges: Dict[str, Set[str]] = {}
    for name, path in FILES.items():
        found = {other for other in imported_by(path) if other in FILES}
        # Python runs the `__init__` of the folders around a module first.
        found |= {folder for other in found for folder in ancestors(other)}
        edges[name] = found - ancestors(name) - {name}
    return edges


def circle(edges: Dict[str, Set[str]]) -> str:
    """A circle of imports, as a text; empty if there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return ' <- '.join(error.args[1])
    return ''


def room(name: str) -> str:
    return name.split('.')[1] if '.' in name else ''


def test_no_circle_of_modules():
    edges = graph()
    assert sum(map(len, edges.values())) > 100
    assert not circle(edges)


@pytest.mark.parametrize(
    'package', sorted(name for name, path in FILES.items() if path.stem == '__init__')
)
def test_no_circle_of_folders(package):
    """Between the folders and files of a folder, each as a whole."""
    depth = package.count('.') + 1
    edges: Dict[str, Set[str]] = {}
    for name, others in graph().items():
        if package in ancestors(name):
            inside = {x.split('.')[depth] for x in others if package in ancestors(x)}
            unit = name.split('.')[depth]
            edges.setdefault(unit, set()).update(inside - {unit})
    assert not circle(edges)


def test_arrows_point_down():
    floor_of = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    rooms = {room(name) for name in FILES if room(name)}
    assert rooms == {*floor_of}, 'give a new room a floor'
    upwards = {
        f'{name} -> {other}'
        for name, others in graph().items()
        for other in others
        if room(name) and room(other) and floor_of[room(other)] > floor_of[room(name)]
    }
    assert not upwards


def test_package_imports_nothing_beside_it():
    for name, path in FILES.items():
        tops = {other.partition('.')[0] for other in imported_by(path)}
        assert not tops & BESIDE, name


@pytest.mark.parametrize('tool', SHIPPED_TOOLS)
def test_tools_of_the_wheel_need_nothing_beside_the_package(tool):
    beside = {path.stem for path in (ROOT / 'tools').glob('*.py')} - {*SHIPPED_TOOLS}
    names = imported_by(ROOT / 'tools' / f'{tool}.py')
    assert not {name.partition('.')[0] for name in names} & (BESIDE | beside)


def test_package_is_small():
    lines = {
        name: len(path.read_text(encoding='utf-8').splitlines())
        for name, path in FILES.items()
    }
    assert sum(lines.values()) <= MAX_LINES


def test_import_is_light(tmp_path):
    done = run([sys.executable, '-W', 'ignore', '-c', IMPORT], tmp_path)
    assert done.returncode == 0, done.stdout
    share, new = json.loads(done.stdout.splitlines()[-1])
    # A CUDA build of torch brings triton, which torch.compile imports.
    assert set(new) <= {*sys.stdlib_module_names, 'triton'}
    assert share < MAX_SHARE
