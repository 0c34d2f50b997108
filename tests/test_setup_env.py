"""The set-up of the development environment, bootstrap/."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'bootstrap'))

import setup_console  # noqa: E402
import setup_env  # noqa: E402
import setup_inspect  # noqa: E402
import setup_mmcv  # noqa: E402

FACTS = {
    'torch': '2.13.0+cpu',
    'ops': 'cpu',
    'python': '3.11',
    'platform': 'linux-x86_64',
    'headers': True,
    'nvcc': None,
}


# What is pinned


def test_pins_are_read_by_section():
    text = (
        '# Words.\n\n# [one]  why\nA==1\n# a-b==3 is too old\na-b==2.0\n# [two]\nC==3\n'
    )
    assert setup_inspect.read_pins(text) == {
        'one': {'A': '1', 'a-b': '2.0'},
        'two': {'C': '3'},
    }


def test_each_stack_has_its_own_mmcv():
    pins = {stack: setup_inspect.pins_of(stack) for stack in setup_inspect.STACKS}
    assert 'mmcv' in pins['openmmlab']
    assert 'mmcv' not in pins['onedl']
    assert 'onedl-mmcv' in pins['onedl']
    assert 'torchvision' not in pins['openmmlab']  # optional
    for stack, (_, mmcv) in setup_inspect.STACKS.items():
        assert mmcv in pins[stack]


# Whether what is installed is what is pinned


@pytest.fixture
def package(tmp_path):
    """A small installed package, as pip records it."""
    (tmp_path / 'thing.py').write_text('x = 1\n')
    info = tmp_path / 'thing-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Name: Thing_One\nVersion: 1.0+cpu\n')
    (info / 'RECORD').write_text('thing.py,sha256=x,6\nthing.pyc,,\n')
    return PathDistribution(info)


@pytest.fixture
def only_package(package, monkeypatch):
    monkeypatch.setattr(setup_inspect, 'distributions', lambda: [package])
    return package


@pytest.mark.parametrize(
    ('pins', 'fault'),
    [
        ({'thing-one': '1.0'}, ''),
        ({'thing-one': '1.1'}, '1.0+cpu instead of 1.1'),
        ({'other': '1.0'}, 'not installed'),
    ],
)
def test_versions_are_compared(only_package, pins, fault):
    (name,) = pins
    assert setup_inspect.find_faults(pins) == ({name: fault} if fault else {})


def test_a_lost_file_is_noticed(only_package):
    only_package.locate_file('thing.py').unlink()
    assert setup_inspect.find_faults({'thing-one': '1.0'}) == {
        'thing-one': 'lacks thing.py'
    }


def test_a_truncated_file_is_noticed(only_package):
    only_package.locate_file('thing.py').write_text('x')
    assert setup_inspect.find_faults({'thing-one': '1.0'}) == {
        'thing-one': 'thing.py has 1 bytes instead of 6'
    }


def test_a_half_installed_package_is_noticed(only_package, tmp_path):
    (tmp_path / 'thing-1.0.dist-info' / 'RECORD').unlink()
    assert setup_inspect.find_faults({'thing-one': '1.0'}) == {
        'thing-one': 'half installed'
    }


# Whether an environment is trusted


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment without faults, whose stamp is yet to be written."""
    env = setup_env.Environment('openmmlab')
    env.stamp = tmp_path / 'stamp'
    report = {'python': '3.11.9', 'faults': {}, 'warning': ''}
    monkeypatch.setattr(env, 'inspect', lambda *options: report)
    return env


def test_only_a_whole_stamp_of_today_is_trusted(environment, capsys):
    assert not environment.is_ready()
    stamp = setup_inspect.fingerprint('openmmlab', '3.11.9')
    for wrong in ['', stamp[:10], setup_inspect.fingerprint('openmmlab', '3.11.8')]:
        environment.stamp.write_text(wrong)
        assert not environment.is_ready()
    environment.stamp.write_text(stamp)
    assert environment.is_ready()
    assert capsys.readouterr().out == ''


def test_faults_outweigh_the_stamp(environment):
    environment.stamp.write_text(setup_inspect.fingerprint('openmmlab', '3.11.9'))
    environment.inspect()['faults']['rich'] = 'lacks rich/__init__.py'
    assert not environment.is_ready()


def test_broken_code_of_ours_is_told_but_is_no_fault(environment, capsys):
    environment.stamp.write_text(setup_inspect.fingerprint('openmmlab', '3.11.9'))
    environment.inspect()['warning'] = 'the code does not import: oh'
    assert environment.is_ready()
    assert 'complete, but the code does not import: oh' in capsys.readouterr().out


def test_an_environment_without_python_is_not_ready(tmp_path):
    env = setup_env.Environment('openmmlab')
    env.python = tmp_path / 'python'
    env.stamp = tmp_path / 'stamp'
    env.stamp.write_text('x')
    assert env.inspect()['faults'] == {'python': 'does not run'}
    assert not env.is_ready()


def test_a_wrong_python_is_refused():
    with pytest.raises(setup_env.SetupError, match='is needed, but'):
        setup_env.find_python(shutil.which('true'))
    with pytest.raises(setup_env.SetupError, match='is not a Python'):
        setup_env.find_python('/nonexistent/python')


# The compiled wheel


