"""Views that would show boxes at different places are refused before the training."""

import random

import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from mmdet_lossmix.uda.checks import check_before_training
from tests.helpers.tiny_uda import tiny_uda_config


def built(voc_root, tmp_path, *strong):
    """The training data, with other transforms in front of the student's view."""
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    target = cfg.train_dataloader.dataset.datasets[1]
    branch = target.pipeline[-1].unsup_student
    target.pipeline[-1].unsup_student = [*strong, *branch]
    return Runner.from_cfg(cfg)


def test_shipped_views_are_the_same_and_nothing_is_drawn(voc_root, tmp_path):
    runner = built(voc_root, tmp_path)
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected = random.random(), np.random.rand(), torch.rand(())
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    check_before_training(runner, runner.model)
    assert (random.random(), np.random.rand(), torch.rand(())) == expected


@pytest.mark.parametrize(
    'moves',
    [
        dict(type='RandomAffine'),  # keeps size and homography
        dict(type='RandomShift', prob=0.5),
        dict(type='RandomFlip', prob=0.5),
        dict(type='Resize', scale_factor=0.5),
    ],
    ids=lambda step: step['type'],
)
def test_views_of_which_one_moves_are_refused(moves, voc_root, tmp_path):
    with pytest.raises(ValueError, match=rf'{moves["type"]}.*before `MultiBranch`'):
        built(voc_root, tmp_path, moves).train()


def test_colours_may_differ(voc_root, tmp_path):
    runner = built(voc_root, tmp_path, dict(type='Equalize', prob=1.0))
    check_before_training(runner, runner.model)
