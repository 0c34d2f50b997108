"""The site: it builds without a warning, is true to the source, and looks right."""

import ast
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs.generate.messages import messages_in
from tests.helpers import ROOT
from tests.helpers.browser import CHROMIUM, WIDTHS, measured

PACKAGE = ROOT / 'mmdet_lossmix'


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The built site; mkdocs' strict mode makes an error of every warning."""
    if find_spec('material') is None or find_spec('mkdocstrings') is None:
        pytest.skip("needs the site's tools: pip install -e '.[docs]'")
    out = tmp_path_factory.mktemp('site')
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '-d', out]
    done = subprocess.run(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
    return out


def ids_and_links(page: Path):
    html = page.read_text(encoding='utf-8')
    return set(re.findall(r'\bid="([^"]+)"', html)), re.findall(
        r'\b(?:href|src)="([^"]+)"', html
    )


def broken_links(site):
    pages = {page: ids_and_links(page) for page in site.rglob('*.html')}
    assert len(pages) > 30
    for page, (_, links) in pages.items():
        for link in links:
            target, _, anchor = link.partition('#')
            if re.match(r'[a-z]+:', target) or page.name == '404.html':
                continue
            path = (page.parent / target).resolve() if target else page
            path = path / 'index.html' if path.is_dir() else path
            if not path.exists() or (anchor and anchor not in pages[path][0]):
                yield str(page.relative_to(site)), link


def test_the_site(site):
    """One test, as processes that share the tests would build it again."""
    assert not set(broken_links(site))
    for page in site.rglob('*.html'):
        html = page.read_text(encoding='utf-8')
        loaded = re.findall(r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)', html)
        loaded += re.findall(r'<link[^>]+"stylesheet"[^>]+href="(https?:[^"]+)', html)
        assert not loaded, f'{page} loads from another host'
    html = (site / 'troubleshooting' / 'index.html').read_text(encoding='utf-8')
    assert 'it would mix images of the evaluation' in html
    assert 'number in' in html  # of a message that is put together
    assert '<!-- messages -->' not in html


def said_in(path: Path):
    """Pieces of every text that a file raises or warns with."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        logs = re.match(r'print_log\(|[\w.()]+\.warn(ing)?\(', ast.unparse(node))
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and logs):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield from re.findall(
                        r'[A-Za-z][a-z]{3,} [a-z]{3,} [a-z]{3,}', part.value
                    )


def test_every_message_stands_in_the_list():
    messages = list(messages_in(PACKAGE))
    assert len(messages) > 80
    assert {'warning', 'ValueError', 'TypeError'} <= {m.kind for m in messages}
    texts = '\n'.join(m.text() for m in messages)
    pieces = {piece for path in PACKAGE.rglob('*.py') for piece in said_in(path)}
    assert len(pieces) > 80
    assert not {piece for piece in pieces if piece not in texts}
    empty = [m for m in messages if not re.search(r'[a-z]{3}', m.text())]
    assert not empty
    assert not [m for m in messages if m.text().startswith('Expected')]


@pytest.mark.parametrize('folder', ['tools', 'studies', 'synthetic_voc', 'benchmarks'])
def test_errors_begin_with_the_remedy(folder):
    messages = [m.text() for m in messages_in(ROOT / folder)]
    assert not [text for text in messages if text.lower().startswith('expected')]


def rows_of(page: str):
    """The cells of each row of a table, in a page of docs/."""
    for line in (ROOT / 'docs' / page).read_text(encoding='utf-8').splitlines():
        if line.startswith('| '):
            yield [cell.strip() for cell in line.strip('|').split('|')]


def test_the_page_on_cost_has_the_numbers_of_the_benchmark():
    measured_ratios = {
        (row[2], row[0]): row[4]
        for row in rows_of('benchmark.md')
        if row[1:2] == ['2'] and row[3].isdigit()
    }
    detectors = ('retinanet', 'fcos', 'faster_rcnn')
    shown = [row for row in rows_of('cost.md') if len(row) == 4][1:]
    assert len(shown) == 4
    for step, *ratios in shown:
        expected = [measured_ratios[step, detector] for detector in detectors]
        assert ratios == expected


def test_the_model_zoo_is_of_today():
    from docs.generate.model_zoo import PAGE, page

    assert PAGE.read_text(encoding='utf-8') == page(), (
        'run `python docs/generate/model_zoo.py`'
    )


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason='needs chromium on the PATH')
def test_the_home_page_in_a_browser(site):
    """Wide and narrow, light and dark: it fits, shows its picture, and can be read."""
    measures = measured(site / 'index.html')
    seen = {(m['scheme'], m['width']) for m in measures}
    assert seen == {(s, w) for s in ('default', 'slate') for w in WIDTHS}
    for measure in measures:
        assert measure['overflow'] == 0
        assert measure['header'] == 'rgb(64, 81, 181)'  # the style was loaded
        natural, shown = measure['picture']
        assert natural > 1000
        assert 0.85 * min(measure['width'], 870) < shown + 32 <= measure['width']
        assert measure['texts'] > 30
        assert measure['faint'] == []


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason='needs chromium on the PATH')
@pytest.mark.parametrize(
    ('old', 'new', 'key'),
    [
        ('src="images/mixed.jpg"', 'src="images/none.jpg"', 'picture'),
        ('<article', '<div style="width:900px">wide</div><article', 'overflow'),
        ('<article', '<article style="color:#bbb"', 'faint'),
    ],
)
def test_a_broken_home_page_is_found(site, tmp_path, old, new, key):
    broken = shutil.copytree(site, tmp_path / 'site') / 'index.html'
    html = broken.read_text(encoding='utf-8')
    assert old in html
    broken.write_text(html.replace(old, new, 1), encoding='utf-8')
    narrow = next(m for m in measured(broken) if m['width'] == 390)
    good = {'picture': narrow['picture'][0] > 1000, 'overflow': not narrow['overflow']}
    assert not {**good, 'faint': not narrow['faint']}[key]
