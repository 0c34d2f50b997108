"""The wheel holds what a user needs, and its configs are found after installing it."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from mmdet_lossmix.__main__ import command
from tests.helpers import ROOT
from tests.helpers.processes import run
from tests.test_house import SHIPPED_TOOLS

sys.path.insert(0, str(ROOT / 'tools'))
from lossmix import TOOLS


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """A folder into which nothing but the built wheel was installed."""
    folder = tmp_path_factory.mktemp('wheel')
    pip = [sys.executable, '-m', 'pip', '--quiet']
    build = [*pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', folder, ROOT]
    subprocess.run(build, check=True, timeout=300)
    (wheel,) = folder.glob('*.whl')
    target = folder / 'site'
    install = [*pip, 'install', '--no-deps', '--no-index', '--target', target, wheel]
    subprocess.run(install, check=True, timeout=300)
    return target


def test_the_wheel_holds_the_package_its_configs_and_tools_and_nothing_else(installed):
    package = installed / 'mmdet_lossmix'
    for folder, packed in (
        ('mmdet_lossmix', package),
        ('configs', package / '.mim/configs'),
    ):
        expected = {
            str(p.relative_to(ROOT / folder)) for p in (ROOT / folder).rglob('*.py')
        }
        there = {str(p.relative_to(packed)) for p in packed.rglob('*.py')}
        assert expected <= there
    for name in ('model-index.yml', 'configs/lossmix/metafile.yml'):
        assert (package / '.mim' / name).is_file()
    assert (package / 'py.typed').is_file()
    tools = {path.stem for path in (package / '.mim/tools').glob('*.py')}
    assert tools == {*SHIPPED_TOOLS}
    beside = {path.name for path in installed.iterdir()}
    assert not beside & {'studies', 'synthetic_voc', 'benchmarks', 'tests', 'bootstrap'}


def test_configs_are_found_and_load_from_elsewhere(installed, tmp_path):
    code = (
        f'import sys; sys.path.insert(0, {str(installed)!r})\n'
        'from mmdet_lossmix.__main__ import main, shipped\n'
        'from mmengine.config import Config\n'
        'main(); main(["lossmix_fcos_voc.py"])\n'
        'config = Config.fromfile(shipped("configs") / "lossmix_fcos_voc.py")\n'
        'print(config.model.type)'
    )
    done = run([sys.executable, '-c', code], tmp_path)
    assert done.returncode == 0, done.stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert 'demo/lossmix_faster_rcnn_synthetic' in lines
    assert str(installed / 'mmdet_lossmix/.mim/configs/lossmix_fcos_voc.py') in lines
    assert 'LossMixDetector' in lines


@pytest.mark.xfail(
    'onedl-mim' in packages_distributions()['mim'],
    reason='onedl-mim 0.5.1 takes the folder of the first file, .dist-info, for ours',
    strict=True,
)
def test_mim_finds_the_models(installed, tmp_path):
    code = (
        f'import sys; sys.path.insert(0, {str(installed)!r})\n'
        'from mim import get_model_info\n'
        'for name, info in get_model_info("mmdet_lossmix", to_dict=True).items():\n'
        '    print(name, info["model"], info["config"])'
    )
    done = run([sys.executable, '-c', code], tmp_path)
    assert done.returncode == 0, done.stdout
    name = 'union_retinanet_coco'
    assert f'{name} union configs/{name}.py' in done.stdout


SESSION = """
import contextlib, io, json, sys
sys.path[:] = [p for p in sys.path if p != {root!r}]
sys.path.insert(0, {site!r})
from mmdet_lossmix.__main__ import command
answers = []
for words in {calls!r}:
    sys.argv = ['lossmix', *words]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            code = command()
        except SystemExit as end:
            code = end.code
    answers.append([code, said.getvalue()])
