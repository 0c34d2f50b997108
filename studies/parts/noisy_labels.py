"""Label noise for studies: what is wrong with an image's labels stays wrong."""

from typing import List, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

from .image_rng import image_rng

KINDS = ('wrong_class', 'jittered_box', 'missing_box', 'spurious_box')
JITTER = 0.3  # of a box's width and height, for its centre and its size
SPURIOUS_SIDE = (0.1, 0.5)  # of the image's


@TRANSFORMS.register_module()
class NoisyLabels(BaseTransform):
    """Spoil a share of the labels of training images.

    Each object is spoiled with probability ``rate``, in one of the ways of ``kinds``,
    all equally likely:

    - ``wrong_class``: another class, all equally likely;
    - ``jittered_box``: moved and resized by up to 30 % of its width and height;
    - ``missing_box``: not there;
    - ``spurious_box``: as it is, and beside it a box anywhere, of any class.

    The draws belong to the image's ``img_id`` and to ``seed``: every epoch, worker and
    run sees the same wrong labels, as if they stood in the annotation file. A higher
    rate spoils what a lower one does, and more, in the same ways.

    Put it right after ``LoadAnnotations``, into training pipelines only.

    Required Keys:

    - img_id
    - img_shape
    - gt_bboxes (HorizontalBoxes)
    - gt_bboxes_labels
    - gt_ignore_flags

    Modified Keys:

    - gt_bboxes
    - gt_bboxes_labels
    - gt_ignore_flags

    Args:
        rate (float): Share of objects to spoil, in [0, 1].
        num_classes (int): Classes of the dataset, at least 2.
        kinds (Sequence[str]): Ways to spoil. Defaults to all four.
        seed (int): Another seed, other objects. Defaults to 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        rate: float,
        num_classes: int,
        kinds: Sequence[str] = KINDS,
        seed: int = 0,
    ) -> None:
        if not 0 <= rate <= 1:
            raise ValueError(f'Set `rate` to a number in [0, 1], not {rate}.')
        if num_classes < 2:
            raise ValueError(
                f'Set `num_classes` to 2 or more, not {num_classes}: with one class '
                'there is no wrong one.'
            )
        if not kinds or not set(kinds) <= set(KINDS):
            raise ValueError(f'Set `kinds` to some of {KINDS}, not {kinds}.')
        self.rate = rate
        self.num_classes = num_classes
        self.kinds = tuple(kinds)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Spoil the labels in ``results``.

        Raises:
            ValueError: If there are annotations that boxes alone do not describe.
        """
        for key in ('gt_masks', 'gt_keypoints'):
            if key in results:
                raise ValueError(
                    'Load boxes only, with `LoadAnnotations(with_bbox=True)`: '
                    f'NoisyLabels cannot spoil `{key}`.'
                )
        rng = image_rng(results['img_id'], self.seed, 'labels')
        height, width = results['img_shape'][:2]
        boxes = results['gt_bboxes'].tensor.numpy().copy()
        labels = results['gt_bboxes_labels'].copy()
        keep = np.ones(len(boxes), dtype=bool)
        extra: List[np.ndarray] = []
        extra_labels: List[int] = []
        for i in range(len(boxes)):
            # Always the same number of draws, so that rates are nested.
            chance, numbers = rng.random(), rng.random(6)
            if chance >= self.rate:
                continue
            kind = self.kinds[int(numbers[0] * len(self.kinds))]
            if kind == 'wrong_class':
                shift = 1 + int(numbers[1] * (self.num_classes - 1))
                labels[i] = (labels[i] + shift) % self.num_classes
            elif kind == 'jittered_box':
                boxes[i] = jitter(boxes[i], numbers[1:5], height, width)
            elif kind == 'missing_box':
                keep[i] = False
            else:
                extra.append(anywhere(numbers[1:5], height, width))
                extra_labels.append(int(numbers[5] * self.num_classes))
        added = np.array(extra, dtype=boxes.dtype).reshape(-1, 4)
        flags = results['gt_ignore_flags'][keep]
        results['gt_bboxes'] = HorizontalBoxes(
            torch.from_numpy(np.concatenate([boxes[keep], added]))
        )
        results['gt_bboxes_labels'] = np.concatenate(
            [labels[keep], np.array(extra_labels, dtype=labels.dtype)]
        )
        results['gt_ignore_flags'] = np.concatenate(
            [flags, np.zeros(len(added), dtype=flags.dtype)]
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(rate={self.rate}, num_classes={self.num_classes}, '
            f'kinds={self.kinds}, seed={self.seed})'
        )


def jitter(box: np.ndarray, numbers: np.ndarray, height: int, width: int) -> np.ndarray:
    """Move and resize a box (x1, y1, x2, y2) by four numbers in [0, 1).

    Cut at the image's border; as it was if nothing would be left of it.
    """
    size = box[2:] - box[:2]
    offset, scale = (2 * numbers.reshape(2, 2) - 1) * JITTER
    centre, half = (box[:2] + box[2:]) / 2 + offset * size, size * (1 + scale) / 2
    limits = [width, height, width, height]
    moved = np.clip(np.concatenate([centre - half, centre + half]), 0, limits)
    return moved if (moved[2:] - moved[:2] > 1).all() else box


def anywhere(numbers: np.ndarray, height: int, width: int) -> np.ndarray:
    """A box (x1, y1, x2, y2) inside of the image, by four numbers in [0, 1)."""
    low, high = SPURIOUS_SIDE
    frame = np.array([width, height])
    size = frame * (low + numbers[:2] * (high - low))
    corner = numbers[2:] * (frame - size)
    return np.concatenate([corner, corner + size])
