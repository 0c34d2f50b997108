"""Anchors that are handed out again, and assignment without a loop."""

from contextlib import ExitStack
from inspect import signature
from unittest.mock import patch

import pytest
import torch
from mmdet.models.task_modules import MaxIoUAssigner
from mmengine.structures import InstanceData
from torch import nn

from mmdet_lossmix.models.data_preprocessors import BatchLossMix
from mmdet_lossmix.models.one_forward import SharedForward
from mmdet_lossmix.models.one_forward.anchors import remembered, share_anchors
from tests.helpers.batches import mixed_batch
from tests.helpers.thin_detectors import build_pair


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize(
    'thresholds',
    [
        dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3),  # RPN
        dict(pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),  # RetinaNet
        dict(pos_iou_thr=0.5, neg_iou_thr=(0.1, 0.4), min_pos_iou=0.2),
        dict(pos_iou_thr=0.5, neg_iou_thr=0.5, match_low_quality=False),
        dict(pos_iou_thr=0.7, neg_iou_thr=0.3, gt_max_assign_all=False),
    ],
)
def test_assignment_is_mmdets(thresholds, seed):
    """Also with ties, objects on top of priors and of each other, and far from all."""
    head = nn.Module()
    head.assigner = assigner = MaxIoUAssigner(**thresholds, ignore_iof_thr=0.5)
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 12, (300, 4), generator=generator).float() * 8
    boxes = torch.cat([corners[:, :2], corners[:, :2] + 8 + corners[:, 2:]], 1)
    objects = torch.cat([boxes[:6], boxes[:2], boxes[:1] + 4, boxes[:1] + 999])
    gt = InstanceData(bboxes=objects, labels=torch.arange(len(objects)))
    ignored = InstanceData(bboxes=boxes[20:22])
    for count in (len(objects), 1, 0):
        args = InstanceData(priors=boxes), gt[:count], ignored
        expected = assigner.assign(*args)
        with ExitStack() as overrides:
            share_anchors(head, overrides)
            found = assigner.assign(*args)
        for key in ('gt_inds', 'labels', 'max_overlaps'):
            assert torch.equal(getattr(found, key), getattr(expected, key)), key
            assert getattr(found, key).dtype == getattr(expected, key).dtype


def test_an_assigner_of_ones_own_assigns():
    class Never(MaxIoUAssigner):
        def assign_wrt_overlaps(self, overlaps, gt_labels):
            return super().assign_wrt_overlaps(overlaps * 0, gt_labels)

    head = nn.Module()
    head.assigner = Never(pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.1)
    boxes = torch.tensor([[0.0, 0, 8, 8]])
    gt = InstanceData(bboxes=boxes, labels=torch.tensor([1]))
    with ExitStack() as overrides:
        share_anchors(head, overrides)
        assert not head.assigner.assign(InstanceData(priors=boxes), gt).gt_inds.any()


def test_a_result_that_was_modified_is_made_anew():
    calls = []

    def ones(sizes, device='cpu'):
        calls.append(sizes)
        return [torch.ones(size, device=device) for size in sizes]

    again = remembered(ones)
    first = again([2, 3], device='cpu')
    assert all(a is b for a, b in zip(again([2, 3], device='cpu'), first))
    assert again([2, 4], device='cpu')[1].shape == (4,)
    assert again([2, 3], device='meta')[0].is_meta
    first.append(None)  # a list that belongs to the caller
    assert len(again([2, 3], device='cpu')) == 2
    first[0].mul_(2)
    assert again([2, 3], device='cpu')[0].tolist() == [1, 1]
    assert len(calls) == 4


def test_objects_are_assigned_once_wherever_they_appear():
    priors = torch.tensor([[0.0, 0, 8, 8], [8, 8, 16, 16]])
    gt = InstanceData(bboxes=priors[:1].clone(), labels=torch.tensor([1]))
    assigner = MaxIoUAssigner(pos_iou_thr=0.5, neg_iou_thr=0.5)
    calls = []

    def assign(priors, objects):
        calls.append(objects)
        return assigner.assign(InstanceData(priors=priors), objects)

    again = remembered(assign)
    first = again(priors, gt)
    same = again(priors.clone(), InstanceData(**dict(gt.items())))
    assert same is not first  # samplers add objects to it
    assert same.gt_inds is first.gt_inds
    assert len(calls) == 1
    others = [
        (priors + 1, gt),
        (priors, InstanceData(bboxes=gt.bboxes.clone(), labels=gt.labels)),
        (priors, InstanceData(bboxes=gt.bboxes, labels=gt.labels + 1)),
    ]
    for number, other in enumerate(others, 2):
        again(*other)
        assert len(calls) == number
    gt.bboxes.add_(8)
    assert again(priors, gt).gt_inds.tolist() == [0, 1]


@pytest.mark.parametrize(
    ('name', 'method', 'times'),
    [('fcos', '_get_targets_single', 2), ('faster_rcnn', 'assign', 2)],
)
@pytest.mark.parametrize('weighting', ['batch', 'image'])
def test_a_batch_that_was_rolled_is_assigned_once(name, method, times, weighting):
    """Two images, each with its own and the other's objects: two sets."""
    _, wrapped = build_pair(name)
    wrapped.weighting = weighting
    inputs, samples = mixed_batch(wrapped, [None, None], shapes=[(64, 64)])
    head = getattr(wrapped.detector, 'rpn_head', None) or wrapped.detector.bbox_head
    owner = head.assigner if method == 'assign' else head
    with patch.object(owner, method, wraps=getattr(owner, method)) as counted:
        counted.__signature__ = signature(getattr(type(owner), method))
        wrapped.loss(*BatchLossMix()(inputs, samples))
    assert counted.call_count == times


@pytest.mark.parametrize('name', ['retinanet', 'faster_rcnn', 'fcos'])
def test_nothing_stays_behind(name):
    _, wrapped = build_pair(name)
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    head = getattr(wrapped, 'rpn_head', None) or wrapped.bbox_head
    wrapped.loss(inputs, samples)
    assert 'grid_priors' not in vars(head.prior_generator)
    assert 'assign_wrt_overlaps' not in vars(getattr(head, 'assigner', head))
    with SharedForward(wrapped.detector, inputs):
        assert 'grid_priors' in vars(head.prior_generator)
