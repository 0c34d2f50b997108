"""The few outlines from which every toy is cut.

A shape is a list of closed loops, each an array of (x, y) points with y pointing down;
a loop inside another is a hole. The unit is free: a finished toy is scaled as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np

Point = Tuple[float, float]
Shape = List[np.ndarray]


@dataclass(frozen=True)
class Part:
    """One painted piece of a toy; later pieces cover earlier ones.

    Attributes:
        shape: Its outline.
        paint: A material, or ``material/use`` where one toy has two of the material
            in different colours (``cloth/shirt``, ``cloth/trousers``).
        tone: Brightness relative to its paint, e.g. darker legs on the far side.
    """

    shape: Shape
    paint: str
    tone: float = 1.0

    def moved(self, scale: float, shift: Point) -> Part:
        """The same part, scaled about the origin and then shifted."""
        shape = [loop * scale + shift for loop in self.shape]
        return Part(shape, self.paint, self.tone)


Sketch = List[Part]


# Every round thing is cut from this circle of 32 points; its first half points down.
_ANGLES = np.arange(32) * np.pi / 16
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_QUARTERS = [_CIRCLE.take(range(8 * k, 8 * k + 9, 2), 0, mode='wrap') for k in range(4)]
_HALVES = _CIRCLE[8:25:2], _CIRCLE.take(range(24, 41, 2), 0, mode='wrap')


def polygon(*points: Point) -> Shape:
    """The straight-edged shape through the points."""
    return [np.asarray(points, dtype=float)]


def smooth(*points: Point) -> Shape:
    """A rounded shape that follows the points, by cutting corners (Chaikin)."""
    loop = np.asarray(points, dtype=float)
    for _ in range(3):
        following = np.roll(loop, -1, axis=0)
        cut = np.stack([0.75 * loop + 0.25 * following, 0.25 * loop + 0.75 * following])
        loop = cut.transpose(1, 0, 2).reshape(-1, 2)
    return [loop]


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Shape:
    """An ellipse, or a disc where ``ry`` is left out."""
    return [(x, y) + _CIRCLE * (rx, rx if ry is None else ry)]


def ring(x: float, y: float, radius: float, width: float) -> Shape:
    """A disc with a hole: a spoked wheel, a rim."""
    return ellipse(x, y, radius) + ellipse(x, y, radius - width)


def box(left: float, top: float, right: float, bottom: float, r: float = 0.0) -> Shape:
    """An upright rectangle with corners of radius ``r``."""
    if r == 0:
        return polygon((left, top), (right, top), (right, bottom), (left, bottom))
    corners = [(right, bottom), (left, bottom), (left, top), (right, top)]
    inward = [(-r, -r), (r, -r), (r, r), (-r, r)]
    centres = np.add(corners, inward)
    return [np.concatenate([c + r * arc for c, arc in zip(centres, _QUARTERS)])]


def limb(start: Point, end: Point, width: float, end_width: float = 0.0) -> Shape:
    """A straight bar with round ends, tapering to ``end_width`` where given."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    turn = np.array([[dx, dy], [-dy, dx]]) / length
    back, front = (half @ turn for half in _HALVES)
    tip = end_width or width
    return [np.concatenate([start + width / 2 * back, end + tip / 2 * front])]


def mirrored(profile: Sequence[Point]) -> Shape:
    """A shape symmetric about x = 0 from its right-hand profile, top to bottom."""
    right = np.asarray(profile, dtype=float)
    return [np.concatenate([right, right[::-1] * (-1, 1)])]


def cloud(
    rng: np.random.Generator, x: float, y: float, rx: float, ry: float, lumps: int
) -> Shape:
    """An ellipse with a lumpy rim: fleece, foliage, smoke."""
    angles = np.linspace(0, 2 * np.pi, 12 * lumps, endpoint=False)
    swell = 1 + 0.16 * np.abs(np.sin(angles * lumps / 2 + rng.uniform(0, np.pi)))
    swell *= 1 + 0.05 * np.sin(2 * angles + rng.uniform(0, 2 * np.pi))
    rim = np.stack([rx * np.cos(angles), ry * np.sin(angles)], axis=1)
    return [(x, y) + rim * swell[:, None] * 0.9]
