"""A blend of light."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS, TASK_UTILS

import studies.parts  # noqa: F401
from mmdet_lossmix.mixing import build_operator
from studies.run_config import build_config
from studies.study import Run

OPERATOR = dict(type='LinearBlend', mean=[127.0] * 3, std=[128.0, 64.0, 32.0])


def naive(own, partner, lam):
    """Pixel by pixel, with the curve as the standard writes it."""

    def decode(value):
        value /= 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    light = lam * decode(float(own)) + (1 - lam) * decode(float(partner))
    if light <= 0.0031308:
        return 255 * 12.92 * light
    return 255 * (1.055 * light ** (1 / 2.4) - 0.055)


def test_half_black_half_white_is_as_bright_as_half_the_light():
    operator = build_operator(OPERATOR)
    white, black = (np.full((2, 2, 3), value, np.uint8) for value in (255, 0))
    mixed = operator.mix_images(white, black, 0.5, None, 0)
    assert (mixed.dtype, mixed[0, 0, 0]) == (np.uint8, 188)  # Blend has 128


@pytest.mark.parametrize('lam', [0.0, 0.05, 0.6, 1.0])
def test_in_the_pipeline_and_on_the_device_alike(lam):
    operator = TASK_UTILS.build(OPERATOR)
    rng = np.random.default_rng(0)
    own, partner = (rng.integers(0, 256, (5, 6, 3), dtype=np.uint8) for _ in 'ab')
    expected = np.vectorize(naive)(own, partner, lam)
    mixed = operator.mix_images(own, partner, lam, None, 0)
    np.testing.assert_allclose(mixed, expected, atol=0.51)

    mean, std = (np.array(OPERATOR[key]) for key in ('mean', 'std'))
    batches = [torch.from_numpy(((x - mean) / std).transpose(2, 0, 1)[None]).float()
               for x in (own, partner)]  # fmt: skip
    out = torch.empty_like(batches[0])
    assert operator.mix_tensors(*batches, lam, None, out) is out
    again = out[0].numpy().transpose(1, 2, 0) * std + mean
    np.testing.assert_allclose(again, expected, atol=0.02)


def test_a_smaller_partner_is_padded():
    operator = TASK_UTILS.build(OPERATOR)
    own, partner = np.full((4, 6, 3), 90, np.uint8), np.full((6, 4, 3), 90, np.uint8)
    mixed = operator.mix_images(own, partner, 0.3, None, 90)
    assert (mixed == 90).all()
    assert mixed.shape == (6, 6, 3)


def test_setting_takes_the_mean_of_the_config():
    settings = {'strategy': 'lossmix', 'operator': 'linear', 'seed': 0}
    cfg = build_config(Run({}, 'configs/studies/fcos_photos.py', settings, {}), {})
    assert 'studies.parts' in cfg.custom_imports['imports']
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    (augment,) = preprocessor.batch_augments
    assert repr(augment.operator) == (
        'LinearBlend(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0])'
    )
