"""StrongAugment: colours against formulas, and rectangles of noise."""

import cv2
import numpy as np
import pytest
from mmdet.structures.bbox import HorizontalBoxes

from mmdet_lossmix.uda import StrongAugment
from mmdet_lossmix.uda.data.strong_augment import (
    erase,
    erased_share,
    jitter,
    random_box,
)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_jitter_by_nothing_is_nothing(image):
    result = jitter(image, 1, 1, 1, 0)
    # Hue has 180 steps in 8 bits, which costs a few levels.
    assert np.abs(result.astype(int) - image).max() <= 6


def test_jitter_is_what_it_says():
    gray = np.full((4, 4, 3), 100, np.uint8)
    assert (jitter(gray, 1.4, 1, 1, 0) == 140).all()
    gray[:2] = 200  # the mean is 150
    result = jitter(gray, 1, 0.6, 1, 0)
    assert (result[:2] == 180).all()
    assert (result[2:] == 120).all()
    result = jitter(gray, 1, 1.4, 1, 0)
    assert (result[:2] == 220).all()
    assert (result[2:] == 80).all()
    black = np.array([[[0, 0, 0], [200, 200, 200]]], np.uint8)
    assert (jitter(black, 1, 1.4, 1, 0)[0, 0] == 0).all()  # clipped, not mirrored
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 2] = 200
    assert (jitter(red, 1, 1, 0, 0) == jitter(red, 1, 1, 0, 0)[..., :1]).all()
    green = jitter(red, 1, 1, 1, 1 / 3)
    assert (green[..., 1] >= 198).all()
    assert (green[..., [0, 2]] <= 2).all()


def test_boxes_lie_in_the_image(image):
    np.random.seed(0)
    for _ in range(200):
        left, top, right, bottom = random_box((40, 60), (0.02, 0.2), 8.0)
        assert 0 <= left <= right <= 60
        assert 0 <= top <= bottom <= 40
    before = image.copy()
    erase(image, (10, 5, 30, 25))
    changed = (image != before).any(axis=2)
    assert changed[5:25, 10:30].mean() > 0.9
    changed[5:25, 10:30] = False
    assert not changed.any()


def test_changes_images_and_nothing_else(image):
    np.random.seed(0)
    boxes = np.array([[0, 0, 10, 10]])
    before = image.copy()
    kinds = set()
    for _ in range(20):
        results = StrongAugment()(dict(img=image, gt_bboxes=boxes, flip=False))
        assert (image == before).all()
        assert results['img'].shape == image.shape
        assert results['img'].dtype == np.uint8
        assert set(results) == {'img', 'gt_bboxes', 'flip'}
        kinds.add(results['img'].tobytes())
    assert len(kinds) >= 15
    same = StrongAugment(prob=0)(dict(img=image))['img']
    assert same is image


def test_bad_input_is_refused(image):
    with pytest.raises(ValueError, match='prob'):
        StrongAugment(prob=1.5)
    np.random.seed(0)
    with pytest.raises(TypeError, match='uint8'):
        StrongAugment()(dict(img=image.astype(np.float32)))


def test_blur_is_in_proportion_to_the_image(monkeypatch):
    sigmas = []
    monkeypatch.setattr(cv2, 'GaussianBlur', lambda x, _, s: sigmas.append(s) or x)
    for side, options in ((60, {}), (60, dict(blur_side=600)), (600, {})):
        np.random.seed(0)
        step = StrongAugment(erase=False, **options)
        image = np.zeros((side, 2 * side, 3), np.uint8)
        for _ in range(20):
            step.transform(dict(img=image))
    same, scaled, published = np.array(sigmas).reshape(3, -1)
    assert 0.1 < same.min() < same.max() < 2
    np.testing.assert_allclose(scaled, same / 10)
    np.testing.assert_allclose(published, same)


def test_share_of_boxes_that_is_erased():
    boxes = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [20, 20, 30, 30], [3, 3, 3, 9.0]])
    erased = [(0, 0, 10, 5), (0, 3, 10, 10)]  # they overlap
    share = erased_share(boxes, erased, (40, 40, 3))
    np.testing.assert_allclose(share, [1, 0.25, 0, 0])


def test_objects_that_are_erased_are_ignored():
    """The same random numbers are drawn, and objects are the same but for the flag."""
    boxes = HorizontalBoxes([[2, 2, 10, 10], [12, 2, 38, 38], [40, 30, 58, 38]])
    found = []
    for max_erased in (None, 0.5):
        np.random.seed(1)
        step = StrongAugment(max_erased=max_erased)
        for _ in range(60):
            image = np.zeros((40, 60, 3), np.uint8)
            flags = np.array([False, False, True])
            given = dict(img=image, gt_bboxes=boxes, gt_ignore_flags=flags)
            found.append(step.transform(given))
            assert flags.tolist() == [False, False, True]
            assert found[-1]['gt_ignore_flags'][2]
    before, after = found[:60], found[60:]
    assert all((a['img'] == b['img']).all() for a, b in zip(before, after))
    assert not any(a['gt_ignore_flags'][:2].any() for a in before)
    hidden = [a['gt_ignore_flags'][:2] for a in after]
    assert 0 < np.mean(hidden) < 0.5
    # What is erased is noise; of an object that is not ignored, half is black at least.
    for flags, one in zip(hidden, after):
        shown = one['img'][2:10, 2:10].max(axis=2) == 0
        assert flags[0] == (shown.mean() < 0.5)


@pytest.mark.parametrize('option', [dict(blur_side=0), dict(max_erased=1)])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        StrongAugment(**option)
    assert 'max_erased=0.5' in repr(StrongAugment(max_erased=0.5))
