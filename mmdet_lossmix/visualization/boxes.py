"""Boxes and their labels on matplotlib axes.

The two colours are the orange and the sky blue of Okabe and Ito, which people with any
kind of colour blindness tell apart.
"""

from typing import List, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

OWN = '#E69F00'
PARTNER = '#56B4E9'
IGNORED = '#BBBBBB'
INK = '#222222'

# Where a label may stand at its box: x and y as shares of width and height, and which
# corner of the label is there. The first free one is taken.
Spot = Sequence
TOP = (
    (0, 0, 'left', 'bottom'),
    (0, 0, 'left', 'top'),
    (1, 0, 'right', 'bottom'),
    (1, 0, 'right', 'top'),
    (0, 1, 'left', 'top'),
    (0, 1, 'left', 'bottom'),
)
BOTTOM = (
    (1, 1, 'right', 'top'),
    (1, 1, 'right', 'bottom'),
    (0, 1, 'left', 'top'),
    (0, 1, 'left', 'bottom'),
    (1, 0, 'right', 'bottom'),
    (1, 0, 'right', 'top'),
)


class BoxPainter:
    """Draw boxes on one image; labels keep clear of each other.

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
        spots: Sequence[Spot] = TOP,
    ) -> None:
        """Draw one box.

        Args:
            box (Sequence[float]): Left, top, right, bottom.
            colour (str): Of the line, and of the label's ground.
            label (str): Defaults to none.
            weight (float): From 0, thin and pale, to 1. Defaults to 1.
            spots (Sequence): Where the label may stand, ``TOP`` or ``BOTTOM`` first.
                Defaults to ``TOP``.
        """
        line, alpha = 0.7 + 1.8 * weight, 0.4 + 0.6 * weight
        self._rectangle(
            box,
            edgecolor=colour,
            linewidth=line,
            alpha=alpha,
            path_effects=[
                withStroke(linewidth=line + 1.2, foreground=INK, alpha=alpha)
            ],
        )
        if label:
            self._label(label, box, colour, alpha, spots)

    def draw_ignored(self, box: Sequence[float]) -> None:
        """Draw a box that training or evaluation leaves out: thin, grey, dashed."""
        self._rectangle(box, edgecolor=IGNORED, linewidth=1, linestyle=(0, (3, 2)))

    def _rectangle(self, box: Sequence[float], **style) -> None:
        left, top, right, bottom = box
        self.ax.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, **style)
        )

    def _label(
        self,
        label: str,
        box: Sequence[float],
        colour: str,
        alpha: float,
        spots: Sequence[Spot],
    ) -> None:
        left, top, right, bottom = box
        ground = {'facecolor': colour, 'edgecolor': 'none', 'pad': 1, 'alpha': alpha}
        text = self.ax.text(0, 0, label, fontsize=6.5, color='black', bbox=ground)
        for x, y, horizontal, vertical in spots:
            text.set_position((left + x * (right - left), top + y * (bottom - top)))
            text.set_horizontalalignment(horizontal)
            text.set_verticalalignment(vertical)
            if self._take(text.get_window_extent().padded(1.5)):
                return
        text.remove()

    def _take(self, place: Bbox) -> bool:
        """Claim a place, in pixels of the figure, if it is free and in the image."""
        image = self.ax.get_window_extent().padded(4)
        corners = (place.x0, place.y0), (place.x1, place.y1)
        inside = all(image.contains(*corner) for corner in corners)
        if not inside or place.count_overlaps(self._taken):
            return False
        self._taken.append(place)
        return True


def legend_entry(colour: str, label: str, dashed: bool = False) -> Patch:
    """An entry of a legend: the outline of a box with its meaning."""
    patch = Patch(fill=False, edgecolor=colour, linewidth=2, label=label)
    if dashed:
        patch.set_linestyle((0, (3, 2)))
    return patch
