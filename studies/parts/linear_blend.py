"""A blend of light, where the stored values of images are not proportional to it."""

from typing import Sequence

import numpy as np
import torch
from mmdet.registry import TASK_UTILS
from torch import Tensor

from mmdet_lossmix.mixing.canvas import canvas_shape, pad_to
from mmdet_lossmix.mixing.operators import MixOperator


def to_light(stored: Tensor) -> Tensor:
    """From sRGB's values in [0, 1] to light (IEC 61966-2-1)."""
    return torch.where(
        stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4
    )


def to_stored(light: Tensor) -> Tensor:
    """From light in [0, 1] to sRGB's values."""
    curve = 1.055 * light.clamp(min=1e-9) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, 12.92 * light, curve)


def blend_light(image: Tensor, partner: Tensor, lam: float) -> Tensor:
    """Blend two images of values from 0 to 255."""
    own, other = (to_light((x / 255).clamp(0, 1)) for x in (image, partner))
    return 255 * to_stored(lam * own + (1 - lam) * other)


@TASK_UTILS.register_module()
class LinearBlend(MixOperator):
    """``Blend``, in linear colour: what a double exposure would show.

    Images are sRGB of 8 bit. ``Blend`` takes the mean of their stored values, which
    makes bright on dark fainter than the light of both would be.

    Args:
        mean (Sequence[float]): Of the data preprocessor, whose batches are mixed on the
            device. Not looked at in the pipeline.
        std (Sequence[float]): Likewise.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean, self.std = (torch.tensor(x).view(-1, 1, 1) for x in (mean, std))

    def mix_images(self, image, partner, lam, window, pad_val):
        """Blend images as loaded."""
        canvas = canvas_shape(image.shape, partner.shape)
        padded = (pad_to(x, canvas, pad_val) for x in (image, partner))
        both = (torch.from_numpy(np.asarray(x, dtype=np.float32)) for x in padded)
        return blend_light(*both, lam).round().numpy().astype(image.dtype)

    def mix_tensors(self, images, partners, lam, window, out=None):
        """Blend batches, which are normalised."""
        mean, std = self.mean.to(images), self.std.to(images)
        raw = (x * std + mean for x in (images, partners))
        mixed = (blend_light(*raw, lam) - mean) / std
        return mixed if out is None else out.copy_(mixed)

    def __repr__(self) -> str:
        mean, std = (x.flatten().tolist() for x in (self.mean, self.std))
        return f'LinearBlend(mean={mean}, std={std})'
