"""StrongAugment: colours against formulas, and rectangles of noise."""

import numpy as np
import pytest

from mmdet_lossmix.uda import StrongAugment
from mmdet_lossmix.uda.data.strong_augment import erase, jitter, random_box


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
