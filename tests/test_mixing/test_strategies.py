"""What each strategy chooses, and that sampled LossMix is LossMix in expectation."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS, TRANSFORMS

from mmdet_lossmix.functional import interpolate_losses
from mmdet_lossmix.mixing.strategies import STRATEGIES
from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import flat, gradients, target
from tests.helpers.precision import double_precision
from tests.helpers.thin_detectors import build_pair

REGISTERED = {
    'lossmix': ('LossMixTransform', 'BatchLossMix'),
    'union': ('UnionMixTransform', 'BatchUnionMix'),
    'noise': ('NoiseMixTransform', 'BatchNoiseMix'),
    'sampled': ('SampledLossMixTransform', 'BatchSampledLossMix'),
}


def choose(name, lam, seed=0):
    rng = np.random.default_rng(seed)
    return STRATEGIES[name]('own', 'partner', lam, '{} and {}'.format, rng)


def test_what_is_chosen():
    assert choose('lossmix', 0.3) == [('own', 0.3), ('partner', 0.7)]
    assert choose('union', 0.3) == [('own and partner', 1.0)]
    assert choose('noise', 0.3) == [('partner', 1.0)]
    assert choose('noise', 0.5) == [('own', 1.0)]
    assert choose('sampled', 1.0) == [('own', 1.0)]
    assert choose('sampled', 0.0) == [('partner', 1.0)]


@pytest.mark.parametrize('lam', [0.2, 0.65])
def test_sampled_keeps_an_image_with_its_weight(lam):
    kept = np.mean(
        [choose('sampled', lam, seed)[0][0] == 'own' for seed in range(4000)]
    )
    assert abs(kept - lam) < 4 * np.sqrt(lam * (1 - lam) / 4000)


@pytest.mark.parametrize('name', REGISTERED)
def test_pipeline_and_batch_share_the_class(name):
    transform, augment = REGISTERED[name]
    kind = type(STRATEGIES[name])
    assert type(TRANSFORMS.get(transform).strategy) is kind
    assert type(MODELS.get(augment).strategy) is kind


def test_sampled_draws_for_each_image_of_a_batch():
    _, wrapped = build_pair('fcos')
    inputs, samples = mixed_batch(
        wrapped, [None] * 6, [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)]
    )
    augment = MODELS.build(dict(type='BatchSampledLossMix'))
    _, mixed = augment(inputs, samples)
    kept = [len(s.gt_instances) == i + 1 for i, s in enumerate(mixed)]
    others = [len(s.gt_instances) == (i or 6) for i, s in enumerate(mixed)]
    assert all(a or b for a, b in zip(kept, others))
    assert 0 < sum(kept) < 6  # not one draw for the batch
    assert all('partner' not in s for s in mixed)


@pytest.mark.parametrize('weighting', ['image', 'batch'])
def test_the_mean_gradient_of_sampled_lossmix(weighting):
    """Against the exact one, over all draws of two images: no statistics needed.

    Images that are normalised by themselves give LossMix' gradient. With a normaliser
    over the batch (RetinaNet's number of positive anchors) they differ.
    """
    lam = 0.3
    with double_precision():
        plain, _ = build_pair('retinanet')
        inputs, samples = mixed_batch(plain, [lam, lam])
        pairs = [[target(s, which) for which in ('own', 'partner')] for s in samples]

        def losses(*chosen):
            if weighting == 'batch':
                return plain.loss(inputs, [s.clone() for s in chosen])
            each = [
                plain.loss(inputs[i : i + 1], [s.clone()]) for i, s in enumerate(chosen)
            ]
            return interpolate_losses(*each, 0.5)

        def gradient(*chosen):
            return torch.cat(
                [g.flatten() for g in gradients(plain, flat(losses(*chosen))).values()]
            )

        mean = sum(
            (lam if first == 0 else 1 - lam)
            * (lam if second == 0 else 1 - lam)
            * gradient(pairs[0][first], pairs[1][second])
            for first in (0, 1)
            for second in (0, 1)
        )
        own, partner = zip(*pairs)
        exact = lam * gradient(*own) + (1 - lam) * gradient(*partner)
    difference = (mean - exact).norm() / exact.norm()
    if weighting == 'image':
        assert difference < 1e-6
    else:
        assert 1e-6 < difference < 0.5
