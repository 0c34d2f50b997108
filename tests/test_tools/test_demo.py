"""The demonstration, in little."""

import sys

import cv2
import pytest
from rich.console import Console

from tests.helpers import ROOT
from tests.helpers.processes import run

sys.path.insert(0, str(ROOT / 'tools'))
from mim_process import CommandError, progress_in, run_mim

DEMO = [sys.executable, str(ROOT / 'tools' / 'demo.py'), '--quick', '--threads', '1']


@pytest.mark.slow
def test_quick_demo_twice(tmp_path):
    done = run([*DEMO, '--work-dir', str(tmp_path)], ROOT)
    assert done.returncode == 0, done.stdout
    for name in ('mixed.png', 'detections.png', 'curves.png'):
        assert str(tmp_path / name) in done.stdout
        assert cv2.imread(str(tmp_path / name)).std() > 0
    for piece in ('mim train', 'mim test', 'loss', 'AP50', 'mAP', 'aeroplane'):
        assert piece in done.stdout

    (tmp_path / 'run').rename(tmp_path / 'moved')
    (tmp_path / 'run').write_text('in the way of the next training')
    done = run([*DEMO, '--work-dir', str(tmp_path)], ROOT)
    assert 'holds them already' in done.stdout
    assert done.returncode == 1
    assert '`mim train` failed; all that it said is in' in done.stdout


def test_failing_command_is_reported(tmp_path):
    log = tmp_path / 'train.log'
    with pytest.raises(CommandError, match='failed') as raised:
        run_mim(['no-such-command'], tmp_path, log, 1, Console(quiet=True))
    assert 'No such command' in str(raised.value)
    assert 'No such command' in log.read_text()


TRAIN = (
    '11/22 - mmengine - INFO - Epoch(train) [2][ 25/300]  lr: 1.0e-04  eta: 0:09:05  '
    'time: 1.2  data_time: 0.02  grad_norm: 2.7  loss: 1.1958  loss_cls: 0.6313'
)
VALIDATION = (
    '11/22 - mmengine - INFO - Epoch(val) [1][25/25]    pascal_voc/mAP: 0.2950  '
    'pascal_voc/AP50: 0.2950  data_time: 0.0303  time: 0.5911'
)


@pytest.mark.parametrize(
    ('line', 'news'),
    [
        (TRAIN, 'epoch 2    25/300  loss 1.1958  0:09:05 left'),
        (VALIDATION, '[bold]AP50 0.2950[/bold] on the test images'),
        ('11/22 - mmengine - INFO - Saving checkpoint at 1 epochs', ''),
    ],
)
def test_progress_in_short(line, news):
    assert progress_in(line) == news
