"""The mathematics against plain numpy, and its properties."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kstest

from mmdet_lossmix.functional import (
    blend_images,
    blend_tensors,
    check_mix_args,
    interpolate_losses,
    sample_lambda,
    weighted_sum,
)

lams = st.floats(0, 1)


@given(arrays(np.uint8, (2, 5, 7, 3)), lams)
def test_blend_images_is_equation_1(pair, lam):
    mixed = blend_images(*pair, lam)
    exact = lam * pair[0].astype(float) + (1 - lam) * pair[1]
    assert mixed.dtype == np.uint8
    assert np.abs(mixed - exact).max() <= 0.5 + 1e-3  # rounded once
    out = np.empty_like(mixed)
    assert np.shares_memory(blend_images(*pair, lam, out), out)
    assert np.array_equal(out, mixed)


@given(arrays(np.float32, (2, 3, 4), elements=st.floats(-9, 9, width=32)), lams)
def test_blend_tensors_is_equation_1(array, lam):
    image, partner = torch.from_numpy(array), torch.from_numpy(array[::-1].copy())
    mixed = blend_tensors(image, partner, lam)
    assert np.allclose(mixed, lam * array + (1 - lam) * array[::-1], atol=1e-5)
    assert np.array_equal(image, array)


@pytest.mark.parametrize('alpha', [0.2, 1.0, 5.0])
def test_lambda_is_beta_distributed(alpha):
    rng = np.random.default_rng(0)
    sample = [sample_lambda(alpha, rng) for _ in range(4000)]
    assert kstest(sample, 'beta', args=(alpha, alpha)).pvalue > 0.01
    assert kstest(sample, 'beta', args=(2 * alpha, 2 * alpha)).pvalue < 1e-6


def test_interpolate_losses_is_equation_2_and_keeps_the_structure():
    own = dict(
        loss_cls=torch.tensor(2.0), loss_rpn=[torch.tensor(1.0), torch.tensor(3.0)]
    )
    partner = dict(
        loss_cls=torch.tensor(4.0),
        loss_rpn=[torch.tensor(5.0), torch.tensor(7.0)],
        loss_only_here=torch.tensor(8.0),
    )
    mixed = interpolate_losses(own, partner, 0.25)
    assert mixed['loss_cls'] == 0.25 * 2 + 0.75 * 4
    assert mixed['loss_rpn'] == [0.25 * 1 + 0.75 * 5, 0.25 * 3 + 0.75 * 7]
    assert mixed['loss_only_here'] == 0.75 * 8


def test_a_target_of_weight_0_cannot_spoil_the_loss():
    good, bad = dict(loss=torch.tensor(1.0)), dict(loss=torch.tensor(float('inf')))
    assert interpolate_losses(good, bad, 1.0)['loss'] == 1
    assert interpolate_losses(bad, good, 0.0)['loss'] == 1
    assert weighted_sum([good, good], [0.5, 0.5])['loss'] == 1
    assert weighted_sum([good, bad], [0.5, 0.0])['loss'] == 0.5


@pytest.mark.parametrize('rng', [np.random, np.random.default_rng(0)])
@pytest.mark.parametrize(
    ('alpha', 'near'), [(5e-324, {0, 1}), (1e-310, {0, 1}), (1e308, {0.5})]
)
def test_lambda_of_an_extreme_alpha_is_that_of_the_limit(alpha, near, rng):
    """Where numpy itself gives NaN, or 0 for what ought to be one half."""
    assert {sample_lambda(alpha, rng) for _ in range(100)} == near


@pytest.mark.parametrize(
    ('alpha', 'prob', 'error', 'match'),
    [
        (0, 1, ValueError, r'`alpha` to a number in \(0, inf\)'),
        (-1.0, 1, ValueError, r'`alpha` to a number in \(0, inf\)'),
        (float('nan'), 1, ValueError, r'`alpha` to a number in \(0, inf\)'),
        (float('inf'), 1, ValueError, r'not inf; .*`prob=0`'),
        ('1', 1, TypeError, "`alpha` to a number .*not '1'"),
        (None, 1, TypeError, '`alpha` to a number'),
        (True, 1, TypeError, '`alpha` to a number'),
        (1, -0.1, ValueError, r'`prob` to a number in \[0, 1\]'),
        (1, 1.1, ValueError, r'`prob` to a number in \[0, 1\]'),
        (1, float('nan'), ValueError, r'`prob` to a number in \[0, 1\]'),
        (1, 'often', TypeError, '`prob` to a number'),
    ],
)
def test_bad_alpha_and_prob_are_refused(alpha, prob, error, match):
    with pytest.raises(error, match=match):
        check_mix_args(alpha, prob)
