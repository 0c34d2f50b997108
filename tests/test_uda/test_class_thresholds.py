"""ClassThresholds: as many boxes of each class as are wanted, whatever the scores."""

import copy

import numpy as np
import pytest
import torch

from mmdet_lossmix.uda.class_thresholds import MEMORY, ClassThresholds
from mmdet_lossmix.uda.pseudo_labels import PseudoLabels
from tests.test_uda.test_pseudo_labels import prediction, view


def thresholds(*wanted):
    made = ClassThresholds()
    made.want(torch.tensor(wanted))
    return made


def seen(made, rng, batches, low=(0.0, 0.0, 0.6)):
    """Three boxes of each class on every image, four images a batch."""
    for _ in range(batches):
        labels = np.arange(len(low)).repeat(12)
        scores = rng.uniform(np.array(low)[labels], 1)
        made.see(torch.tensor(scores), torch.tensor(labels), 4)
    return made()


def test_leaves_as_many_boxes_as_are_wanted():
    rng = np.random.default_rng(0)
    found = seen(thresholds(0.3, 1.5, 1.5), rng, 400)
    # Shares of three boxes: a tenth, a half and a half of those above 0.6.
    torch.testing.assert_close(found, torch.tensor([0.9, 0.5, 0.8]), atol=0.03, rtol=0)


def test_follows_scores_that_change_and_forgets():
    rng = np.random.default_rng(0)
    made = thresholds(1.5, 1.5, 1.5)
    seen(made, rng, 100)
    later = seen(made, rng, 400, low=(0.8, 0.8, 0.0))
    expected = torch.tensor([0.9, 0.9, 0.5])
    torch.testing.assert_close(later, expected, atol=0.03, rtol=0)
    assert made.images == pytest.approx(MEMORY, rel=0.05)


def test_a_rare_class_waits_and_a_class_without_objects_has_none():
    made = thresholds(0.05, 0.0)
    both = torch.tensor([0, 1])
    for score in (0.7, 0.9, 0.8):
        made.see(torch.tensor([score, score]), both, 3)
        assert made().isinf().all()  # less than half a box is wanted yet
    made.see(torch.tensor([0.6, 0.99]), both, 3)
    assert 0.88 < made()[0] <= 0.9
    assert made()[1].isinf()


def test_scores_of_one_are_kept():
    labels = PseudoLabels(per_image=dict(a=2.0))
    labels.thresholds.want(torch.tensor([2.0]))
    found = prediction([1.0, 1.0, 0.3])
    found.pred_instances.labels.zero_()
    (sample,) = labels.attach([view()], [found])
    assert len(sample.gt_instances) == 2
    assert not len(labels.attach([view()], [prediction([])])[0].gt_instances)


def test_a_threshold_by_value_is_a_floor_and_boxes_that_are_dropped_do_not_count():
    labels = PseudoLabels(score_thr=0.7, min_size=5, per_image=dict(a=3.0))
    labels.thresholds.want(torch.tensor([3.0]))
    boxes = [[0.0, 0.0, 9.0, 9.0]] * 3 + [[0.0, 0.0, 2.0, 2.0]]
    found = prediction([0.9, 0.8, 0.6, 0.99], boxes)
    found.pred_instances.labels.zero_()
    (sample,) = labels.attach([view()], [found])
    assert len(sample.gt_instances) == 2
    assert labels.thresholds.counts.sum() == 3
    assert 0.58 < labels.thresholds()[0] <= 0.6


def test_state_is_saved_and_starts_anew_where_there_was_none():
    rng = np.random.default_rng(0)
    made = thresholds(0.3, 1.5, 1.5)
    seen(made, rng, 10)
    loaded = ClassThresholds()  # by whoever tests a checkpoint
    loaded.load_state_dict(made.state_dict())
    loaded.want(made.wanted)
    assert torch.equal(loaded(), made())
    again = copy.deepcopy(rng)
    assert torch.equal(seen(loaded, rng, 10), seen(made, again, 10))
    made.load_state_dict({})
    assert made.counts.shape == loaded.counts.shape
    assert made.counts.sum() == made.images == 0


@pytest.mark.parametrize('per_image', ['target', dict(a=-1), 2.0, dict(a='many')])
def test_what_is_no_number_of_boxes_is_refused(per_image):
    with pytest.raises((TypeError, ValueError), match=r'`(a|per_image)`'):
        PseudoLabels(per_image=per_image)
