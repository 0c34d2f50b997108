"""Properties of the pipeline transforms, for every operator and strategy."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.registry import init_default_scope

from tests.helpers.marks import needs_uint16

OPERATORS = [dict(type='Blend'), dict(type='CutMix', min_visible=0.3)]
STRATEGIES = ['LossMixTransform', 'UnionMixTransform', 'NoiseMixTransform']
KEYS = ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags')
each_operator = pytest.mark.parametrize('operator', OPERATORS, ids=lambda o: o['type'])
each_strategy = pytest.mark.parametrize('strategy', STRATEGIES)
lams, seeds = st.floats(0, 1), st.integers(0, 99)


@st.composite
def samples(draw, name):
    """What LoadAnnotations leaves of an image, now and then with a degenerate box."""
    shape = draw(st.integers(4, 20)), draw(st.integers(4, 20))
    boxes = [
        sorted((draw(st.integers(0, side)), draw(st.integers(0, side))))
        for _ in range(draw(st.integers(0, 4)))
        for side in shape[::-1]
    ]
    xyxy = np.array(boxes, np.float32).reshape(-1, 2, 2).transpose(0, 2, 1)
    count = len(xyxy)
    rng = np.random.default_rng(draw(seeds))
    return dict(
        img=rng.integers(0, 255, (*shape, 3), np.uint8),
        img_path=f'{name}.jpg',
        img_shape=shape,
        gt_bboxes=HorizontalBoxes(xyxy.reshape(-1, 4)),
        gt_bboxes_labels=np.arange(count) + 100 * name,
        gt_ignore_flags=np.arange(count) % 2 == name % 2,
    )


pairs = st.tuples(samples(1), samples(2))


def mix(strategy, operator, pair, lam, seed=0, **kwargs):
    """Mix a partner into an image with a given lambda; the window beside it."""
    transform = TRANSFORMS.build(dict(type=strategy, operator=operator, **kwargs))
    draw, drawn = transform.operator.draw, []
    transform._draw_lambda = lambda: lam
    transform.operator.draw = lambda *args: drawn.append(draw(*args)) or drawn[0]
    image, partner = copy.deepcopy(pair)
    np.random.seed(seed)
    return transform(dict(image, mix_results=[partner])), drawn[0]


def objects(target):
    """One tuple for each object of a target."""
    values = [np.asarray(target['gt_bboxes'].tensor)] + [target[k] for k in KEYS[1:]]
    assert len({len(v) for v in values}) == 1
    return [(*b.tolist(), int(n), bool(flag)) for b, n, flag in zip(*values)]


def expected_objects(results, window, inside, min_visible):
    """Of what remains, pixel by pixel: boxes of whole pixels painted on the canvas."""
    found = []
    for x1, y1, x2, y2, label, ignored in objects(results):
        if window is None:
            if x2 > x1 and y2 > y1:
                found.append((x1, y1, x2, y2, label, ignored))
            continue
        pixels, seen = (np.zeros(window.canvas, bool) for _ in range(2))
        pixels[int(y1) : int(y2), int(x1) : int(x2)] = True
        seen[window.slices] = True
        left = pixels & (seen if inside else ~seen)
        if left.any() and left.sum() / pixels.sum() >= min_visible:
            rows, columns = np.nonzero(left)
            corners = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            found.append((*map(float, corners), label, ignored))
    return found


@each_operator
@given(pair=pairs, lam=lams, seed=seeds)
def test_objects_are_those_that_are_seen(operator, pair, lam, seed):
    mixed, (effective, window) = mix('LossMixTransform', operator, pair, lam, seed)
    least = operator.get('min_visible')
    own, partner = objects(mixed), objects(mixed['partner'])
    assert own == expected_objects(pair[0], window, False, least)
    assert partner == expected_objects(pair[1], window, True, least)
    assert mixed['mix_lambda'] == effective
    height, width = mixed['img_shape']
    for x1, y1, x2, y2, *_ in own + partner:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
    union = mix('UnionMixTransform', operator, pair, lam, seed)[0]
    assert objects(union) == own + partner
    noise = mix('NoiseMixTransform', operator, pair, lam, seed)[0]
    assert objects(noise) == (own if effective >= 0.5 else partner)
    for other in (union, noise):
        assert 'partner' not in other
        assert np.array_equal(other['img'], mixed['img'])


@each_operator
@each_strategy
@given(pair=pairs, seed=seeds)
def test_lambda_1_leaves_image_and_targets(strategy, operator, pair, seed):
    mixed, (effective, window) = mix(strategy, operator, pair, 1.0, seed)
    height, width = pair[0]['img_shape']
    assert effective == 1
    assert np.array_equal(mixed['img'][:height, :width], pair[0]['img'])
    own = expected_objects(pair[0], None, False, 0)
    assert objects(mixed)[: len(own)] == own
    if strategy != 'UnionMixTransform' or window is not None:
        assert objects(mixed) == own


@each_operator
@given(pair=pairs, seed=seeds)
def test_lambda_0_gives_the_partner(operator, pair, seed):
    mixed, (effective, _) = mix('NoiseMixTransform', operator, pair, 0.0, seed)
    height, width = pair[1]['img_shape']
    assert effective == 0
    assert np.array_equal(mixed['img'][:height, :width], pair[1]['img'])
    assert objects(mixed) == expected_objects(pair[1], None, True, 0)


@given(pair=pairs, lam=lams)
def test_swapping_images_and_lambda_swaps_the_targets_of_a_blend(pair, lam):
    one, _ = mix('LossMixTransform', OPERATORS[0], pair, lam)
    other, _ = mix('LossMixTransform', OPERATORS[0], pair[::-1], 1 - lam)
    assert np.array_equal(one['img'], other['img'])
    assert objects(one) == objects(other['partner'])
    assert objects(one['partner']) == objects(other)


def sample(name, shape=(12, 16), dtype=np.uint8, channels=(), scale=1, **extra):
    rng = np.random.default_rng(name)
    boxes = np.array([[1, 1, 9, 9], [4, 1, 12, 9]], np.float32)
    return dict(
        img=(rng.integers(0, 255, (*shape, *channels)) * scale).astype(dtype),
        img_path=f'{name}.jpg',
        img_id=name,
        img_shape=shape,
        ori_shape=shape,
        gt_bboxes=HorizontalBoxes(boxes),
        gt_bboxes_labels=np.arange(2) + 100 * name,
        gt_ignore_flags=np.array([False, True]),
        **extra,
    )


@pytest.mark.parametrize(
    ('dtype', 'scale'),
    [
        (np.uint8, 1),
        pytest.param(np.uint16, 257, marks=needs_uint16),
        (np.int16, 100),
    ],
)
@pytest.mark.parametrize('channels', [(), (1,), (3,)])
@each_operator
@each_strategy
def test_grey_and_16_bit_images_are_mixed_and_packed(
    strategy, operator, channels, dtype, scale
):
    init_default_scope('mmdet')
    shapes = (12, 16), (20, 14)
    pair = [sample(i, s, dtype, channels, scale) for i, s in enumerate(shapes)]
    mixed, (lam, window) = mix(strategy, operator, pair, 0.6, pad_val=7)
    assert mixed['img'].dtype == dtype
    canvas = mixed['img_shape']
    assert mixed['img'].shape == canvas + channels == (20, 16, *channels)
    full = np.full((2, *canvas, *channels), 7.0)
    for padded, one in zip(full, pair):
        padded[: one['img'].shape[0], : one['img'].shape[1]] = one['img']
    if window is None:
        expected = lam * full[0] + (1 - lam) * full[1]
    else:
        expected = full[0]
        expected[window.slices] = full[1][window.slices]
    assert np.abs(mixed['img'] - expected).max() <= 0.501
    packed = TRANSFORMS.build(dict(type='PackLossMixInputs'))(mixed)
    assert packed['inputs'].shape == (channels or (1,)) + canvas
    assert torch.equal(
        packed['inputs'].double().reshape(mixed['img'].T.shape),
        torch.from_numpy(mixed['img'].astype(float))
        .permute(*([2, 0, 1] if channels else [0, 1]))
        .reshape(mixed['img'].T.shape),
    )


@each_operator
def test_images_of_different_kinds_are_refused(operator):
    for other in (sample(2, dtype=np.uint16), sample(2, channels=(3,))):
        with pytest.raises(ValueError, match='Load all images alike'):
            mix('LossMixTransform', operator, (sample(1), other), 0.5)
    pair = sample(1, dtype=np.float16), sample(2, dtype=np.float16)
    if operator['type'] == 'Blend':
        with pytest.raises(ValueError, match='got float16'):
            mix('LossMixTransform', operator, pair, 0.5)


def bitmaps_of(masks):
    # LoadAnnotations gives uint8; `to_bitmap` gives bool, which mmdet cannot pad.
    return BitmapMasks(masks.to_ndarray().astype(np.uint8), masks.height, masks.width)


@pytest.mark.parametrize('lam', [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize('kind', ['bitmap', 'polygon'])
@each_strategy
def test_cutmix_of_masks_and_maps(strategy, kind, lam):
    def with_masks(name, shape):
        polygons = [[np.array([x, 1, x + 8, 1, x, 9.0])] for x in (1, 4)]
        masks = PolygonMasks(polygons, *shape)
        return sample(
            name,
            shape,
            gt_masks=masks if kind == 'polygon' else bitmaps_of(masks),
            gt_seg_map=np.full(shape, name, np.uint8),
        )

    pair = with_masks(1, (12, 16)), with_masks(2, (16, 12))
    mixed, (effective, window) = mix(strategy, OPERATORS[1], pair, lam)
    in_window = np.zeros((16, 16), bool)
    in_window[window.slices] = True
    targets = [(mixed, {1: ~in_window, 2: in_window})]
    if strategy == 'LossMixTransform':
        targets = [(mixed, {1: ~in_window}), (mixed['partner'], {2: in_window})]
    elif strategy == 'NoiseMixTransform':
        image = 1 if effective >= 0.5 else 2
        targets = [(mixed, {image: {1: ~in_window, 2: in_window}[image]})]
    for target, seen_of in targets:
        expected = np.full((16, 16), 255)
        for name, shape in ((1, (12, 16)), (2, (16, 12))):
            if name in seen_of:
                reached = seen_of[name].copy()
                reached[shape[0] :], reached[:, shape[1] :] = False, False
                expected[reached] = name
        assert np.array_equal(target['gt_seg_map'], expected)
        masks = target['gt_masks']
        assert isinstance(masks, BitmapMasks) or (kind == 'polygon' and lam in (0, 1))
        bitmaps = masks.to_ndarray() > 0
        for bitmap, (*box, label, _) in zip(bitmaps, objects(target)):
            assert not (bitmap & ~seen_of[label // 100]).any()
            rows, columns = np.nonzero(bitmap)
            x1, y1, x2, y2 = box
            assert x1 <= columns.min() < columns.max() + 1 <= x2 + 1
            assert y1 <= rows.min() < rows.max() + 1 <= y2 + 1
        assert len(bitmaps) == len(objects(target))
        masks.pad((32, 32))  # as the preprocessor does


def test_boxes_as_arrays_and_without_any():
    first, second = sample(1), sample(2)
    for one in (first, second):
        one['gt_bboxes'] = one['gt_bboxes'].numpy()
    mixed, _ = mix('UnionMixTransform', OPERATORS[1], (first, second), 0.6)
    assert isinstance(mixed['gt_bboxes'], np.ndarray)
    assert len(mixed['gt_bboxes']) == len(mixed['gt_bboxes_labels'])
    image_only = [
        {k: v for k, v in one.items() if 'gt' not in k} for one in (first, second)
    ]
    mix('UnionMixTransform', OPERATORS[1], image_only, 0.6)
    for one in (first, second):
        del one['gt_bboxes']
    with pytest.raises(ValueError, match=r'with_bbox=True.*but have NoneType'):
        mix('UnionMixTransform', OPERATORS[1], (first, second), 0.6)
