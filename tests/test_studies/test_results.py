"""Names and choices of the table of results."""

import math

from studies.results import renamed, validated
from studies.run_folder import tail


def test_a_teacher_that_finds_nothing_is_no_student():
    """mmdet writes no metric then; the student's are not taken in their place."""
    metrics = {'student/coco/bbox_mAP': 0.5, 'student/coco/bbox_mAP_50': 0.75}
    assert validated(metrics, 3, burn_in=2)['AP50'] == 0
    assert validated(metrics, 2, burn_in=2)['AP50'] == 0.75
    assert validated(metrics, 3, burn_in=2)['student/AP50'] == 0.75
    both = {**metrics, 'teacher/coco/bbox_mAP': 0.25, 'teacher/coco/car_precision': 0.1}
    assert validated(both, 3, burn_in=2) == {
        'AP': 0.25,
        'AP_class/car': 0.1,
        'student/AP': 0.5,
        'student/AP50': 0.75,
    }
    assert validated({'coco/bbox_mAP': 0.5}, 3, burn_in=None) == {'AP': 0.5}


def test_names_of_metrics():
    metrics = {
        'coco/bbox_mAP': 0.25,
        'coco/bbox_mAP_s': -1.0,  # there are no small objects
        'coco/car_precision': 0.5,
        'time': 0.1,
    }
    row = renamed(metrics)
    assert math.isnan(row.pop('AP_small'))
    assert row == {'AP': 0.25, 'AP_class/car': 0.5}
    metrics = {'coco/bbox_mAP': 0.25, 'coco/segm_mAP': 0.2, 'coco/segm_mAP_s': 0.1}
    assert renamed(metrics) == {'AP': 0.25, 'mask_AP': 0.2}
    nothing_detected = {'data_time': 0.1, 'time': 0.1}
    assert renamed(nothing_detected) == {'AP': 0.0, 'AP50': 0.0, 'AP75': 0.0}


def test_the_end_of_a_log_tells_a_stop_from_a_failure(tmp_path):
    log = tmp_path / 'train.log'
    log.write_text('x.py:4: UserWarning: pkg_resources is deprecated\nEpoch(1)\n')
    assert tail(log).splitlines()[1:] == [
        'Epoch(1)',
        '(The log tells of no error: the run was stopped, or goes on.)',
    ]
    log.write_text('Epoch(1)\nRuntimeError: no memory\n')
    assert tail(log).splitlines()[1:] == ['Epoch(1)', 'RuntimeError: no memory']