def test_the_cache_tells_wheels_apart_by_all_that_matters():
    key = setup_mmcv.wheel_key('mmcv', '2.1.0', FACTS)
    assert key == 'mmcv2.1.0-torch2.13.0+cpu-cpu-python3.11-linux-x86_64'
    others = [
        setup_mmcv.wheel_key('onedl-mmcv', '2.1.0', FACTS),
        setup_mmcv.wheel_key('mmcv', '2.2.0', FACTS),
        setup_mmcv.wheel_key('mmcv', '2.1.0', {**FACTS, 'torch': '2.13.0+cu130'}),
        setup_mmcv.wheel_key('mmcv', '2.1.0', {**FACTS, 'ops': 'cuda8.0;9.0'}),
        setup_mmcv.wheel_key('mmcv', '2.1.0', {**FACTS, 'python': '3.12'}),
        setup_mmcv.wheel_key('mmcv', '2.1.0', {**FACTS, 'platform': 'linux-arm64'}),
    ]
    assert len({key, *others}) == 7
    assert not any(char in ''.join(others) for char in '/; ')


def test_a_damaged_wheel_is_noticed(tmp_path):
    wheel = tmp_path / 'a.whl'
    assert not setup_mmcv.is_whole_wheel(wheel)
    with zipfile.ZipFile(wheel, 'w') as file:
        file.writestr('a.py', 'x = 1\n' * 1000)
    assert setup_mmcv.is_whole_wheel(wheel)
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-10])
    assert not setup_mmcv.is_whole_wheel(wheel)
    wheel.write_bytes(whole.replace(b'x = 1', b'x = 2', 1))
    assert not setup_mmcv.is_whole_wheel(wheel)


@pytest.mark.parametrize(
    ('cxx', 'facts', 'message'),
    [
        ('no-such-compiler -m64', {}, r'no C\+\+ compiler .*install build-essential'),
        ('true', {'headers': False}, 'Python.h is missing: install python3.11-dev'),
        ('true', {'ops': 'cuda9.0'}, 'no nvcc'),
    ],
)
def test_what_the_compiler_lacks_is_named(monkeypatch, cxx, facts, message):
    monkeypatch.setenv('CXX', cxx)
    with pytest.raises(setup_env.SetupError, match=message):
        setup_mmcv.require_compiler({**FACTS, **facts})


def test_a_compiler_is_enough(monkeypatch):
    monkeypatch.setenv('CXX', 'true')
    setup_mmcv.require_compiler(FACTS)


# Progress


@pytest.mark.parametrize(
    ('line', 'gist'),
    [
        ('  [12/77] c++ -MMD -MF /tmp/nms.o.d', 'compiled [12/77]'),
        ('Collecting rich==15.0.0', 'Collecting rich==15.0.0'),
        ('  Downloading torch.whl (900 MB)\n', 'Downloading torch.whl (900 MB)'),
        ('   44 | points[1/2] = warning', ''),
        ('running egg_info', ''),
    ],
)
def test_progress_is_read_from_output(line, gist):
    assert setup_console.gist(line) == gist


@pytest.fixture
def console(tmp_path):
    with setup_console.exclusive(tmp_path / 'lock') as lock:
        yield setup_console.Console(tmp_path / 'logs' / 'log', lock, steps=2)


def test_output_goes_to_the_log(console, capfd):
    console.step('First')
    console.run(['sh', '-c', 'echo many words; echo more >&2'], dict(os.environ))
    assert console.log.read_text().endswith('many words\nmore\n')
    assert capfd.readouterr().out == '[1/2]   0:00  First\n'


def test_a_failure_shows_the_last_lines_and_names_the_log(console):
    script = 'seq 100; echo gone wrong; exit 3'
    with pytest.raises(setup_console.CommandError) as error:
        console.run(['sh', '-c', script], dict(os.environ))
    assert '\n99\n100\ngone wrong\n' in str(error.value)
    assert '\n50\n' not in str(error.value)
    assert str(console.log) in str(error.value)


def test_known_failures_are_explained(console):
    script = 'echo NewConnectionError; exit 1'
    with pytest.raises(setup_console.SetupError, match='is there a network') as error:
        console.run(['sh', '-c', script], dict(os.environ))
    assert not isinstance(error.value, setup_console.CommandError)  # no new venv for it


def test_the_lock_excludes_others_until_children_end(tmp_path):
    lock = tmp_path / 'lock'
    code = (
        f'import sys; sys.path.insert(0, {str(ROOT / "bootstrap")!r})\n'
        'from pathlib import Path; from setup_console import exclusive\n'
        f'with exclusive(Path({str(lock)!r})): pass'
    )
    with setup_console.exclusive(lock):
        other = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE)
        assert b'waiting' in other.stdout.readline()
        assert other.poll() is None
    assert other.wait(30) == 0
    other.stdout.close()


# The real thing


def test_only_the_known_conflicts_remain():
    if not (Path(sys.prefix) / 'setup-finished').exists():
        pytest.skip(
            'these tests do not run in an environment of bootstrap/setup_env.py'
        )
    check = [sys.executable, '-m', 'pip', 'check']
    output = subprocess.run(check, stdout=subprocess.PIPE, text=True).stdout
    known = ['opencv-python', 'opendatalab', 'imagecorruptions-imaug', 'pandas==2.2.3']
    for line in output.splitlines():
        assert any(name in line for name in known) or 'No broken' in line


@pytest.mark.slow
def test_set_up_repairs_what_broke(tmp_path):
    """Needs the package index and takes minutes (more if mmcv is not compiled yet)."""
    files = ['pyproject.toml', 'README.md', 'LICENSE', 'requirements', 'bootstrap']
    for name in [*files, 'configs', 'mmdet_lossmix']:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    command = [sys.executable, 'bootstrap/setup_env.py']

    def set_up():
        return subprocess.check_output(command, cwd=tmp_path, text=True)

    assert '[6/6]' in set_up()
    assert '[1/6]' not in set_up()
    shutil.rmtree(tmp_path / '.venv/lib/python3.11/site-packages/rich')
    assert 'rich: lacks rich/__init__.py' in set_up()
    assert '[1/6]' not in set_up()
