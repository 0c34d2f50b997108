"""Boxes, masks and their labels on matplotlib axes.

The two colours are the orange and the sky blue of Okabe and Ito, which people with any
kind of colour blindness tell apart.
"""

from typing import List, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

OWN = '#E69F00'
PARTNER = '#56B4E9'
IGNORED = '#BBBBBB'
INK = '#222222'
DASHES = (0, (3, 2))

# Where a label may stand at its box: x and y as shares of width and height, and which
# corner of the label is there. The first free one is taken.
TOP = (
    (0, 0, 'left', 'bottom'), (0, 0, 'left', 'top'), (1, 0, 'right', 'bottom'),
    (1, 0, 'right', 'top'), (0, 1, 'left', 'top'), (0, 1, 'left', 'bottom'),
)  # fmt: skip
BOTTOM = (
    (1, 1, 'right', 'top'), (1, 1, 'right', 'bottom'), (0, 1, 'left', 'top'),
    (0, 1, 'left', 'bottom'), (1, 0, 'right', 'bottom'), (1, 0, 'right', 'top'),
)  # fmt: skip


class BoxPainter:
    """Draw boxes and masks on one image; labels keep clear of each other.

    A label for which there is no room is left out, so draw what matters most first.

    Args:
        ax (:obj:`Axes`): Shows the image, in pixel coordinates.
    """

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        self._taken: List[Bbox] = []

    def draw(
        self,
        box: Sequence[float],
        colour: str,
        label: str = '',
        weight: float = 1.0,
        spots: Sequence[tuple] = TOP,
    ) -> None:
        """Draw one box: left, top, right, bottom.

        The colour is that of the line and of the label's ground, the weight from 0,
        thin and pale, to 1. ``spots`` of the label are ``TOP`` or ``BOTTOM``.
        """
        line, alpha = 0.7 + 1.8 * weight, 0.4 + 0.6 * weight
        outline = withStroke(linewidth=line + 1.2, foreground=INK, alpha=alpha)
        self._rectangle(box, ec=colour, lw=line, alpha=alpha, path_effects=[outline])
        if label:
            ground = {'fc': colour, 'ec': 'none', 'pad': 1, 'alpha': alpha}
            self._label(label, box, ground, spots)

    def draw_mask(self, mask: np.ndarray, colour: str, weight: float = 1.0) -> None:
        """Draw a mask, shape (H, W), as a tint with an outline."""
        mask = np.pad(mask.astype(float), 1)  # so that it is closed at the border
        if mask.any():
            x, y = (np.arange(-1, side - 1) for side in reversed(mask.shape))
            alpha = 0.1 + 0.2 * weight
            self.ax.contourf(x, y, mask, [0.5, 2], colors=[colour], alpha=alpha)
            self.ax.contour(x, y, mask, [0.5], colors=[colour], linewidths=0.4 + weight)

    def draw_ignored(self, box: Sequence[float]) -> None:
        """Draw a box that training or evaluation leaves out: thin, grey, dashed."""
        self._rectangle(box, ec=IGNORED, lw=1, ls=DASHES)

    def _rectangle(self, box: Sequence[float], **style) -> None:
        left, top, right, bottom = box
        size = right - left, bottom - top
        self.ax.add_patch(Rectangle((left, top), *size, fill=False, **style))

    def _label(self, label: str, box: Sequence, ground: dict, spots: Sequence) -> None:
        left, top, right, bottom = box
        text = self.ax.text(0, 0, label, fontsize=6.5, color='black', bbox=ground)
        for x, y, horizontal, vertical in spots:
            text.set(ha=horizontal, va=vertical)
            text.set_position((left + x * (right - left), top + y * (bottom - top)))
            if self._take(text.get_window_extent().padded(1.5)):
                return
        text.remove()

    def _take(self, place: Bbox) -> bool:
        """Claim a place, in pixels of the figure, if it is free and in the image."""
        image = self.ax.get_window_extent().padded(4)
        inside = image.contains(*place.p0) and image.contains(*place.p1)
        free = inside and not place.count_overlaps(self._taken)
        if free:
            self._taken.append(place)
        return free


def legend_entry(colour: str, label: str, dashed: bool = False) -> Patch:
    """An entry of a legend: the outline of a box with its meaning."""
    return Patch(fill=False, ec=colour, lw=2, ls=DASHES if dashed else '-', label=label)
