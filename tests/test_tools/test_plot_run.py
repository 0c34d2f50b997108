"""Curves of what mmengine has logged."""

import json
import sys

import cv2
import pandas as pd
import pytest

from tests.helpers import ROOT
from tests.helpers.processes import run

sys.path.insert(0, str(ROOT / 'tools'))
from plot_run import gathered, metrics_of, read_training, short

TRAIN = [
    {'lr': 0.1, 'loss': 3.0, 'loss_cls': 2.0, 'acc': 9.0, 'epoch': 1, 'step': 10},
    {'lr': 0.1, 'loss': 2.0, 'loss_cls': 1.5, 'acc': 9.5, 'epoch': 1, 'step': 20},
]
WHO = ('student', 'teacher')
VALIDATION = {'pascal_voc/mAP': 0.2501, 'pascal_voc/AP50': 0.25, 'time': 1.0, 'step': 1}


def write(work_dir, stamp, records):
    path = work_dir / stamp / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))


def test_validation_stands_at_its_training_iteration(tmp_path):
    write(tmp_path, '20260101_000000', [*TRAIN, VALIDATION])
    log = read_training(tmp_path)
    assert log['loss'].dropna().to_dict() == {10: 3.0, 20: 2.0}
    assert log['pascal_voc/mAP'].dropna().to_dict() == {20: 0.2501}


def test_takes_the_newest_training(tmp_path):
    write(tmp_path, '20260101_000000', TRAIN[:1])
    write(tmp_path, '20260102_000000', TRAIN)
    write(tmp_path, '20260103_000000', [VALIDATION])  # a test
    write(tmp_path, '20260104_000000', [])
    assert isinstance(read_training(tmp_path), pd.DataFrame)
    assert len(read_training(tmp_path)) == 2


@pytest.mark.parametrize('records', [TRAIN, [*TRAIN, VALIDATION]])
def test_command_draws_what_there_is(tmp_path, records):
    write(tmp_path, '20260101_000000', records)
    tool = str(ROOT / 'tools/plot_run.py')
    done = run([sys.executable, tool, str(tmp_path)], tmp_path)
    assert done.returncode == 0, done.stdout
    assert cv2.imread(str(tmp_path / 'curves.png')).std() > 0


def test_command_compares_runs(tmp_path):
    for name in ('plain', 'lossmix'):
        write(tmp_path / name, '20260101_000000', [*TRAIN, VALIDATION])
    tool = str(ROOT / 'tools/plot_run.py')
    done = run([sys.executable, tool, 'plain', 'lossmix'], tmp_path)
    assert done.returncode == 0, done.stdout
    assert cv2.imread(str(tmp_path / 'plain/compared.png')).std() > 0
    done = run(
        [sys.executable, tool, 'plain', '../' + tmp_path.name + '/plain'], tmp_path
    )
    assert 'error: rename one of the folders' in done.stdout


def test_metrics_that_are_zero_stay(tmp_path):
    """Only VOC's mAP is left out, which is its AP50."""
    zero = {'coco/bbox_mAP': 0.0, 'coco/bbox_mAP_50': 0.0, 'step': 1}
    write(tmp_path, '20260101_000000', [*TRAIN, zero])
    assert list(metrics_of(read_training(tmp_path))) == list(zero)[:2]
    write(tmp_path, '20260102_000000', [*TRAIN, VALIDATION])
    assert list(metrics_of(read_training(tmp_path))) == ['pascal_voc/AP50']
    two = {'pascal_voc/mAP': 0.2, 'pascal_voc/AP50': 0.25, 'pascal_voc/AP75': 0.15}
    write(tmp_path, '20260103_000000', [*TRAIN, {**two, 'step': 1}])
    assert list(metrics_of(read_training(tmp_path))) == list(two), 'another number'
    both = {f'{who}/pascal_voc/{x}': 0.2 for who in WHO for x in ('mAP', 'AP50')}
    write(tmp_path, '20260104_000000', [*TRAIN, {**both, 'step': 1}])
    names = list(metrics_of(read_training(tmp_path)))
    assert [short(name) for name in names] == [f'{who}/AP50' for who in WHO]


def test_losses_of_layers_are_one_curve():
    """The legend of a DINO would hide the plot."""
    kinds = [
        f'{dn}loss_{kind}' for dn in ('', 'dn_') for kind in ('cls', 'bbox', 'iou')
    ]
    names = [*kinds, *(f'd{i}.{kind}' for i in range(5) for kind in kinds)]
    names += ['enc_loss_cls', 'enc_loss_bbox', 'enc_loss_iou', 'small_loss', 'loss']
    curves = pd.DataFrame({name: [2.0, 1.0] for name in names})
    curves['small_loss'], curves['loss'] = 0.1, 80.0
    found = gathered(curves)
    assert list(found) == [*kinds, *names[-5:-2], 'loss']
    assert found['dn_loss_iou'].tolist() == [12.0, 6.0]


def test_command_says_what_is_missing(tmp_path):
    tool = str(ROOT / 'tools/plot_run.py')
    done = run([sys.executable, tool, str(tmp_path)], tmp_path)
    assert done.returncode == 1
    assert 'error: name the --work-dir of a training' in done.stdout
