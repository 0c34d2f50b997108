"""Equation (1) for images of different sizes, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmdet_lossmix.mixing.canvas import blend, in_c_order

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
def test_blend_is_equation_1_on_the_canvas(pair, lam, pad_val):
    canvas = tuple(max(s) for s in zip(*(i.shape for i in pair)))
    padded = []
    for image in pair:
        full = np.full(canvas, pad_val, np.float64)
        full[: image.shape[0], : image.shape[1]] = image
        padded.append(full)
    mixed = blend(*pair, lam, pad_val)
    assert mixed.dtype == np.uint8
    assert mixed.shape == canvas
    exact = lam * padded[0] + (1 - lam) * padded[1]
    assert np.abs(mixed - exact).max() <= 0.5 + 1e-3  # rounded once


@given(st.one_of(image_pairs(), image_pairs(np.float64)), lams)
def test_swapping_images_and_lambda_gives_the_same_picture(pair, lam):
    first, second = pair
    mixed = blend(first, second, lam)
    assert np.array_equal(mixed, blend(second, first, 1 - lam))


@pytest.mark.parametrize('flip', [(1,), (0,), (0, 1)])
@given(pair=image_pairs(), lam=lams)
def test_flipped_views_blend_as_copies_do(flip, pair, lam):
    views = [np.flip(image, flip) for image in pair]
    copies = [view.copy() for view in views]
    assert np.array_equal(blend(*views, lam), blend(*copies, lam))
    for view, copy in zip(views, copies):
        assert in_c_order(view).flags.c_contiguous
        assert np.array_equal(in_c_order(view, np.empty_like(copy)), copy)


@given(image_pairs())
def test_lambda_1_returns_the_image(pair):
    image, partner = pair
    mixed = blend(image, partner, 1.0)
    assert np.array_equal(mixed[: image.shape[0], : image.shape[1]], image)
    assert not np.shares_memory(mixed, image)


@pytest.mark.parametrize('dtype', [np.uint16, np.int16, np.float32, np.float64])
def test_blend_keeps_the_dtype(dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 30000, (5, 7, 3)).astype(dtype) for _ in range(2))
    mixed = blend(a, b, 0.3)
    assert mixed.dtype == dtype
    assert np.abs(mixed - (0.3 * a + 0.7 * b)).max() <= 0.51


@pytest.mark.parametrize(
    ('first', 'second', 'match'),
    [
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), 'uint8.*: got bool'),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint16), 'images alike'),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8), 'color_type'),
    ],
)
def test_blend_refuses_what_does_not_go_together(first, second, match):
    with pytest.raises(ValueError, match=match):
        blend(first, second, 0.5)
