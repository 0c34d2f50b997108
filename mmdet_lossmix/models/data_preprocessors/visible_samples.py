"""What is seen of the targets of a preprocessed batch."""

from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmdet_lossmix.mixing.visibility import (
    UNLABELLED,
    Window,
    hide,
    visible_objects,
)


def visible_sample(
    sample: DetDataSample, window: Window, inside: bool, min_visible: float
) -> DetDataSample:
    """Replace the targets of ``sample`` by what is seen of them.

    Objects that are seen too little are dropped, with all that belongs to them.

    Args:
        sample (:obj:`DetDataSample`): Gets new targets; the old ones stay as they are.
        window (Window): Where the partner is seen, on the canvas of the batch.
        inside (bool): Whether ``sample`` is the partner's.
        min_visible (float): The least share of an object that must be seen, in [0, 1].

    Returns:
        :obj:`DetDataSample`: ``sample``.

    Raises:
        ValueError: If objects have boxes that are not horizontal.
    """
    for key in ('gt_instances', 'ignored_instances'):
        if key in sample and 'bboxes' in sample.get(key):
            seen = _visible_instances(sample.get(key), window, inside, min_visible)
            setattr(sample, key, seen)
    if 'gt_sem_seg' in sample:
        seen = hide(sample.gt_sem_seg.sem_seg, window, inside, UNLABELLED)
        sample.gt_sem_seg = PixelData(sem_seg=seen)
    return sample


def _visible_instances(
    instances: InstanceData, window: Window, inside: bool, min_visible: float
) -> InstanceData:
    boxes = instances.bboxes
    if not isinstance(boxes, (Tensor, HorizontalBoxes)) or boxes.shape[-1] != 4:
        raise ValueError(
            'Expected the objects of images that are cut to have horizontal boxes but '
            f"got {type(boxes).__name__}; mix with operator=dict(type='Blend')."
        )
    corners = boxes if isinstance(boxes, Tensor) else boxes.tensor
    shown, masks, keep = visible_objects(
        corners, instances.get('masks'), window, inside, min_visible
    )
    seen = instances.new()
    seen.bboxes = shown if corners is boxes else HorizontalBoxes(shown)
    if masks is not None:
        seen.masks = masks
    return seen[keep]
