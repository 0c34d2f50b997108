"""Strong augmentation of colours, for the view of a student."""

from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS

from mmdet_lossmix.arguments import check_number

# Probability, smallest and largest share of the image's area, aspect ratios from 1 / r
# to r. The published setting of Adaptive Teacher and of Unbiased Teacher before it.
ERASINGS = ((0.7, 0.05, 0.2, 3.3), (0.5, 0.02, 0.2, 6.0), (0.3, 0.02, 0.2, 8.0))


@TRANSFORMS.register_module()
class StrongAugment(BaseTransform):
    """Colour jitter, grayscale, blur and random erasing; boxes stay as they are.

    In the order of: jitter of brightness, contrast, saturation and hue by up to 0.4,
    0.4, 0.4 and 0.1 (probability 0.8), grayscale (0.2), Gaussian blur with sigma 0.1
    to 2 pixels (0.5), and up to three rectangles of noise (0.7, 0.5 and 0.3).

    Required keys: ``img`` (uint8, BGR). Modified keys: ``img``.

    Args:
        prob (float): Probability of doing any of it, in [0, 1]. Defaults to 1.0.
        erase (bool): Whether to erase rectangles. Defaults to True.

    Raises:
        TypeError, ValueError: If ``prob`` is no number, or no probability.
    """

    def __init__(self, prob: float = 1.0, erase: bool = True) -> None:
        check_number('prob', prob, '[0, 1]')
        self.prob = prob
        self.erase = erase

    def transform(self, results: dict) -> Optional[dict]:
        """Augment ``img``; raises a ``TypeError`` if it is not of 8 bits."""
        if np.random.rand() >= self.prob:
            return results
        image = results['img']
        if image.dtype != np.uint8:
            raise TypeError(
                'Load images without `to_float32`: StrongAugment takes uint8, not '
                f'{image.dtype}.'
            )
        if np.random.rand() < 0.8:
            brightness, contrast, saturation = np.random.uniform(0.6, 1.4, 3)
            hue = np.random.uniform(-0.1, 0.1)
            image = jitter(image, brightness, contrast, saturation, hue)
        if np.random.rand() < 0.2:
            gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            image = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
        if np.random.rand() < 0.5:
            image = cv2.GaussianBlur(image, (0, 0), np.random.uniform(0.1, 2.0))
        if self.erase:
            image = image.copy()
            for prob, low, high, ratio in ERASINGS:
                if np.random.rand() < prob:
                    erase(image, random_box(image.shape[:2], (low, high), ratio))
        results['img'] = image
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, erase={self.erase})'


def jitter(
    image: np.ndarray, brightness: float, contrast: float, saturation: float, hue: float
) -> np.ndarray:
    """Change the colours of an image (H, W, 3), uint8, BGR, by factors and a shift.

    Contrast is the distance to the mean gray, saturation that to a pixel's gray. Hue
    is shifted, by turns of the colour circle.
    """
    mean = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).mean() * brightness
    levels = (np.arange(256) * brightness - mean) * contrast + mean
    image = cv2.LUT(image, levels.clip(0, 255).astype(np.uint8))
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    shifted = (hsv[..., 0].astype(np.int32) + round(hue * 180)) % 180
    hsv[..., 0] = shifted.astype(np.uint8)
    image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, saturation, gray, 1 - saturation, 0)


def random_box(
    shape: Sequence[int], areas: Tuple[float, float], ratio: float
) -> Tuple[int, int, int, int]:
    """Draw a rectangle (left, top, right, bottom) in an image of ``shape`` (H, W)."""
    height, width = shape
    area = np.random.uniform(*areas) * height * width
    aspect = np.exp(np.random.uniform(-np.log(ratio), np.log(ratio)))
    w = min(round(np.sqrt(area * aspect)), width)
    h = min(round(np.sqrt(area / aspect)), height)
    left, top = np.random.randint(width - w + 1), np.random.randint(height - h + 1)
    return left, top, left + w, top + h


def erase(image: np.ndarray, box: Tuple[int, int, int, int]) -> None:
    """Fill a rectangle with noise, in place."""
    left, top, right, bottom = box
    shape = (bottom - top, right - left, *image.shape[2:])
    image[top:bottom, left:right] = np.random.randint(0, 256, shape, np.uint8)
