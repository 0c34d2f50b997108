"""The report counts what each strategy would train on."""

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmdet_lossmix.structures import attach_partner
from mmdet_lossmix.visualization import MixStatistics


def sample_of(boxes):
    sample = DetDataSample()
    sample.gt_instances = InstanceData(bboxes=torch.zeros(boxes, 4))
    return sample


@pytest.fixture
def statistics():
    statistics = MixStatistics()
    statistics.add(attach_partner(sample_of(3), sample_of(5), 0.75))
    statistics.add(attach_partner(sample_of(2), sample_of(7), 0.25))
    statistics.add(attach_partner(sample_of(1), sample_of(0), 0.5))
    statistics.add(sample_of(4))
    return statistics


def test_boxes_that_each_strategy_keeps(statistics):
    assert statistics.both == [8, 9, 1, 4]
    assert statistics.dominant == [3, 7, 1, 4]
    assert statistics.weights == [3.5, 5.75, 0.5, 4.0]
    lines = [line.split() for line in statistics.report().splitlines()]
    assert ['Union', 'mean', '5.50,', 'from', '1', 'to', '9;'] in [x[:7] for x in lines]
    assert ['Noise', 'mean', '3.75,', 'from', '1', 'to', '7;'] in [x[:7] for x in lines]


def test_one_target_says_nothing_of_strategies():
    statistics = MixStatistics()
    statistics.add(sample_of(4))
    assert 'No sample holds a partner' in statistics.report()
    assert 'each strategy' not in statistics.report()
