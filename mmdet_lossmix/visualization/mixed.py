"""Draw what a mixed sample trains on: the blend, its own target, its partner's."""

from typing import List, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor

from .boxes import BOTTOM, IGNORED, OWN, PARTNER, TOP, BoxPainter, legend_entry

LEGEND: List[Patch] = [
    legend_entry(OWN, 'own target, weight λ'),
    legend_entry(PARTNER, "partner's target, weight 1 - λ"),
    legend_entry(IGNORED, 'ignored', dashed=True),
]


def draw_mixed_sample(
    ax: Axes,
    image: np.ndarray,
    sample: DetDataSample,
    classes: Optional[Sequence[str]] = None,
) -> None:
    """Draw a sample, mixed or not.

    The more a target counts, the heavier its boxes and the fuller their labels. Above
    the image stand both weights, and a bar that they divide.

    Args:
        ax (:obj:`Axes`): Empty axes.
        image (np.ndarray): The image as RGB, shape (H, W, 3).
        sample (:obj:`DetDataSample`): Its targets, see
            :mod:`mmdet_lossmix.structures`.
        classes (Sequence[str], optional): Names of the classes. Defaults to their
            numbers.
    """
    show_image(ax, image)
    painter = BoxPainter(ax)
    targets = [(sample, OWN, sample.get('mix_lambda', 1.0), TOP)]
    if 'partner' in sample:
        targets.append((sample.partner, PARTNER, 1 - sample.mix_lambda, BOTTOM))
    for target, colour, weight, spots in sorted(targets, key=lambda t: -t[2]):
        for box in boxes_of(target, 'ignored_instances'):
            painter.draw_ignored(box)
        labels = target.gt_instances.labels.tolist()
        for box, label in zip(boxes_of(target, 'gt_instances'), labels):
            name = str(label) if classes is None else classes[label]
            painter.draw(box, colour, name, weight, spots)
    _caption(ax, sample)


def show_image(ax: Axes, image: np.ndarray) -> None:
    """Show an image on axes without ticks, cut at its border."""
    ax.imshow(image, interpolation='lanczos')
    ax.autoscale(False)
    ax.set_axis_off()
    ax.set_anchor('N')
    ax.apply_aspect()  # now rather than while drawing: labels are placed before that


def boxes_of(sample: DetDataSample, key: str) -> List[List[float]]:
    """The boxes of one kind, each left, top, right, bottom; none if it is not there."""
    return get_box_tensor(sample.get(key).bboxes).tolist() if key in sample else []


def _caption(ax: Axes, sample: DetDataSample) -> None:
    """Both weights above the image, with a bar below them that they divide."""
    lam = sample.get('mix_lambda', 1.0)
    left = f'λ = {lam:.2f}' if 'partner' in sample else 'one target'
    ax.set_title(left, loc='left', pad=6, fontsize=8)
    if 'partner' in sample:
        ax.set_title(f'1 - λ = {1 - lam:.2f}', loc='right', pad=6, fontsize=8)
    for ends, colour in (((0, lam), OWN), ((lam, 1), PARTNER)):
        ax.plot(
            ends,
            (1.02, 1.02),
            color=colour,
            linewidth=3.5,
            solid_capstyle='butt',
            transform=ax.transAxes,
            clip_on=False,
        )
