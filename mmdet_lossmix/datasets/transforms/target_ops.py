"""What mixing does to the targets in a pipeline's ``results``, as pure functions.

The keys are those of ``LoadAnnotations``; one row of each instance key is one object.
"""

from typing import Any, Dict, Tuple

import numpy as np
import torch
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes

from mmdet_lossmix.mixing.canvas import pad_to
from mmdet_lossmix.mixing.visibility import (
    UNLABELLED,
    Window,
    hide,
    join_maps,
    visible_objects,
)

INSTANCE_KEYS = ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags', 'gt_masks')
TARGET_KEYS = (*INSTANCE_KEYS, 'gt_seg_map')
# They belong to one image alone, and nothing downstream could tell to which.
UNSUPPORTED_KEYS = ('proposals', 'gt_keypoints', 'gt_instances_ids')

Targets = Dict[str, Any]


def targets_of(results: dict) -> Targets:
    """The targets of ``results`` themselves, not copied.

    Raises:
        ValueError: If ``results`` hold annotations that cannot be mixed.
    """
    for key in UNSUPPORTED_KEYS:
        if key in results:
            raise ValueError(
                f'Expected annotations of {", ".join(TARGET_KEYS)} only but got '
                f'`{key}`; it cannot be mixed, remove it from the pipeline.'
            )
    return {key: results[key] for key in TARGET_KEYS if key in results}


def take_targets(results: dict) -> Targets:
    """The targets of ``results``, of which later in-place steps reach no part.

    Raises:
        ValueError: If ``results`` hold annotations that cannot be mixed.
    """
    return {key: _copy(target) for key, target in targets_of(results).items()}


def _copy(target: Any) -> Any:
    if isinstance(target, BaseBoxes):
        return target.clone()
    if isinstance(target, np.ndarray):
        return target.copy()
    return target  # masks: every mmdet operation on them returns new ones


def drop_degenerate(results: dict) -> None:
    """Drop boxes without a width or a height, in place; their loss would be NaN."""
    boxes = results.get('gt_bboxes')
    if boxes is None or len(boxes) == 0:
        return
    if isinstance(boxes, BaseBoxes) and not isinstance(boxes, HorizontalBoxes):
        keep = ((boxes.widths > 0) & (boxes.heights > 0)).numpy()
    else:
        corners = boxes.numpy() if isinstance(boxes, BaseBoxes) else boxes
        keep = (corners[:, 2:] > corners[:, :2]).all(1)
    if not keep.all():
        for key in INSTANCE_KEYS:
            if key in results:
                results[key] = results[key][keep]


def move_to_canvas(targets: Targets, canvas: Tuple[int, int]) -> Targets:
    """Pad dense targets to the canvas (H, W); boxes stay, the corner is shared."""
    moved = dict(targets)
    masks = targets.get('gt_masks')
    if masks is not None and (masks.height, masks.width) != tuple(canvas):
        moved['gt_masks'] = masks.pad(canvas)
    if 'gt_seg_map' in targets:
        moved['gt_seg_map'] = pad_to(targets['gt_seg_map'], canvas, UNLABELLED)
    return moved


def visible_targets(
    targets: Targets, window: Window, inside: bool, min_visible: float
) -> Targets:
    """What is seen of targets; the arguments are those of ``visible_objects``.

    Objects that are seen too little are dropped, with all that belongs to them.

    Raises:
        ValueError: If objects have no boxes, or boxes that are not horizontal.
    """
    seen = dict(targets)
    keys = [key for key in INSTANCE_KEYS if key in targets]
    if keys:
        boxes = _horizontal(targets)
        shown, masks, keep = visible_objects(
            boxes, targets.get('gt_masks'), window, inside, min_visible
        )
        as_loaded = isinstance(targets['gt_bboxes'], np.ndarray)
        seen['gt_bboxes'] = shown.numpy() if as_loaded else HorizontalBoxes(shown)
        if masks is not None:
            seen['gt_masks'] = masks
        seen.update({key: seen[key][keep.numpy()] for key in keys})
    if 'gt_seg_map' in targets:
        seen['gt_seg_map'] = hide(targets['gt_seg_map'], window, inside, UNLABELLED)
    return seen


def _horizontal(targets: Targets) -> torch.Tensor:
    boxes = targets.get('gt_bboxes')
    if isinstance(boxes, np.ndarray):
        return torch.from_numpy(boxes)
    if not isinstance(boxes, HorizontalBoxes):
        raise ValueError(
            'Expected the objects of images that are cut to have horizontal boxes, '
            f'`gt_bboxes`, but got {type(boxes).__name__}; load them '
            "(`with_bbox=True`), or mix with operator=dict(type='Blend')."
        )
    return boxes.tensor


def concat_targets(first: Targets, second: Targets) -> Targets:
    """All objects of both.

    Raises:
        ValueError: If the keys differ, or semantic maps label the same pixels: of those
            no full-weight union exists.
    """
    if set(first) != set(second):
        raise ValueError(
            'Expected both images to have the same annotations but got '
            f'{sorted(first)} and {sorted(second)}; load all images with the same '
            'LoadAnnotations.'
        )
    return {
        key: (join_maps if key == 'gt_seg_map' else _concat)(first[key], second[key])
        for key in first
    }


def _concat(first: Any, second: Any) -> Any:
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    if isinstance(first, torch.Tensor):
        return torch.cat([first, second])
    if type(first) is not type(second):
        raise ValueError(
            f'Expected annotations of one kind but got {type(first).__name__} and '
            f'{type(second).__name__}; load all images with the same LoadAnnotations.'
        )
    return first.cat([first, second])
