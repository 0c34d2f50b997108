"""Undoing the data preprocessor gives the very pixels that were loaded."""

import numpy as np
import pytest
import torch
from mmdet.models import DetDataPreprocessor
from mmdet.structures import DetDataSample

from mmdet_lossmix.visualization import to_rgb_images

IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
CAFFE = dict(mean=[103.53, 116.28, 123.675], std=[1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    'settings',
    [{**IMAGENET, 'bgr_to_rgb': True}, {**CAFFE, 'bgr_to_rgb': False}, {}],
    ids=['torchvision', 'caffe', 'plain'],
)
def test_gives_back_the_loaded_pixels_as_rgb(settings):
    rng = np.random.default_rng(0)
    loaded = [
        rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((40, 50), (64, 33))
    ]
    samples = [
        DetDataSample(metainfo={'img_shape': image.shape[:2]}) for image in loaded
    ]
    preprocessor = DetDataPreprocessor(pad_size_divisor=32, **settings)
    data = preprocessor(
        {
            'inputs': [torch.from_numpy(image).permute(2, 0, 1) for image in loaded],
            'data_samples': samples,
        },
        training=True,
    )
    images = to_rgb_images(data['inputs'], data['data_samples'], preprocessor)
    for image, bgr in zip(images, loaded):
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, bgr[..., ::-1])
