"""The set-up of the development environment, bootstrap/."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import distributions
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from sysconfig import get_path

import pytest

from tests.helpers import ROOT

SCRIPT = ROOT / 'bootstrap' / 'setup_env.py'
spec = spec_from_file_location('setup_env', SCRIPT)
setup_env = module_from_spec(spec)
spec.loader.exec_module(setup_env)


def normal(name):
    return re.sub(r'[-_.]+', '-', name).lower()


def test_uv_is_told_what_pip_is_configured_with():
    config = (
        ":env:.find-links='/mine'\n"
        ":env:.default-timeout='180'\n"
        "global.extra-index-url='file:///a file:///b'\n"
        "global.find-links='/other'\n"
        "install.index-url='\\nfile:///c'\n"
    )
    assert setup_env.uv_variables(config) == {
        'UV_INDEX_STRATEGY': 'unsafe-best-match',
        'UV_FIND_LINKS': '/mine',
        'UV_INDEX': 'file:///a file:///b',
        'UV_DEFAULT_INDEX': 'file:///c',
    }


@pytest.fixture
def environment(tmp_path):
    """An environment that was finished today, but holds one small package only."""
    env = setup_env.Environment('openmmlab')
    env.path = tmp_path / 'venv'
    env.python = env.path / 'bin' / 'python'
    env.stamp = env.path / 'setup-finished'
    subprocess.run(
        [sys.executable, '-m', 'venv', '--without-pip', env.path], check=True
    )
    (site,) = env.path.glob('lib/python*/site-packages')
    (site / 'thing.py').write_text('x = 1\n')
    info = site / 'thing-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Name: thing\nVersion: 1.0\n')
    (info / 'RECORD').write_text('thing.py,sha256=x,6\nthing.pyc,,\n')
    env.stamp.write_text(setup_env.fingerprint())
    return env


def test_a_stack_that_does_not_import_is_noticed(environment):
    assert environment.fault() == "ModuleNotFoundError: No module named 'torch'"


@pytest.mark.parametrize('content', ['x', None])
def test_a_damaged_or_lost_file_is_noticed(environment, content):
    (file,) = environment.path.glob('lib/python*/site-packages/thing.py')
    file.unlink() if content is None else file.write_text(content)
    assert environment.fault() == f'{file} is missing or damaged'


def test_only_a_whole_stamp_of_today_is_trusted(environment):
    environment.stamp.write_text(setup_env.fingerprint()[:-1])
    assert environment.fault() == 'unfinished or out of date'
    environment.stamp.unlink()
    assert environment.fault() == 'unfinished or out of date'


def test_an_environment_without_python_is_not_ready(environment):
    environment.python.unlink()
    assert 'No such file' in environment.fault()
    shutil.rmtree(environment.path)
    assert environment.fault() == 'not there yet'


def test_all_that_is_installed_is_pinned():
    if not os.environ.get('CI'):
        pytest.skip('you may have installed more than make setup did')
    pins = dict(re.findall(r'^(\S+)==(\S+)$', setup_env.CONSTRAINTS.read_text(), re.M))
    pins = {normal(name): version for name, version in pins.items()}
    # not sys.path: setuptools puts what it has vendored there once it is imported
    installed = {
        normal(dist.metadata['Name']): dist.version.split('+')[0]
        for dist in distributions(path=[get_path('purelib')])
    }
    for name, version in installed.items():
        theirs = name.startswith(('nvidia-', 'cuda-')) or name == 'triton'
        if name != 'mmdet-lossmix' and not theirs:  # torch pins its CUDA parts
            assert pins.get(name) == version, name


@pytest.mark.slow
def test_set_up_recovers_from_what_may_happen(tmp_path):
    """Needs the package index, and a compiled mmcv in the cache to take minutes."""
    files = ['pyproject.toml', 'README.md', 'LICENSE', 'requirements', 'bootstrap']
    files += ['configs', 'tools', 'model-index.yml', 'mmdet_lossmix']
    for name in files:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    command = [sys.executable, 'bootstrap/setup_env.py']
    site = tmp_path / '.venv' / 'lib' / Path(os.__file__).parent.name / 'site-packages'

    def set_up():
        return subprocess.check_output(command, cwd=tmp_path, text=True)

    killed = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
    while not list(site.glob('numpy*')):
        time.sleep(0.1)
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()

    assert 'unfinished' in set_up()
    assert 'anew' not in set_up()
    (site / 'rich' / '__init__.py').unlink()
    assert 'rich/__init__.py is missing or damaged' in set_up()
    assert 'anew' not in set_up()
