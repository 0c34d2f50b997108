"""Layers with a state or randomness see what they see in one plain pass."""

import pytest
import torch
from torch import nn

from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import batch_losses, flat, relative_difference, target
from tests.helpers.thin_detectors import (
    build_pair,
    pair_of,
    thin_csp_model_cfg,
    thin_model_cfg,
)

BN = dict(type='BN')


def retinanet_with_norm_in_head() -> dict:
    model = thin_model_cfg('retinanet')
    model.bbox_head.norm_cfg = BN
    return model


def faster_rcnn_with_norm_in_heads() -> dict:
    model = thin_model_cfg('faster_rcnn')
    model.neck.norm_cfg = BN
    model.rpn_head.num_convs = 2
    model.roi_head.bbox_head.update(
        type='Shared4Conv1FCBBoxHead', conv_out_channels=64, norm_cfg=BN
    )
    return model


@pytest.mark.parametrize(
    'model_cfg',
    [
        retinanet_with_norm_in_head,
        lambda: thin_csp_model_cfg('rtmdet'),
        lambda: thin_csp_model_cfg('yolox'),
    ],
    ids=['retinanet', 'rtmdet', 'yolox'],
)
def test_running_statistics_are_those_of_one_plain_pass(model_cfg):
    plain, wrapped = pair_of(model_cfg(), weighting='batch')
    inputs, samples = mixed_batch(plain, [0.3, 0.3])
    plain.loss(inputs, [target(s, 'own') for s in samples])
    wrapped.loss(inputs, samples)
    statistics, others = dict(plain.named_buffers()), dict(wrapped.named_buffers())
    assert any('bbox_head' in key and 'running_mean' in key for key in statistics)
    for key in statistics:
        assert torch.equal(statistics[key], others[key]), key


def test_norm_in_a_box_head_runs_once_on_joint_rois():
    model_cfg = faster_rcnn_with_norm_in_heads()
    plain, wrapped = pair_of(model_cfg, weighting='batch', roi_sampling='joint')
    inputs, samples = mixed_batch(plain, [0.3, 0.3])
    plain.loss(inputs, [target(s, 'own') for s in samples])
    wrapped.loss(inputs, samples)
    counts, others = (
        {k: v for k, v in model.named_buffers() if 'num_batches_tracked' in k}
        for model in (plain, wrapped)
    )
    assert any('roi_head' in key for key in counts)
    assert counts == others


def test_batch_norm_of_a_head_sees_images_one_by_one_when_weighting_images():
    _, wrapped = pair_of(thin_csp_model_cfg('rtmdet'), weighting='image')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.6])
    wrapped.loss(inputs, samples)
    norm = wrapped.bbox_head.cls_convs[0][0].bn
    assert norm.num_batches_tracked == len(samples)  # as docs/how_it_works.md says


def test_batch_norm_of_a_head_that_cannot_take_an_image_alone_says_so():
    _, wrapped = pair_of(retinanet_with_norm_in_head(), weighting='image')
    # P7 of so small an image is a single pixel.
    inputs, samples = mixed_batch(wrapped, [0.3, 0.6], shapes=[(96, 96)])
    with pytest.raises(ValueError, match="Use weighting='batch' with BatchLossMix"):
        wrapped.loss(inputs, samples)


@pytest.mark.parametrize('stage', ['neck', 'bbox_head'])
def test_dropout_draws_once_for_both_targets(stage):
    plain, wrapped = build_pair('retinanet', weighting='batch')
    draws = []
    for model in (plain, wrapped):
        convs = {'neck': 'fpn_convs', 'bbox_head': 'cls_convs'}[stage]
        convs = getattr(getattr(model, stage), convs)
        convs[0] = nn.Sequential(convs[0], nn.Dropout(0.5))
        convs[0][1].register_forward_hook(lambda *_: draws.append(1))
    inputs, samples = mixed_batch(plain, [0.3, 0.3])

    def seeded_loss(*args):
        torch.manual_seed(7)
        return plain.loss(*args)

    plain.loss(inputs, [target(s, 'own') for s in samples])
    once = len(draws)
    draws.clear()
    torch.manual_seed(7)
    actual = flat(wrapped.loss(inputs, samples))
    assert len(draws) == once
    oracle = type('Plain', (), dict(loss=staticmethod(seeded_loss)))
    expected = batch_losses(oracle, inputs, samples, 0.3)
    assert relative_difference(expected, actual) < 1e-5
