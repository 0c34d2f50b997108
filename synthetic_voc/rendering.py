"""From parts in their own units to pixels: pose a toy, paint it, paste it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import cv2
import numpy as np

from .domains import Brush, Domain
from .outlines import Part, Shape

Box = Tuple[float, float, float, float]

_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Sprite:
    """A painted object that may reach beyond the image.

    Attributes:
        left: The image column of its first pixel, negative where it sticks out.
        top: The image row of its first pixel.
        colour: Its (height, width, 3) float pixels.
        cover: How much of each pixel it fills, in [0, 1].
    """

    left: int
    top: int
    colour: np.ndarray
    cover: np.ndarray


def pose(
    parts: Sequence[Part], unit: float, angle: float, skew: float, flip: bool
) -> list[Part]:
    """The parts in pixels around (0, 0), so that their box has the area unit².

    Args:
        parts: The toy in its own units.
        unit: The side of the square as large as the bounding box.
        angle: Clockwise rotation in degrees.
        skew: How far the top leans against the bottom, per height.
        flip: Whether it faces left.
    """
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, skew], [0, 1]])
    if flip:
        matrix = matrix @ np.diag([-1.0, 1.0])
    parts = [
        Part([loop @ matrix.T for loop in part.shape], part.paint, part.tone)
        for part in parts
    ]
    left, top, right, bottom = bounds(parts)
    scale = unit / np.sqrt((right - left) * (bottom - top))
    to_middle = -scale * (left + right) / 2, -scale * (top + bottom) / 2
    return [part.moved(scale, to_middle) for part in parts]


def bounds(parts: Sequence[Part]) -> Box:
    """Left, top, right and bottom of all parts."""
    points = np.concatenate([loop for part in parts for loop in part.shape])
    return (*points.min(0).tolist(), *points.max(0).tolist())


def _fixed_point(shape: Shape, offset: np.ndarray) -> list[np.ndarray]:
    # A pixel's centre has whole coordinates in OpenCV, but is half way in ours.
    return [
        np.round((loop - offset - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)
        for loop in shape
    ]


def _fill(shape: Shape, offset: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, _fixed_point(shape, offset), 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def _outline(
    shape: Shape, offset: np.ndarray, size: tuple[int, int], width: int
) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    cv2.polylines(
        mask, _fixed_point(shape, offset), True, 255, width, cv2.LINE_AA, _SUBPIXEL_BITS
    )
    return mask


def paint(
    parts: Sequence[Part], brush: Brush, left: int, top: int, size: tuple[int, int]
) -> Sprite:
    """Paint the parts, in image coordinates, onto a sheet at (left, top)."""
    height, width = size
    colour = np.zeros((height, width, 3), np.float32)
    cover = np.zeros((height, width), np.float32)
    pen = max(1, round(0.025 * np.sqrt(height * width)))
    for part in parts:
        x0, y0, x1, y1 = bounds([part])
        rows = slice(max(int(y0) - top - 2, 0), int(y1) - top + 3)
        columns = slice(max(int(x0) - left - 2, 0), int(x1) - left + 3)
        view, area = colour[rows, columns], cover[rows, columns]
        offset = np.array([left + columns.start, top + rows.start])
        mask = _fill(part.shape, offset, area.shape)
        fill = mask.astype(np.float32) / 255
        coat = brush.coat(part.paint)[rows, columns] * np.float32(part.tone)
        view += (coat - view) * cv2.merge([fill] * 3)
        if brush.ink is not None:
            # Within the part only: an outline must not run over the parts next to it.
            # Nor can it widen the object, whose cover it leaves alone; the boxes
            # are the same with and without ink.
            line = np.minimum(mask, _outline(part.shape, offset, area.shape, pen))
            view += (brush.ink - view) * cv2.merge([line.astype(np.float32) / 255] * 3)
        np.maximum(area, fill, out=area)
    return Sprite(left, top, brush.shade(colour, cover), cover)


def draw_parts(
    parts: Sequence[Part], domain: Domain, rng: np.random.Generator
) -> Sprite:
    """Paint the parts, in image coordinates, in the manner of the domain."""
    x0, y0, x1, y1 = bounds(parts)
    left, top = int(np.floor(x0)) - 2, int(np.floor(y0)) - 2
    size = int(np.ceil(y1)) + 2 - top, int(np.ceil(x1)) + 2 - left
    unit = float(np.sqrt((x1 - x0) * (y1 - y0)))
    return paint(parts, domain.brush(rng, size, unit), left, top, size)


def _overlap(sprite: Sprite, size: tuple[int, int]) -> tuple[tuple, tuple]:
    """The part of the image that the sprite covers, and that part of the sprite."""
    height, width = sprite.cover.shape
    top, bottom = max(sprite.top, 0), min(sprite.top + height, size[0])
    left, right = max(sprite.left, 0), min(sprite.left + width, size[1])
    bottom, right = max(top, bottom), max(left, right)
    there = slice(top, bottom), slice(left, right)
    here = (
        slice(top - sprite.top, bottom - sprite.top),
        slice(left - sprite.left, right - sprite.left),
    )
    return there, here


def paste(image: np.ndarray, owner: np.ndarray, sprite: Sprite, label: int) -> None:
    """Lay the sprite over the image and enter it in the map of pixel owners."""
    there, here = _overlap(sprite, owner.shape)
    cover = sprite.cover[here]
    view = image[there]
    view += (sprite.colour[here] - view) * cv2.merge([cover] * 3)
    owner[there][cover >= 0.5] = label


def cast_shadow(image: np.ndarray, sprite: Sprite) -> None:
    """Darken the ground under the sprite."""
    height, width = sprite.cover.shape
    margin = max(4, height // 8)
    shadow = np.zeros((2 * margin, width + 2 * margin), np.float32)
    middle = (shadow.shape[1] // 2, margin)
    cv2.ellipse(shadow, middle, (int(0.45 * width), margin // 3), 0, 0, 360, 0.5, -1)
    shadow = cv2.GaussianBlur(shadow, (0, 0), margin / 4)
    blot = Sprite(
        sprite.left - margin,
        sprite.top + height - margin - 3,
        np.zeros((*shadow.shape, 3), np.float32),
        shadow,
    )
    there, here = _overlap(blot, image.shape[:2])
    image[there] *= 1 - blot.cover[here][..., None]
