"""Notices that an image was moved between mixing and packing.

mmdet's geometric transforms know nothing of the partner's boxes and would leave them
where they were. What such a transform cannot help changing is recorded when the image
is mixed and compared when it is packed.
"""

import numpy as np

FRAME_KEY = '_mix_frame'


def record_frame(results: dict) -> None:
    """Remember shape, accumulated homography and own boxes of ``results``."""
    results[FRAME_KEY] = _frame(results)


def check_frame(results: dict) -> None:
    """Compare with what :func:`record_frame` saw.

    Raises:
        ValueError: If the image or the boxes were moved, or boxes filtered, since.
    """
    before, now = results[FRAME_KEY], _frame(results)
    changed = [k for k in before if not np.array_equal(before[k], now[k])]
    if changed:
        raise ValueError(
            'Put Resize, RandomFlip, RandomCrop, FilterAnnotations and their like '
            'before LossMixTransform: between it and PackLossMixInputs something has '
            f"changed {' and '.join(changed)}, so the partner's boxes would be wrong."
        )


def _frame(results: dict) -> dict:
    boxes = results.get('gt_bboxes', np.zeros((0, 4)))
    homography = results.get('homography_matrix')
    return {
        'image shape': results['img'].shape[:2],
        'homography': np.eye(3) if homography is None else np.array(homography),
        'boxes': np.array(boxes.numpy() if hasattr(boxes, 'numpy') else boxes),
    }
