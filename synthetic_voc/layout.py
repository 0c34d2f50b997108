"""Lay out a scene: how many things, of which kind, how large, and where."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from .classes import ToyClass
from .outlines import Part, box, cloud, limb, polygon, ring
from .rendering import Box, bounds, pose

# Height over width and how often, about as in VOC.
_ASPECTS = ((3 / 4, 0.55), (4 / 3, 0.22), (2 / 3, 0.13), (1.0, 0.1))
# How many objects an image has, and how often.
_CROWDS = ((1, 0.34), (2, 0.26), (3, 0.16), (4, 0.1), (6, 0.07), (9, 0.04), (15, 0.03))

_SMALLEST_UNIT = 12.0  # pixels; a smaller toy can no longer be told from another
_MOST_OVERLAP = 0.45  # of the smaller of two boxes, as they are laid out


def _choose(rng: np.random.Generator, table: Sequence[tuple[float, float]]) -> float:
    """One of the values, as often as its weight says."""
    values, weights = zip(*table)
    return values[rng.choice(len(values), p=np.array(weights) / sum(weights))]


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(max(low, high)))))


def choose_image_size(rng: np.random.Generator, longest: int) -> tuple[int, int]:
    """The height and width of an image, upright or across."""
    aspect = _choose(rng, _ASPECTS) * rng.uniform(0.97, 1.03)
    if aspect > 1:
        return longest, round(longest / aspect)
    return round(longest * aspect), longest


def _fit(parts: list[Part], size: tuple[int, int]) -> list[Part]:
    """Shrink what is much longer than the image: a train upright, a bottle."""
    left, top, right, bottom = bounds(parts)
    excess = max((right - left) / size[1], (bottom - top) / size[0])
    scale = min(1.0, 1.1 / excess)
    return [part.moved(scale, (0, 0)) for part in parts]


def _overlap_share(one: Box, other: Box) -> float:
    """The intersection of two boxes as a share of the smaller one."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other))
    return max(width, 0) * max(height, 0) / smaller


def _place(
    rng: np.random.Generator,
    parts: list[Part],
    size: tuple[int, int],
    taken: list[Box],
) -> list[Part] | None:
    """The parts moved to a free place in the image, or None where there is none."""
    left, top, right, bottom = bounds(parts)
    width, height = right - left, bottom - top
    toy = np.array([width, height])
    canvas = np.array(size[::-1], dtype=float)
    spill = toy * (rng.uniform(0.05, 0.35) if rng.random() < 0.2 else 0.0)
    # Where a toy is larger than the image, the two ends change places and it is
    # cut on both sides.
    low, high = toy / 2 - spill, canvas - toy / 2 + spill
    for _ in range(12):
        x, y = rng.uniform(np.minimum(low, high), np.maximum(low, high)).tolist()
        at = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if all(_overlap_share(at, other) < _MOST_OVERLAP for other in taken):
            taken.append(at)
            return [part.moved(1.0, (x, y)) for part in parts]
    return None


def _distractor(rng: np.random.Generator) -> list[Part]:
    """A thing of no class: a stone, a crate, a rod, a hoop or a wedge."""
    material = str(rng.choice(['lacquer', 'cloth', 'wood', 'leaf', 'rubber', 'chrome']))
    shapes = (
        lambda: cloud(rng, 0, 0, 1, rng.uniform(0.6, 1), 6),
        lambda: box(0, 0, 1, rng.uniform(0.5, 1.5), 0.05),
        lambda: limb((0, 0), (1, 0.3), rng.uniform(0.12, 0.3)),
        lambda: ring(0, 0, 1, rng.uniform(0.3, 0.7)),
        lambda: polygon((0, 1), (1, rng.uniform(0.5, 1)), (rng.uniform(0, 0.8), 0)),
    )
    return [Part(shapes[rng.integers(len(shapes))](), material)]


def lay_out_objects(
    rng: np.random.Generator,
    size: tuple[int, int],
    star: ToyClass | None,
    choice: Sequence[ToyClass],
) -> list[tuple[str, list[Part]]]:
    """The objects of a scene in image coordinates, those farther back first."""
    count = int(_choose(rng, _CROWDS))
    if count > 4:
        count -= int(rng.integers(3))
    weights = np.array([toy.frequency for toy in choice])
    kinds = rng.choice(len(choice), count, p=weights / weights.sum())
    if count > 4 and rng.random() < 0.5:
        kinds = rng.choice(kinds[:2], count)  # a herd and its shepherd, a car park
    toys = [choice[kind] for kind in kinds]
    if star is not None:
        toys[0] = star
    short = min(size)
    largest = 0.95 * short if count == 1 else 0.85 * short / count**0.45
    objects: list[tuple[str, list[Part]]] = []
    taken: list[Box] = []
    for index, toy in enumerate(toys):
        if index == 0:  # the subject of the picture
            unit = _log_uniform(rng, max(0.4 * largest, 2 * _SMALLEST_UNIT), largest)
        elif rng.random() < 0.12:
            unit = _log_uniform(rng, _SMALLEST_UNIT, 2 * _SMALLEST_UNIT)
        else:
            unit = _log_uniform(rng, max(0.2 * largest, _SMALLEST_UNIT), largest)
        parts = pose(
            toy.sketch(rng),
            unit,
            angle=rng.uniform(-toy.tilt, toy.tilt),
            skew=rng.uniform(-0.15, 0.15),
            flip=rng.random() < 0.5,
        )
        placed = _place(rng, _fit(parts, size), size, taken)
        if placed is not None:
            objects.append((toy.name, placed))
    # What stands lower in the image is nearer, and hides what is behind it.
    return sorted(objects, key=lambda entry: bounds(entry[1])[3])


def lay_out_clutter(
    rng: np.random.Generator, size: tuple[int, int], count: int, largest: float
) -> list[list[Part]]:
    """Things of no class, up to ``largest`` of the shorter side of the image."""
    clutter = []
    for _ in range(count):
        unit = _log_uniform(rng, 0.05 * min(size), largest * min(size))
        angle = rng.uniform(0, 360)
        parts = pose(_distractor(rng), unit, angle, skew=0.0, flip=False)
        placed = _place(rng, parts, size, [])
        if placed is not None:
            clutter.append(placed)
    return clutter