print(json.dumps(answers))
"""


@pytest.fixture(scope='module')
def answers(installed, tmp_path_factory):
    """What the command of the wheel says, where nothing of the repository is at hand.

    All in one process, as importing the package takes longer than all of the commands.
    """
    config = installed / 'mmdet_lossmix/.mim/configs/lossmix_fcos_voc.py'
    calls = {
        '': [],
        'configs': ['configs', 'lossmix_fcos_voc'],
        'check': ['check', str(config)],
        'browse': ['browse', 'nothing.py'],
        'export': ['export', 'nothing.pth', 'out.pth'],
        'plot': ['plot', 'nothing'],
        'sweep': ['sweep', 'mine.yml'],
        **{f'{name} --help': [name, '--help'] for name in {*TOOLS} - {'sweep'}},
    }
    folder = tmp_path_factory.mktemp('elsewhere')
    code = SESSION.format(
        root=str(ROOT), site=str(installed), calls=list(calls.values())
    )
    done = run([sys.executable, '-W', 'ignore', '-c', code], folder)
    assert done.returncode == 0, done.stdout
    assert not list(folder.iterdir()), 'nothing is written, if nothing is done'
    return dict(zip(calls, json.loads(done.stdout.splitlines()[-1])))


def test_the_wheel_brings_the_command(installed):
    script = installed / 'bin' / 'lossmix'
    assert os.access(script, os.X_OK)
    assert 'from mmdet_lossmix.__main__ import command' in script.read_text()


def test_the_command_lists_what_it_can_do(answers):
    for name in ('configs', *TOOLS):
        assert f'\n  {name}' in answers[''][1]


def test_the_command_prints_the_path_of_a_config(answers, installed):
    path = installed / 'mmdet_lossmix/.mim/configs/lossmix_fcos_voc.py'
    assert answers['configs'] == [None, f'{path}\n']


@pytest.mark.parametrize('name', sorted({*TOOLS} - {'sweep'}))
def test_the_command_runs_each_tool_of_the_wheel(answers, name):
    code, said = answers[f'{name} --help']
    assert code == 0
    assert f'usage: lossmix {name}' in said
    assert answers[name][0], 'there is nothing to work on'


def test_a_tool_of_the_wheel_works(answers):
    code, said = answers['check']
    assert code == 1
    assert 'WRONG' in said
    assert 'set `data_root`' in said


def test_a_sweep_without_studies_says_what_to_do(answers):
    assert 'Clone the repository' in answers['sweep'][0]


@pytest.mark.parametrize(
    ('words', 'meant'),
    [
        (['brows'], 'Did you mean browse?'),
        (['nothing'], "There is no command 'nothing'; `lossmix --help` lists them."),
        (['configs', 'losmix_fcos_voc'], 'Did you mean lossmix_fcos_voc'),
        (['configs', 'nothing'], "no config 'nothing'; `lossmix configs` lists them."),
    ],
)
def test_an_unknown_name_is_refused_with_what_was_meant(
    monkeypatch, capsys, words, meant
):
    monkeypatch.setattr(sys, 'argv', ['lossmix', *words])
    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == 2
    assert meant in capsys.readouterr().err


OUTSIDE = re.compile(
    r'\b(?:docs|studies|tools|tests|benchmarks|requirements|bootstrap)/[\w./]+|'
    r'\bpython -m (?:studies|synthetic_voc|benchmarks)|[A-Z]{4,}\.md'
)


def test_no_text_of_the_wheel_names_a_file_that_it_lacks(installed):
    """Docstrings of tools are their help; those of the package may be shown, too."""
    package = installed / 'mmdet_lossmix'
    files = [*package.rglob('*.py')]
    named = {
        (str(path.relative_to(package)), name)
        for path in files
        if 'configs' not in path.parts
        for name in OUTSIDE.findall(path.read_text(encoding='utf-8'))
    }
    assert not named
    shown = re.compile(r'\bconfigs/[\w/]+\.py')
    for path in files:
        for name in shown.findall(path.read_text(encoding='utf-8')):
            assert (package / '.mim' / name).is_file(), (path, name)


def test_nothing_is_written_beside_the_package(installed):
    """A default that is derived from ``__file__`` would be in site-packages."""
    package = installed / 'mmdet_lossmix'
    users = {
        str(path.relative_to(package))
        for path in package.rglob('*.py')
        if '__file__' in path.read_text(encoding='utf-8')
    }
    assert users == {'__main__.py', '.mim/tools/lossmix.py'}  # which only read
