"""What is seen of objects, against painting their pixels one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.structures.mask import BitmapMasks, PolygonMasks

from mmdet_lossmix.mixing import Window
from mmdet_lossmix.mixing.annotations import Annotations, join
from mmdet_lossmix.mixing.visibility import hide, join_maps, visible_objects

CANVAS = (12, 14)
shares = st.sampled_from([0.0, 0.25, 0.31830988, 0.5, 1.0])


@st.composite
def rectangles(draw, canvas=CANVAS, least=0):
    """(x1, y1, x2, y2) of whole pixels, at least ``least`` wide and high."""
    y1, x1 = (draw(st.integers(0, side - least)) for side in canvas)
    y2, x2 = (draw(st.integers(s + least, c)) for s, c in zip((y1, x1), canvas))
    return x1, y1, x2, y2


windows = rectangles().map(lambda corners: Window(*corners, CANVAS))
box_lists = st.lists(rectangles(least=1), max_size=5)


def paint(corners):
    pixels = np.zeros(CANVAS, bool)
    x1, y1, x2, y2 = corners
    pixels[y1:y2, x1:x2] = True
    return pixels


def tight(pixels):
    rows, columns = np.nonzero(pixels)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def seen_pixels(window, inside):
    return paint(window[:4]) if inside else ~paint(window[:4])


@given(box_lists, windows, st.booleans(), shares)
def test_boxes_enclose_the_pixels_that_are_seen(boxes, window, inside, least):
    tensor = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    shown, masks, keep = visible_objects(tensor, None, window, inside, least)
    expected = []
    for box in boxes:
        pixels = paint(box) & seen_pixels(window, inside)
        share = pixels.sum() / paint(box).sum()
        expected.append(tight(pixels) if share > 0 and share >= least else None)
    assert masks is None
    assert keep.tolist() == [box is not None for box in expected]
    assert shown[keep].tolist() == [box for box in expected if box is not None]
    assert torch.equal(tensor, torch.tensor(boxes).reshape(-1, 4))


@given(box_lists, windows, st.booleans(), shares, st.integers(0, 99))
def test_boxes_enclose_what_is_seen_of_masks(boxes, window, inside, least, seed):
    rng = np.random.default_rng(seed)
    noise = rng.random((len(boxes), *CANVAS)) < 0.3
    painted = np.array([paint(b) for b in boxes], bool)
    pixels = painted.reshape(noise.shape) & noise
    masks = BitmapMasks(pixels.astype(np.uint8), *CANVAS)
    before = masks.masks.copy()
    tensor = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    shown, cut, keep = visible_objects(tensor, masks, window, inside, least)
    for i, box in enumerate(boxes):
        left = pixels[i] & seen_pixels(window, inside)
        if not pixels[i].any():
            continue  # goes by its box
        share = left.sum() / pixels[i].sum()
        assert keep[i] == (share > 0 and share >= least)
        if keep[i]:
            rest = paint(box) & seen_pixels(window, inside) if share == 1 else left
            assert shown[i].tolist() == tight(rest)
            assert np.array_equal(cut.masks[i], left)
    assert np.array_equal(masks.masks, before)


def test_a_mask_that_is_empty_from_the_outset_goes_by_its_box():
    masks = BitmapMasks(np.zeros((2, *CANVAS), np.uint8), *CANVAS)
    boxes = torch.tensor([[0, 0, 4, 4], [6, 6, 10, 10.0]])
    window = Window(0, 0, 14, 2, CANVAS)
    shown, _, keep = visible_objects(boxes, masks, window, False, 0.5)
    assert keep.tolist() == [True, True]
    assert shown.tolist() == [[0, 2, 4, 4], [6, 6, 10, 10]]


def test_degenerate_boxes_are_dropped():
    boxes = torch.tensor([[3, 3, 3, 9], [2, 5, 8, 5.0]])
    for inside in (True, False):
        window = Window(0, 0, 6, 6, CANVAS)
        assert not visible_objects(boxes, None, window, inside, 0.0)[2].any()


def test_polygons_become_bitmaps_only_if_they_are_cut():
    polygon = np.array([1, 1, 9, 1, 9, 9, 1, 9.0])
    masks = PolygonMasks([[polygon]], *CANVAS)
    boxes = torch.tensor([[1, 1, 9, 9.0]])
    for window in (Window(3, 3, 3, 3, CANVAS), Window(0, 0, 14, 12, CANVAS)):
        for inside in (True, False):
            shown, same, keep = visible_objects(boxes, masks, window, inside, 0.5)
            assert same is masks
            assert shown is boxes
            assert keep.tolist() == [inside == (window.share == 1)]
    window = Window(0, 0, 14, 4, CANVAS)
    shown, cut, keep = visible_objects(boxes, masks, window, False, 0.5)
    assert isinstance(cut, BitmapMasks)
    assert shown[keep].tolist() == [tight(cut.masks[0])]
    assert cut.masks[0, :4].sum() == 0 < cut.masks[0, 4:].sum()


@pytest.mark.parametrize('kind', [np.asarray, torch.tensor])
@given(windows, st.booleans())
def test_hide(kind, window, inside):
    array = kind(np.arange(2 * 12 * 14).reshape(2, *CANVAS))
    seen = np.asarray(hide(array, window, inside, -1))
    mask = seen_pixels(window, inside)
    assert np.array_equal(seen[:, mask], np.asarray(array)[:, mask])
    assert (seen[:, ~mask] == -1).all()
    assert np.asarray(array).min() == 0


@pytest.mark.parametrize('kind', [np.asarray, torch.tensor])
@given(windows)
def test_maps_that_do_not_overlap_are_joined(kind, window):
    own, partner = (kind(np.full((1, *CANVAS), v, np.uint8)) for v in (3, 4))
    halves = hide(own, window, False, 255), hide(partner, window, True, 255)
    joined = np.asarray(join_maps(*halves))[0]
    assert np.array_equal(joined, np.where(paint(window[:4]), 4, 3))
    with pytest.raises(ValueError, match=r'LossMix or Noise.*CutMix.*gt_seg_map'):
        join_maps(own, partner)


def test_the_map_of_one_image_alone_stays():
    seg_map = np.zeros(CANVAS, np.uint8)
    labelled, other = Annotations({}, seg_map), Annotations({})
    assert join(labelled, other).seg_map is seg_map
    assert join(other, labelled).seg_map is seg_map
