"""The bounds in pyproject.toml, the pins and the table of docs/versions.md agree."""

import re

import pytest

from mmdet_lossmix import __version__
from tests.helpers import ROOT

PROJECT = (ROOT / 'pyproject.toml').read_text()
BOUNDS = dict(re.findall(r'^ *"([\w-]+) >= ([\d.]+)"', PROJECT, re.M))
PINS = dict(
    re.findall(
        r'^([\w-]+)==(\S+)$', (ROOT / 'requirements/constraints.txt').read_text(), re.M
    )
)
LINES = re.findall(r'^\| (.*) \|$', (ROOT / 'docs/versions.md').read_text(), re.M)
HEADER, *ROWS = (re.split(r' *\| *', line) for line in LINES)
VERSIONS = {row[0]: dict(zip(HEADER[1:], row[1:])) for row in ROWS}

OPENMMLAB = {name: name for name in ('torch', 'numpy', 'mmengine', 'mmcv', 'mmdet')}
FORK = {
    **OPENMMLAB,
    'mmengine': 'onedl-mmengine',
    'mmcv': 'onedl-mmcv',
    'mmdet': 'onedl-mmdetection',
}


@pytest.mark.parametrize(
    ('row', 'distributions', 'versions'),
    [
        ('OpenMMLab, lowest', OPENMMLAB, BOUNDS),
        ('OpenMMLab, `make setup`', OPENMMLAB, PINS),
        ('maintained fork, `make setup STACK=onedl`', FORK, PINS),
    ],
)
def test_the_table_says_what_the_project_says(row, distributions, versions):
    for name, distribution in distributions.items():
        assert VERSIONS[row][name] == versions[distribution], name


def test_the_forks_bounds_are_those_of_its_lowest_row():
    for name in ('mmengine', 'mmcv', 'mmdet'):
        assert VERSIONS['maintained fork, lowest torch'][name] == BOUNDS[FORK[name]]


def test_the_lowest_python():
    lowest = VERSIONS['OpenMMLab, lowest']['Python']
    assert f'requires-python = ">={lowest}"' in PROJECT


def test_the_changelog_has_the_version():
    """Changes that wait, or the release that `version.py` names, come first."""
    changes = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    sections = re.findall(r'^## \[(.+?)\]( - \d{4}-\d\d-\d\d)?$', changes, re.M)
    assert sections[0] == ('Unreleased', '')
    assert all(re.fullmatch(r'\d+\.\d+\.\d+', name) for name, _ in sections[1:])
    assert all(date for _, date in sections[1:])
    assert [name for name, _ in sections[1:2]] in ([], [__version__])
