"""Corrupted test images."""

import numpy as np
import pytest

from studies.parts import CorruptTestImage

pytest.importorskip(
    'imagecorruptions', reason='needs `pip install imagecorruptions-imaug`'
)


def corrupt(name, image='000001', severity=3):
    img = np.random.default_rng(0).integers(60, 200, (64, 96, 3), dtype=np.uint8)
    results = dict(img=img.copy(), img_id=image)
    return CorruptTestImage(name, severity)(results)['img'], img


@pytest.mark.parametrize(
    'name', ['gaussian_blur', 'gaussian_noise', 'contrast', 'jpeg_compression', 'fog']
)
def test_the_same_for_every_model(name):
    np.random.seed(5)
    first, image = corrupt(name)
    expected = np.random.RandomState(5).random()
    assert np.random.random() == expected  # the worker's random state is untouched
    second, _ = corrupt(name)
    assert np.array_equal(first, second)
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert not np.array_equal(first, image)


def test_noise_belongs_to_the_image():
    first, _ = corrupt('gaussian_noise')
    second, _ = corrupt('gaussian_noise', image='000002')
    assert not np.array_equal(first, second)


def test_unknown():
    with pytest.raises(ValueError, match=r"one of gaussian_noise, .* not 'rain'"):
        CorruptTestImage('rain')
