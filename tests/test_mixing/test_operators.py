"""Operators alone: images, lambda and the window; and one of a user's own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mmdet.registry import MODELS, TASK_UTILS, TRANSFORMS

from mmdet_lossmix.functional import blend_tensors
from mmdet_lossmix.mixing import CutMix, Window
from mmdet_lossmix.mixing.canvas import blend

sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))
lams = st.floats(0, 1)
seeds = st.integers(0, 9999)
DTYPES = [np.uint8, np.uint16, np.int16, np.float32]


@st.composite
def image_pairs(draw):
    channels, dtype = (
        draw(st.sampled_from([(), (1,), (3,)])),
        draw(st.sampled_from(DTYPES)),
    )
    elements = st.integers(0, 200).map(dtype)
    pair = (
        draw(arrays(dtype, draw(sizes) + channels, elements=elements)) for _ in '12'
    )
    return tuple(pair)


def canvas_of(pair):
    return tuple(max(s) for s in zip(*(image.shape[:2] for image in pair)))


@given(image_pairs(), lams, seeds)
def test_cutmix_pastes_a_rectangle_from_where_it_is(pair, lam, seed):
    image, partner = pair
    copies = image.copy(), partner.copy()
    operator, canvas = CutMix(), canvas_of(pair)
    lam, window = operator.draw(lam, canvas, np.random.default_rng(seed))
    mixed = operator.mix_images(image, partner, lam, window, 7)
    assert mixed.dtype == image.dtype
    assert mixed.shape == canvas + image.shape[2:]
    for y, x in np.ndindex(*canvas):
        pasted = window.y1 <= y < window.y2 and window.x1 <= x < window.x2
        source = partner if pasted else image
        reached = y < source.shape[0] and x < source.shape[1]
        assert np.array_equal(
            mixed[y, x], source[y, x] if reached else 0 * mixed[0, 0] + 7
        )
    assert not np.shares_memory(mixed, image)
    assert np.array_equal(image, copies[0])
    assert np.array_equal(partner, copies[1])


@given(sizes, lams, seeds)
def test_lambda_is_the_share_that_is_left(canvas, lam, seed):
    effective, window = CutMix().draw(lam, canvas, np.random.default_rng(seed))
    pasted = np.zeros(canvas, bool)
    pasted[window.slices] = True
    assert effective == 1 - pasted.sum() / pasted.size
    assert 0 <= window.x1 <= window.x2 <= canvas[1]
    assert 0 <= window.y1 <= window.y2 <= canvas[0]
    # Either side is rounded by half a pixel at most.
    assert (
        abs(effective - lam) <= 0.5 / canvas[0] + 0.5 / canvas[1] + 0.25 / pasted.size
    )


def test_the_rectangle_lies_anywhere_and_never_outside():
    rng = np.random.default_rng(0)
    drawn = {CutMix().draw(0.75, (4, 6), rng)[1][:2] for _ in range(500)}
    assert drawn == {(x, y) for x in range(4) for y in range(3)}

    class Last:
        def random(self):
            return np.nextafter(1, 0)

    for side in range(1, 2000):
        window = CutMix().draw(0.75, (side, side), Last())[1]
        assert window.x2 == window.y2 == side


@given(seeds, lams)
def test_images_and_tensors_agree(seed, lam):
    rng = np.random.default_rng(seed)
    images, partners = rng.integers(0, 255, (2, 2, 8, 9, 3)).astype(np.float32)
    operator = CutMix()
    lam, window = operator.draw(lam, (8, 9), rng)
    channels_first = (
        torch.from_numpy(x).permute(0, 3, 1, 2) for x in (images, partners)
    )
    mixed = operator.mix_tensors(*channels_first, lam, window).permute(0, 2, 3, 1)
    for i in range(2):
        expected = operator.mix_images(images[i], partners[i], lam, window, 0)
        assert np.array_equal(mixed[i], expected)


def test_blend_is_equation_1_and_draws_nothing():
    operator = TASK_UTILS.build(dict(type='Blend'))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (2, 8, 9, 3), np.uint8)
    assert operator.draw(0.3, (8, 9), None) == (0.3, None)
    mixed = operator.mix_images(*images, 0.3, None, 114)
    assert np.array_equal(mixed, blend(*images, 0.3))
    tensors = torch.rand(2, 2, 3, 4, 5)
    mixed = operator.mix_tensors(*tensors, 0.3, None)
    assert torch.equal(mixed, blend_tensors(*tensors, 0.3))


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan'), '0.5', True, None])
def test_min_visible_is_a_share(value):
    with pytest.raises((TypeError, ValueError), match='`min_visible`'):
        TASK_UTILS.build(dict(type='CutMix', min_visible=value))


def test_images_that_do_not_go_together_are_refused():
    grey, colour = np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)
    window = Window(0, 0, 2, 2, (4, 4))
    with pytest.raises(ValueError, match='Load all images alike'):
        CutMix().mix_images(colour, grey, 0.75, window, 0)


@pytest.fixture
def halves():
    """An operator of a user's own."""

    @TASK_UTILS.register_module()
    class Halves(CutMix):
        def draw(self, lam, canvas, rng):
            height, width = canvas
            window = Window(0, round(lam * height), width, height, canvas)
            return 1 - window.share, window

    yield dict(type='Halves', min_visible=0.5)
    TASK_UTILS.module_dict.pop('Halves')


def test_an_operator_of_ones_own_is_a_class_and_a_config_line(halves):
    transform = TRANSFORMS.build(dict(type='UnionMixTransform', operator=halves))
    augment = MODELS.build(dict(type='BatchNoiseMix', operator=halves))
    assert 'Halves(min_visible=0.5)' in repr(transform)
    assert 'Halves(min_visible=0.5)' in repr(augment)
    white, black = (np.full((10, 6), v, np.uint8) for v in (255, 0))
    transform(dict(img=black, img_shape=(10, 6)))
    mixed = transform(dict(img=white, img_shape=(10, 6)))['img']
    border = int((mixed == 255).sum()) // 6
    assert (mixed[:border] == 255).all()
    assert (mixed[border:] == 0).all()
