"""Curves read from what mmengine writes."""

import json

import numpy as np
import pytest

from mmdet_lossmix.visualization import draw_curves, find_scalars, read_curves
from mmdet_lossmix.visualization.curves import merge_equal, smooth

TRAIN = [
    {'lr': 0.1, 'loss': 3.0, 'loss_cls': 2.0, 'acc': 9.0, 'epoch': 1, 'step': 10},
    {'lr': 0.1, 'loss': 2.0, 'loss_cls': 1.5, 'acc': 9.5, 'epoch': 1, 'step': 20},
]
VALIDATION = {'pascal_voc/mAP': 0.2501, 'pascal_voc/AP50': 0.25, 'time': 1.0, 'step': 1}


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))
    return path


def test_validation_stands_at_its_training_iteration(tmp_path):
    curves = read_curves(write(tmp_path / 'scalars.json', [*TRAIN, VALIDATION]))
    assert curves.losses == {
        'loss': ([10, 20], [3.0, 2.0]),
        'loss_cls': ([10, 20], [2.0, 1.5]),
    }
    assert curves.metrics == {'mAP': ([20], [0.2501]), 'AP50': ([20], [0.25])}
    assert [name for name, _ in merge_equal(curves.metrics)] == ['mAP = AP50']


@pytest.mark.parametrize('records', [TRAIN, [VALIDATION], [*TRAIN, VALIDATION]])
def test_draws_what_there_is(tmp_path, records):
    curves = read_curves(write(tmp_path / 'scalars.json', records))
    above, below = draw_curves(curves, 'a run').axes
    assert len(above.lines) == 2 * len(curves.losses)
    assert len(below.lines) == bool(curves.metrics)


def test_newest_training_of_a_work_dir(tmp_path):
    for stamp in ('20260102_000000', '20260101_000000'):
        write(tmp_path / stamp / 'vis_data/scalars.json', TRAIN)
    write(tmp_path / '20260103_000000' / 'vis_data/scalars.json', [VALIDATION])
    assert find_scalars(tmp_path).parts[-3] == '20260102_000000'


def test_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match='Expected a training with vis_data'):
        find_scalars(tmp_path)
    with pytest.raises(ValueError, match='Expected losses or metrics'):
        read_curves(write(tmp_path / 'scalars.json', []))


def test_smoothing_is_a_running_mean():
    np.testing.assert_allclose(smooth([1, 2, 3, 4], 2), [1, 1.5, 2.5, 3.5])
