"""What an image is labelled with, and what mixing does to it, as pure functions.

A pipeline keeps annotations in the keys of ``LoadAnnotations``, a batch keeps them in
``DetDataSample``. Both ways of mixing turn them into :class:`Annotations` and back.
"""

from math import inf
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np
import torch
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from torch import Tensor

from .canvas import pad_to
from .visibility import UNLABELLED, Window, hide, join_maps, visible_objects

# What gives labels their meaning image by image, in open-vocabulary detectors.
PROMPTS = ('text', 'custom_entities', 'tokens_positive', 'dataset_mode')


class Annotations(NamedTuple):
    """The annotations of one image.

    Attributes:
        instances (dict[str, :obj:`InstanceData`]): Objects, by where they are kept:
            ``gt_instances`` and ``ignored_instances``, or one entry for both. Fields
            that mixing looks at are ``bboxes`` and ``masks``; others go along.
        seg_map (np.ndarray or Tensor, optional): A semantic map, shape (..., H, W).
    """

    instances: Dict[str, InstanceData]
    seg_map: Any = None

    def copy(self) -> 'Annotations':
        """Copy what later steps may modify in place; masks are never modified."""
        instances = {
            key: InstanceData(**{k: _copy(v) for k, v in kind.items()})
            for key, kind in self.instances.items()
        }
        return Annotations(instances, _copy(self.seg_map))

    def without_degenerate(self) -> 'Annotations':
        """Drop boxes that are not finite or have no area; their loss would be NaN."""
        kept = {key: _with_area(kind) for key, kind in self.instances.items()}
        if sum(map(len, self.instances.values())) > sum(map(len, kept.values())):
            # The logger says the same thing once.
            MMLogger.get_current_instance().warning(
                'Boxes without width or height, or that are not finite, are dropped '
                'before mixing. FilterAnnotations drops them in every training.'
            )
        return self._replace(instances=kept)

    def on_canvas(self, canvas: Tuple[int, int]) -> 'Annotations':
        """Pad masks and the semantic map to the canvas (H, W).

        Boxes stay where they are, as the canvas has the top left corner of the image.

        Raises:
            ValueError: If masks or the map are larger than the canvas.
        """
        seg_map = self.seg_map
        if isinstance(seg_map, np.ndarray):
            _check_fits('map', seg_map.shape, canvas)
            seg_map = pad_to(seg_map, canvas, UNLABELLED)
        instances = {k: pad_masks(kind, canvas) for k, kind in self.instances.items()}
        return Annotations(instances, seg_map)

    def visible(
        self, window: Optional[Window], inside: bool, min_visible: float
    ) -> 'Annotations':
        """What is seen of them; the arguments are those of ``visible_objects``.

        Objects that are seen too little are dropped. Without a window all are seen.

        Raises:
            ValueError: If objects have no boxes, or boxes that are not horizontal.
        """
        if window is None:
            return self
        seg_map = self.seg_map
        if seg_map is not None:
            seg_map = hide(seg_map, window, inside, UNLABELLED)
        instances = {
            key: _visible(kind, window, inside, min_visible)
            for key, kind in self.instances.items()
        }
        return Annotations(instances, seg_map)


def check_prompts(own: Mapping, partner: Mapping) -> None:
    """Refuse two images whose labels do not mean the same.

    Raises:
        ValueError: If they have different prompts.
    """
    for key in PROMPTS:
        if own.get(key) != partner.get(key):
            raise ValueError(
                f'Give all images the same `{key}`, or do not mix them: labels number '
                f'the phrases of {own.get(key)!r} in an image and of '
                f'{partner.get(key)!r} in its partner.'
            )


def drop_degenerate(batch: List[Annotations]) -> List[Annotations]:
    """``without_degenerate`` of all images, with one look at the values in all."""
    boxes = [
        kind.bboxes
        for annotations in batch
        for kind in annotations.instances.values()
        if 'bboxes' in kind
    ]
    plain = boxes and all(isinstance(b, (Tensor, HorizontalBoxes)) for b in boxes)
    if plain and _has_area(torch.cat([_corners(b) for b in boxes])).all():
        return batch
    return [annotations.without_degenerate() for annotations in batch]


