"""Strong augmentation of colours, for the view of a student."""

from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import get_box_tensor

from mmdet_lossmix.arguments import check_number

# Probability, smallest and largest share of the image's area, aspect ratios from 1 / r
# to r. The published setting of Adaptive Teacher and of Unbiased Teacher before it.
ERASINGS = ((0.7, 0.05, 0.2, 3.3), (0.5, 0.02, 0.2, 6.0), (0.3, 0.02, 0.2, 8.0))


@TRANSFORMS.register_module()
class StrongAugment(BaseTransform):
    """Colour jitter, grayscale, blur and random erasing; boxes stay where they are.

    In the order of: jitter of brightness, contrast, saturation and hue by up to 0.4,
    0.4, 0.4 and 0.1 (probability 0.8), grayscale (0.2), Gaussian blur with sigma 0.1
    to 2 pixels (0.5), and up to three rectangles of noise (0.7, 0.5 and 0.3).

    Required keys: ``img`` (uint8, BGR). Modified keys: ``img``, and with
    ``max_erased`` ``gt_ignore_flags``.

    Args:
        prob (float): Probability of doing any of it, in [0, 1]. Defaults to 1.0.
        erase (bool): Whether to erase rectangles. Defaults to True.
        blur_side (float, optional): The shorter side, in pixels, of images that the
            blur is meant for (published: 600); others are blurred in proportion.
            Defaults to None, the same sigma for all.
        max_erased (float, optional): Objects of which a larger share is erased, in
            [0, 1), are ignored from then on. Defaults to None, no object.

    Raises:
        TypeError, ValueError: If a number is none, or out of its range.
    """

    def __init__(
        self,
        prob: float = 1.0,
        erase: bool = True,
        blur_side: Optional[float] = None,
        max_erased: Optional[float] = None,
    ) -> None:
        check_number('prob', prob, '[0, 1]')
        if blur_side is not None:
            check_number('blur_side', blur_side, '(0, inf)')
        if max_erased is not None:
            check_number('max_erased', max_erased, '[0, 1)')
        self.prob, self.erase = prob, erase
        self.blur_side, self.max_erased = blur_side, max_erased

    def transform(self, results: dict) -> Optional[dict]:
        """Augment ``img``; raises a ``TypeError`` if it is not of 8 bits."""
        if np.random.rand() >= self.prob:
            return results
        image = results['img']
        if image.dtype != np.uint8:
            raise TypeError(
                f'Expected an image of uint8 for StrongAugment but got {image.dtype}; '
                'load it without `to_float32`.'
            )
        if np.random.rand() < 0.8:
            brightness, contrast, saturation = np.random.uniform(0.6, 1.4, 3)
            hue = np.random.uniform(-0.1, 0.1)
            image = jitter(image, brightness, contrast, saturation, hue)
        if np.random.rand() < 0.2:
            gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            image = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
        if np.random.rand() < 0.5:
            scale = min(image.shape[:2]) / self.blur_side if self.blur_side else 1.0
            sigma = scale * np.random.uniform(0.1, 2.0)
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        if self.erase:
            image, boxes = image.copy(), []
            for prob, low, high, ratio in ERASINGS:
                if np.random.rand() < prob:
                    boxes.append(random_box(image.shape[:2], (low, high), ratio))
                    erase(image, boxes[-1])
            if self.max_erased is not None and 'gt_bboxes' in results:
                objects = np.asarray(get_box_tensor(results['gt_bboxes']))
                hidden = erased_share(objects, boxes, image.shape) > self.max_erased
                results['gt_ignore_flags'] = results['gt_ignore_flags'] | hidden
        results['img'] = image
        return results

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'


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


def erased_share(
    boxes: np.ndarray, erased: Sequence[Sequence[int]], shape: Sequence[int]
) -> np.ndarray:
    """The share of boxes, shape (n, 4), that rectangles hide, shape (n,)."""
    hidden = np.zeros(shape[:2], np.uint8)
    for left, top, right, bottom in erased:
        hidden[top:bottom, left:right] = 1
    total = cv2.integral(hidden)
    limits = [shape[1], shape[0]] * 2
    x1, y1, x2, y2 = boxes.round().astype(int).clip(0, limits).T
    inside = total[y2, x2] - total[y1, x2] - total[y2, x1] + total[y1, x1]
    return inside / np.maximum((x2 - x1) * (y2 - y1), 1)
