"""What is seen of the objects of two images on one canvas, as pure functions.

The partner is seen inside a :class:`Window` and nowhere else, the own image around it.
"""

from typing import Any, NamedTuple, Optional, Tuple, Union

import numpy as np
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from torch import Tensor

Masks = Union[BitmapMasks, PolygonMasks]

UNLABELLED = 255  # of semantic maps: mmdet's losses and its padding ignore this value


class Window(NamedTuple):
    """A rectangle of whole pixels on a canvas; may have no area.

    Attributes:
        x1, y1, x2, y2 (int): Its sides, ``0 <= x1 <= x2 <= W`` and so on.
        canvas (tuple[int, int]): (H, W).
    """

    x1: int
    y1: int
    x2: int
    y2: int
    canvas: Tuple[int, int]

    @property
    def share(self) -> float:
        """float: Its share of the canvas' area, in [0, 1]."""
        area = (self.x2 - self.x1) * (self.y2 - self.y1)
        return area / (self.canvas[0] * self.canvas[1])

    def rescale(self, canvas: Tuple[int, int]) -> 'Window':
        """The same part, to the nearest pixel, of another canvas (H, W)."""
        rows, columns = (new / old for new, old in zip(canvas, self.canvas))
        x1, x2 = (round(x * columns) for x in (self.x1, self.x2))
        y1, y2 = (round(y * rows) for y in (self.y1, self.y2))
        return Window(x1, y1, x2, y2, canvas)

    @property
    def slices(self) -> Tuple[slice, slice]:
        """tuple[slice, slice]: Its rows and columns."""
        return slice(self.y1, self.y2), slice(self.x1, self.x2)


def visible_objects(
    boxes: Tensor,
    masks: Optional[Masks],
    window: Window,
    inside: bool,
    min_visible: float,
) -> Tuple[Tensor, Optional[Masks], Tensor]:
    """Cut the objects of one image down to what is seen of them.

    A mask, where there is one, decides how much is seen of its object, and the box of
    a cut mask encloses what is left of the mask.

    Args:
        boxes (Tensor): Shape (n, 4), as (x1, y1, x2, y2).
        masks (BitmapMasks | PolygonMasks, optional): Of the n objects, on the canvas.
        window (Window): Where the partner is seen.
        inside (bool): Whether the objects are the partner's.
        min_visible (float): The least share of an object that must be seen, in [0, 1].

    Returns:
        tuple[Tensor, BitmapMasks | PolygonMasks, Tensor]: Boxes, masks, and which
        of the n objects, shape (n,), bool, are seen enough. Cut polygons are bitmaps.
    """
    if window.share in (0, 1):  # all as it was, or nothing left
        seen = inside == (window.share == 1)
        return boxes, masks, torch.full_like(boxes[:, 0], seen, dtype=torch.bool)
    shown, share = visible_boxes(boxes, window, inside)
    if masks is not None:
        pixels = masks.to_ndarray().astype(np.uint8)  # of bool, mmdet can pad none
        masks = BitmapMasks(hide(pixels, window, inside, 0), masks.height, masks.width)
        shown, share = _seen_by_mask(shown, share, pixels.sum((1, 2)), masks)
    has_area = (shown[:, 2:] > shown[:, :2]).all(1)
    return shown, masks, (share >= min_visible) & has_area


def visible_boxes(boxes: Tensor, window: Window, inside: bool) -> Tuple[Tensor, Tensor]:
    """The tight boxes around what is seen of boxes.

    Inside the window that is their common part with it. Around the window it is the
    box itself, unless the window cuts a whole side off. See :func:`visible_objects`.

    Returns:
        tuple[Tensor, Tensor]: Boxes, shape (n, 4), without meaning where nothing is
        seen, and the share of each box that is seen, shape (n,), NaN for a box of no
        area.
    """
    corners = boxes.new_tensor(window[:4])
    low = torch.max(boxes[:, :2], corners[:2])
    high = torch.min(boxes[:, 2:], corners[2:])
    common = (high - low).clamp(min=0).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    if inside:
        return torch.cat([low, high], 1), common / area
    from_start, to_end = low <= boxes[:, :2], high >= boxes[:, 2:]
    # Where the window spans a box across, it can shorten it along the other axis.
    across = (from_start & to_end).flip(1) & (common > 0)[:, None]
    start = torch.where(across & from_start, high, boxes[:, :2])
    end = torch.where(across & to_end, low, boxes[:, 2:])
    return torch.cat([start, end], 1), (area - common) / area


def _seen_by_mask(
    shown: Tensor, share: Tensor, areas: np.ndarray, masks: BitmapMasks
) -> Tuple[Tensor, Tensor]:
    """Mend boxes and shares of objects whose masks had ``areas`` and now are ``masks``.

    An object whose mask is empty from the outset goes by its box.
    """
    left = masks.areas
    tight = HorizontalBoxes.from_instance_masks(masks).tensor.to(shown)
    # A box may be smaller than its mask by a fraction of a pixel; none grows.
    tight[:, :2] = torch.max(tight[:, :2], shown[:, :2])
    tight[:, 2:] = torch.min(tight[:, 2:], shown[:, 2:])
    is_cut = torch.from_numpy(left < areas).to(shown.device)
    has_mask = torch.from_numpy(areas > 0).to(shown.device)
    mask_share = torch.from_numpy(left / np.maximum(areas, 1)).to(share)
    shown = torch.where(is_cut[:, None], tight, shown)
    return shown, torch.where(has_mask, mask_share, share)


def hide(array: Any, window: Window, inside: bool, value: int) -> Any:
    """Copy a map or masks, shape (..., H, W), with ``value`` where it is not seen.

    The partner's (``inside``) is seen in the window, the other image's around it.
    """
    seen = array.clone() if isinstance(array, Tensor) else array.copy()
    place = (..., *window.slices)
    if inside:
        seen[...] = value
        seen[place] = array[place]
    else:
        seen[place] = value
    return seen


def join_maps(own: Any, partner: Any) -> Any:
    """The union of two semantic maps (..., H, W), 255 where its image is not seen.

    Raises:
        ValueError: If a pixel is labelled in both, as in every blend: no full-weight
            union exists there.
    """
    in_own = own != UNLABELLED
    if (in_own & (partner != UNLABELLED)).any():
        raise ValueError(
            "Use LossMix or Noise, `with_seg=False`, or operator=dict(type='CutMix'): "
            'there is no union of two semantic maps (`gt_seg_map`, `gt_sem_seg`) that '
            'both label a pixel, as in a blend.'
        )
    where = torch.where if isinstance(own, Tensor) else np.where
    return where(in_own, own, partner)
