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
from mmdet_lossmix.mixing.canvas import in_c_order

sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))
lams = st.floats(0, 1)


@st.composite
def image_pairs(draw, dtype=np.uint8):
    channels = draw(st.sampled_from([(), (1,), (3,), (5,)]))
    elements = st.floats(0, 255) if dtype is np.float64 else None
    return tuple(
        draw(arrays(dtype, draw(sizes) + channels, elements=elements)) for _ in range(2)
    )


@given(image_pairs(), lams, st.integers(0, 255))
def test_blend_images_is_equation_1_on_the_canvas(pair, lam, pad_val):
    canvas = tuple(max(s) for s in zip(*(i.shape for i in pair)))
    padded = []
    for image in pair:
        full = np.full(canvas, pad_val, np.float64)
        full[: image.shape[0], : image.shape[1]] = image
        padded.append(full)
    mixed = blend_images(*pair, lam, pad_val)
    assert mixed.dtype == np.uint8
    assert mixed.shape == canvas
    exact = lam * padded[0] + (1 - lam) * padded[1]
    assert np.abs(mixed - exact).max() <= 0.5 + 1e-3  # rounded once


@given(st.one_of(image_pairs(), image_pairs(np.float64)), lams)
def test_swapping_images_and_lambda_gives_the_same_picture(pair, lam):
    first, second = pair
    mixed = blend_images(first, second, lam)
    assert np.array_equal(mixed, blend_images(second, first, 1 - lam))


@pytest.mark.parametrize('flip', [(1,), (0,), (0, 1)])
@given(pair=image_pairs(), lam=lams)
def test_flipped_views_blend_as_copies_do(flip, pair, lam):
    views = [np.flip(image, flip) for image in pair]
    copies = [view.copy() for view in views]
    assert np.array_equal(blend_images(*views, lam), blend_images(*copies, lam))
    for view, copy in zip(views, copies):
        assert in_c_order(view).flags.c_contiguous
        assert np.array_equal(in_c_order(view, np.empty_like(copy)), copy)


@given(image_pairs())
def test_lambda_1_returns_the_image(pair):
    image, partner = pair
    mixed = blend_images(image, partner, 1.0)
    assert np.array_equal(mixed[: image.shape[0], : image.shape[1]], image)
    assert not np.shares_memory(mixed, image)


@pytest.mark.parametrize('dtype', [np.uint16, np.int16, np.float32, np.float64])
def test_blend_images_keeps_the_dtype(dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 30000, (5, 7, 3)).astype(dtype) for _ in range(2))
    mixed = blend_images(a, b, 0.3)
    assert mixed.dtype == dtype
    assert np.abs(mixed - (0.3 * a + 0.7 * b)).max() <= 0.51


@pytest.mark.parametrize(
    ('first', 'second', 'match'),
    [
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), 'got bool'),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint16), 'same dtype'),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8), 'channels'),
    ],
)
def test_blend_images_refuses_what_does_not_go_together(first, second, match):
    with pytest.raises(ValueError, match=match):
        blend_images(first, second, 0.5)


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


@pytest.mark.parametrize(
    ('alpha', 'prob', 'error', 'match'),
    [
        (0, 1, ValueError, '`alpha` > 0'),
        (-1.0, 1, ValueError, '`alpha` > 0'),
        (float('nan'), 1, ValueError, '`alpha` > 0'),
        (float('inf'), 1, ValueError, 'finite'),
        ('1', 1, TypeError, "`alpha` to be a number but got '1'"),
        (None, 1, TypeError, '`alpha` to be a number'),
        (True, 1, TypeError, '`alpha` to be a number'),
        (1, -0.1, ValueError, r'`prob` in \[0, 1\]'),
        (1, 1.1, ValueError, r'`prob` in \[0, 1\]'),
        (1, float('nan'), ValueError, r'`prob` in \[0, 1\]'),
        (1, 'often', TypeError, '`prob` to be a number'),
    ],
)
def test_bad_alpha_and_prob_are_refused(alpha, prob, error, match):
    with pytest.raises(error, match=match):
        check_mix_args(alpha, prob)
