"""Arrange drawings to one picture with a title and a legend."""

from typing import Callable, Sequence, Tuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

CELL = 2.9  # inches, width of a drawing
ASPECT = 0.75  # height over width
DPI = 150


def draw_grid(
    drawings: Sequence[Callable[[Axes], None]],
    shape: Tuple[int, int],
    title: str,
    legend: Sequence[Patch] = (),
) -> Figure:
    """Put drawings side by side, in a figure to be saved with ``savefig``.

    Each draws on the axes that it is given. ``shape`` is that of rows and columns, of
    which rows that stay empty are left out. The legend is the bottom line.
    """
    columns = min(shape[1], max(len(drawings), 1))
    rows = max(1, -(-len(drawings) // columns))
    header, footer = 0.45, 0.45 if legend else 0.1  # inches
    width = max(columns, 2) * CELL + 0.2  # a single column is too narrow for a legend
    height = rows * (CELL * ASPECT + 0.32) + header + footer
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor='white')
    FigureCanvasAgg(figure)
    # No automatic layout: labels look for room while the axes are where they stay.
    figure.subplots_adjust(
        left=0.1 / width,
        right=(columns * CELL + 0.1) / width,
        top=1 - (header + 0.2) / height,
        bottom=footer / height,
        wspace=0.06,
        hspace=0.32 / (CELL * ASPECT),
    )
    figure.suptitle(title, x=0.1 / width, y=1 - 0.12 / height, ha='left', fontsize=12)
    for index, drawing in enumerate(drawings):
        drawing(figure.add_subplot(rows, columns, index + 1))
    if legend:
        style = dict(ncols=len(legend), frameon=False, fontsize=9, borderaxespad=0.4)
        figure.legend(handles=list(legend), loc='lower left', **style)
    return figure
