"""Batch augments, alone and inside DetDataPreprocessor."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import MessageHub
from scipy.stats import kstest

from mmdet_lossmix.models.data_preprocessors import batch_mix
from mmdet_lossmix.testing.batches import mixed_batch
from mmdet_lossmix.testing.thin import thin_model_cfg

TYPES = ['BatchLossMix', 'BatchUnionMix', 'BatchNoiseMix']


@pytest.fixture
def runner_state():
    """What a runner tells: seed and iteration."""
    hub = MessageHub.get_instance('batch_mix_test')
    MessageHub._instance_dict.move_to_end('batch_mix_test')
    hub.update_info('seed', 3)
    hub.update_info('iter', 0)
    yield hub
    MessageHub._instance_dict.pop('batch_mix_test')


def batch(n=3, masks=False):
    # Of Mask R-CNN, whose preprocessor pads masks.
    model = MODELS.build(thin_model_cfg('mask_rcnn'))
    items = [(i + 1, 0) for i in range(n)]
    return mixed_batch(model, [None] * n, items, masks=masks)


def build(type_, **kwargs):
    return MODELS.build(dict(type=type_, **kwargs))


@pytest.mark.parametrize('type_', TYPES)
def test_every_image_meets_the_one_before_it(type_, runner_state):
    inputs, samples = batch()
    mixed, _ = build(type_)(inputs, samples)
    inputs, mixed = inputs.double(), mixed.double()
    difference = (inputs - inputs.roll(1, 0)).flatten()
    lam = (mixed - inputs.roll(1, 0)).flatten() @ difference / (difference @ difference)
    assert 0 < lam < 1
    for i in range(3):
        expected = lam * inputs[i] + (1 - lam) * inputs[i - 1]
        torch.testing.assert_close(mixed[i], expected, rtol=0, atol=1e-3)


def test_lossmix_attaches_the_partner(runner_state):
    inputs, samples = batch()
    _, mixed = build('BatchLossMix')(inputs, samples)
    for i in range(3):
        assert len(mixed[i].gt_instances) == i + 1
        partner = samples[i - 1]
        assert torch.equal(
            mixed[i].partner.gt_instances.bboxes, partner.gt_instances.bboxes
        )
        assert mixed[i].partner.img_path == partner.img_path
        sizes = np.array([samples[i].img_shape, partner.img_shape])
        assert mixed[i].img_shape == mixed[i].partner.img_shape == tuple(sizes.max(0))
    assert len({s.mix_lambda for s in mixed}) == 1
    assert all('partner' not in s for s in samples)


def test_union_and_noise(runner_state):
    inputs, samples = batch()
    _, union = build('BatchUnionMix')(inputs, samples)
    assert [len(s.gt_instances) for s in union] == [1 + 3, 2 + 1, 3 + 2]
    assert [len(s.ignored_instances) for s in union] == [2, 2, 2]
    seen = set()
    for i in range(20):
        runner_state.update_info('iter', i)
        _, kept = build('BatchLossMix')(inputs, samples)
        own = kept[0].mix_lambda >= 0.5
        _, noise = build('BatchNoiseMix')(inputs, samples)
        expected = [1, 2, 3] if own else [3, 1, 2]
        assert [len(s.gt_instances) for s in noise] == expected
        assert all('partner' not in s for s in (*union, *noise))
        seen.add(own)
    assert seen == {True, False}


def test_masks_are_joined(runner_state):
    inputs, samples = batch(masks=True)
    _, union = build('BatchUnionMix')(inputs, samples)
    assert [len(s.gt_instances.masks) for s in union] == [4, 3, 5]


def test_lambda_depends_on_seed_and_iteration_alone(runner_state):
    inputs, samples = batch()

    def draw(seed, iteration, **kwargs):
        runner_state.update_info('seed', seed)
        runner_state.update_info('iter', iteration)
        torch.rand(3), np.random.rand(3)
        return build('BatchLossMix', **kwargs)(inputs, samples)[1][0].get('mix_lambda')

    assert draw(3, 7) == draw(3, 7)
    assert len({draw(3, 7), draw(3, 8), draw(4, 7)}) == 3
    lams = [draw(0, i) for i in range(300)]
    assert kstest(lams, 'beta', args=(1, 1)).pvalue > 0.01
    share = np.mean([draw(0, i, prob=0.3) is not None for i in range(300)])
    assert 0.2 < share < 0.4
    assert draw(0, 0, prob=0.0) is None


@pytest.mark.parametrize('type_', TYPES)
def test_a_batch_of_one_stays_unmixed_with_one_warning(type_, monkeypatch):
    messages = []
    monkeypatch.setattr(batch_mix, 'print_log', lambda text, **_: messages.append(text))
    augment = build(type_)
    inputs, samples = batch(1)
    for _ in range(3):
        mixed, same = augment(inputs, samples)
        assert torch.equal(mixed, inputs)
        assert same is samples
    assert len(messages) == 1
    assert 'batch of one' in messages[0]


def test_chained_after_a_resize_of_the_batch(runner_state):
    cfg = thin_model_cfg('fcos')
    cfg.data_preprocessor.batch_augments = [
        dict(type='BatchSyncRandomResize', random_size_range=(160, 161), interval=1),
        dict(type='BatchLossMix'),
    ]
    model = MODELS.build(dict(type='LossMixDetector', detector=cfg, weighting='batch'))
    for _ in range(2):
        inputs, samples = mixed_batch(model, [None, None])
    assert inputs.shape[-2:] == samples[0].partner.batch_input_shape
    model.train().loss(inputs, samples)


@pytest.mark.parametrize('kwargs', [dict(alpha=-1), dict(prob=2)])
@pytest.mark.parametrize('type_', TYPES)
def test_bad_arguments_are_refused_when_built(type_, kwargs):
    with pytest.raises(ValueError, match=f'`{next(iter(kwargs))}`'):
        build(type_, **kwargs)
