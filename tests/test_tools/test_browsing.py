"""The report counts what each strategy would train on."""

import re
import sys

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmdet_lossmix.structures import attach_partner
from tests.helpers import ROOT

sys.path.insert(0, str(ROOT / 'tools'))
from browsing import MixStatistics


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
    lines = statistics.report().splitlines()[-3:]
    figures = [re.findall(r'[0-9.]+(?=[,; ]|$)', line) for line in lines]
    assert figures == [
        ['5.50', '1', '9', '3.44', '0.5', '5.75'],  # of the weights, then
        ['5.50', '1', '9', '1'],
        ['3.75', '1', '7', '1'],
    ]


def test_unmixed_samples_say_nothing_of_strategies():
    statistics = MixStatistics()
    statistics.add(sample_of(4))
    assert 'No image is mixed' in statistics.report()
    assert 'each strategy' not in statistics.report()