def join(first: Annotations, second: Annotations) -> Annotations:
    """All objects of both.

    Raises:
        ValueError: If the fields differ, or semantic maps label the same pixels: no
            full-weight union exists there.
    """
    seg_map = first.seg_map
    if seg_map is not None and second.seg_map is not None:
        seg_map = join_maps(seg_map, second.seg_map)
    sources = first.instances, second.instances
    return Annotations(
        {
            key: concat([source[key] for source in sources if key in source])
            for key in {**first.instances, **second.instances}
        },
        second.seg_map if seg_map is None else seg_map,
    )


def concat(kinds: List[InstanceData]) -> InstanceData:
    """All objects of some images, whose masks may be padded to different sizes.

    Raises:
        ValueError: If the images have different fields, or fields of different types.
    """
    fields = [{key: type(kind.get(key)) for key in kind.keys()} for kind in kinds]  # noqa: SIM118
    for other in fields[1:]:
        if other != fields[0]:
            raise ValueError(
                'Load all images with the same LoadAnnotations: two to be mixed have '
                f'{_names(fields[0])} and {_names(other)}.'
            )
    masks = [kind.masks for kind in kinds if 'masks' in kind]
    if len({(m.height, m.width) for m in masks}) > 1:
        canvas = max(m.height for m in masks), max(m.width for m in masks)
        kinds = [pad_masks(kind, canvas) for kind in kinds]
    return InstanceData.cat(kinds)


def pad_masks(kind: InstanceData, canvas: Tuple[int, int]) -> InstanceData:
    """Pad the masks of instances, if there are any to pad, to a canvas (H, W)."""
    masks = kind.get('masks')
    if not isinstance(masks, (BitmapMasks, PolygonMasks)):
        return kind
    size = masks.height, masks.width
    if size == tuple(canvas):
        return kind
    _check_fits('masks', size, canvas)
    padded = kind.new()
    padded.masks = masks.pad(canvas)
    return padded


def _check_fits(name: str, shape: Tuple[int, ...], canvas: Tuple[int, int]) -> None:
    if shape[0] > canvas[0] or shape[1] > canvas[1]:
        raise ValueError(
            f'Resize and crop annotations together with images: got {name} of '
            f'{shape[0]} x {shape[1]} for an image of {canvas[0]} x {canvas[1]}.'
        )


def _copy(value: Any) -> Any:
    if isinstance(value, BaseBoxes):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _with_area(kind: InstanceData) -> InstanceData:
    boxes = kind.get('bboxes')
    if boxes is None or len(boxes) == 0:
        return kind
    keep = _has_area(boxes)
    return kind if keep.all() else kind[keep]


def _has_area(boxes: Any) -> Tensor:
    if isinstance(boxes, BaseBoxes):
        sides = torch.stack([boxes.widths, boxes.heights], 1)
    else:
        corners = _corners(boxes)
        sides = corners[:, 2:] - corners[:, :2]
    return ((sides > 0) & (sides < inf)).all(1)


def _visible(
    kind: InstanceData, window: Window, inside: bool, min_visible: float
) -> InstanceData:
    boxes = kind.get('bboxes')
    if boxes is None and not len(kind.keys()):
        return kind
    if not isinstance(boxes, (np.ndarray, Tensor, HorizontalBoxes)) or (
        boxes.shape[-1] != 4
    ):
        raise ValueError(
            "Load boxes (`with_bbox=True`), or mix with operator=dict(type='Blend'): "
            'objects of images that are cut need horizontal boxes but have '
            f'{type(boxes).__name__}.'
        )
    shown, masks, keep = visible_objects(
        _corners(boxes), kind.get('masks'), window, inside, min_visible
    )
    seen = kind.new()
    if isinstance(boxes, np.ndarray):
        seen.bboxes = shown.numpy()
    else:
        seen.bboxes = shown if isinstance(boxes, Tensor) else HorizontalBoxes(shown)
    if masks is not None:
        seen.masks = masks
    return seen[keep]


def _corners(boxes: Any) -> Tensor:
    if isinstance(boxes, BaseBoxes):
        return boxes.tensor
    return torch.from_numpy(boxes) if isinstance(boxes, np.ndarray) else boxes


def _names(fields: Dict[str, type]) -> str:
    return ', '.join(f'{key} ({kind.__name__})' for key, kind in sorted(fields.items()))
