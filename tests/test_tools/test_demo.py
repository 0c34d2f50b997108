"""The demonstration, in little."""

import sys
from pathlib import Path

import cv2
import pytest

from tests.helpers import ROOT
from tests.helpers.processes import run

sys.path.insert(0, str(ROOT / 'tools'))
import demo

COMMAND = [sys.executable, str(ROOT / 'tools/demo.py'), '--quick', '--threads', '1']


@pytest.mark.slow
def test_quick_demo_twice(tmp_path):
    done = run([*COMMAND, '--work-dir', str(tmp_path)], ROOT)
    assert done.returncode == 0, done.stdout
    for name in ('mixed.png', 'detections.png', 'curves.png'):
        assert str(tmp_path / name) in done.stdout
        assert cv2.imread(str(tmp_path / name)).std() > 0
    for piece in ('$ mim train mmdet ', '$ mim test mmdet ', 'loss: ', '| aeroplane '):
        assert piece in done.stdout

    mark = tmp_path / 'data/VOCdevkit/synthetic_voc.json'
    drawn_at = mark.stat().st_mtime_ns
    (tmp_path / 'run').rename(tmp_path / 'moved')
    (tmp_path / 'run').write_text('in the way of the next training')
    done = run([*COMMAND, '--work-dir', str(tmp_path)], ROOT)
    assert mark.stat().st_mtime_ns == drawn_at
    assert done.returncode == 1
    assert '`mim train` failed; ' in done.stdout


def test_failing_command_is_reported(tmp_path, capsys):
    log = tmp_path / 'train.log'
    assert demo.run([*demo.MIM, 'train', 'no-such-package', 'no.py'], log, 1) != 0
    assert f'`mim train` failed; {log} has all that it said.' in capsys.readouterr().out
    assert log.read_text()


def test_usual_work_dir_needs_no_options():
    for command in demo.commands(demo.WORK_DIR, quick=False, threads=2):
        assert '--cfg-options' not in command
        if command[: len(demo.MIM)] == demo.MIM:
            assert (ROOT / command[5]).is_file()
        assert not Path(command[-1]).is_absolute()
