"""Draw what a mixed sample trains on: the blend, its own objects, its partner's."""

from typing import List, Optional, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from mmdet.structures.mask import BaseInstanceMasks
from mmengine.structures import InstanceData

from .boxes import BOTTOM, IGNORED, OWN, PARTNER, TOP, BoxPainter, legend_entry

LEGEND: List[Patch] = [
    legend_entry(OWN, "the image's own boxes"),
    legend_entry(PARTNER, 'boxes of the image mixed in'),
    legend_entry(IGNORED, 'ignored', dashed=True),
    legend_entry('none', 'line width: loss weight'),
]


def draw_mixed_sample(
    ax: Axes,
    image: np.ndarray,
    sample: DetDataSample,
    classes: Optional[Sequence[str]] = None,
    alone: str = 'not mixed',
) -> None:
    """Draw a sample, mixed or not, with its boxes and masks.

    The more annotations weigh in the loss, the heavier their lines and the fuller their
    labels. Above the image, RGB of shape (H, W, 3), stand both weights, and a bar that
    they divide; ``alone`` stands above one without a partner. Without ``classes``
    labels are numbers.
    """
    show_image(ax, image)
    painter = BoxPainter(ax)
    lam = sample.get('mix_lambda', 1.0)
    annotated = [(sample, OWN, lam, TOP)]
    if 'partner' in sample:
        annotated.append((sample.partner, PARTNER, 1 - lam, BOTTOM))
    for labelled, colour, weight, spots in sorted(annotated, key=lambda a: -a[2]):
        for box in boxes_of(labelled.get('ignored_instances', InstanceData())):
            painter.draw_ignored(box)
        instances = labelled.gt_instances
        for mask in masks_of(instances):
            painter.draw_mask(mask[: image.shape[0], : image.shape[1]], colour, weight)
        for box, label in zip(boxes_of(instances), instances.labels.tolist()):
            name = str(label) if classes is None else classes[label]
            painter.draw(box, colour, name, weight, spots)
    _caption(ax, lam, 'partner' in sample, alone)


def show_image(ax: Axes, image: np.ndarray) -> None:
    """Show an image on axes without ticks, cut at its border."""
    ax.imshow(image, interpolation='lanczos')
    ax.autoscale(False)
    ax.set_axis_off()
    ax.set_anchor('N')
    ax.apply_aspect()  # now rather than while drawing: labels are placed before that


def boxes_of(instances: InstanceData) -> List[List[float]]:
    """Left, top, right and bottom of each box."""
    return get_box_tensor(instances.bboxes).tolist() if 'bboxes' in instances else []


def masks_of(instances: InstanceData) -> np.ndarray:
    """The masks of objects, shape (N, H, W), or none."""
    masks = instances.get('masks', np.zeros((0, 1, 1)))
    if isinstance(masks, BaseInstanceMasks):
        return masks.to_ndarray()
    return torch.as_tensor(masks).cpu().numpy()


def _caption(ax: Axes, lam: float, mixed: bool, alone: str) -> None:
    """Both weights above the image, with a bar below them that they divide."""
    style: dict = {'pad': 6, 'fontsize': 8}
    ax.set_title(f'λ = {lam:.2f}' if mixed else alone, **style, loc='left')
    if mixed:
        ax.set_title(f'1 - λ = {1 - lam:.2f}', **style, loc='right')
    line: dict = {'linewidth': 3.5, 'solid_capstyle': 'butt', 'clip_on': False}
    for ends, colour in (((0, lam), OWN), ((lam, 1), PARTNER)):
        ax.plot(ends, (1.02, 1.02), color=colour, transform=ax.transAxes, **line)
