"""A locale is never assumed: files are UTF-8, as mmengine's are."""

import ast
import sys
from typing import Iterator

import cv2
import numpy as np
import pytest

from tests.helpers import ROOT
from tests.helpers.processes import ENV, run

FOLDERS = (
    'mmdet_lossmix',
    'tools',
    'studies',
    'synthetic_voc',
    'benchmarks',
    'bootstrap',
    'docs',
)
FILES = sorted(path for name in FOLDERS for path in (ROOT / name).rglob('*.py'))
NOT_TEXT = ('Image', 'os')  # whose `open` is another
ASCII = {**ENV, 'LC_ALL': 'C', 'PYTHONUTF8': '0'}


def assumed(tree: ast.AST) -> Iterator[int]:
    """The lines that read or write text in the encoding of the locale."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, 'attr', getattr(node.func, 'id', ''))
        owner = getattr(getattr(node.func, 'value', None), 'id', '')
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        modes = [a.value for a in node.args if isinstance(a, ast.Constant)]
        binary = any(isinstance(m, str) and 'b' in m and len(m) < 4 for m in modes)
        opens = name in ('open', 'fdopen') and owner not in NOT_TEXT and not binary
        texts = name in ('read_text', 'write_text') or 'text' in given
        texts |= 'universal_newlines' in given
        called = name in ('run', 'Popen', 'check_output')
        reads = opens or name in ('read_text', 'write_text') or (called and texts)
        if reads and getattr(given.get('encoding'), 'value', None) != 'utf-8':
            yield node.lineno


@pytest.mark.parametrize('folder', FOLDERS)
def test_whatever_reads_or_writes_text_names_its_encoding(folder):
    found = [
        f'{path.relative_to(ROOT)}:{line}'
        for path in FILES
        if path.is_relative_to(ROOT / folder)
        for line in assumed(ast.parse(path.read_text(encoding='utf-8')))
    ]
    assert not found


@pytest.mark.parametrize(
    'line',
    [
        'path.read_text()',
        "path.write_text('x')",
        'open(path)',
        "path.open('w')",
        "path.read_text(encoding='latin-1')",
        'subprocess.run(command, text=True)',
        'subprocess.check_output(command, universal_newlines=True)',
    ],
)
def test_a_locale_is_found_out(line):
    assert list(assumed(ast.parse(line))) == [1]


@pytest.mark.parametrize(
    'line', ["path.open('rb')", 'Image.open(path)', "path.read_text(encoding='utf-8')"]
)
def test_bytes_have_none(line):
    assert not list(assumed(ast.parse(line)))


def write_voc(root, name):
    for folder in ('JPEGImages', 'Annotations'):
        (root / folder).mkdir()
    cv2.imwrite(str(root / 'JPEGImages/a.jpg'), np.zeros((60, 80, 3), np.uint8))
    xml = (
        '<annotation><size><width>80</width><height>60</height></size><object>'
        f'<name>{name}</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>40</xmax>'
        '<ymax>40</ymax></bndbox></object></annotation>'
    )
    (root / 'Annotations/a.xml').write_text(xml, encoding='utf-8')
    (root / 'train.txt').write_text('a\n', encoding='utf-8')
    dataset = dict(
        type='VOCDataset',
        data_root=str(root),
        ann_file='train.txt',
        data_prefix=dict(sub_data_root=''),
        metainfo=dict(classes=(name, 'Möwe')),
        pipeline=[],
    )
    config = root / 'config.py'
    config.write_text(f'train_dataloader = dict(dataset={dataset!r})', encoding='utf-8')
    return config


@pytest.mark.parametrize('options', [{}, dict(PYTHONIOENCODING='utf-8')])
def test_class_names_are_read_and_printed_in_any_locale(options, tmp_path, monkeypatch):
    monkeypatch.setattr('tests.helpers.processes.ENV', {**ASCII, **options})
    config = write_voc(tmp_path, 'Küstenvogel')
    command = [sys.executable, str(ROOT / 'tools/check_data.py'), str(config)]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stdout
    first = 'Küstenvogel 1, Möwe 0' if options else r'K\xfcstenvogel 1, M\xf6we 0'
    assert first in done.stdout
