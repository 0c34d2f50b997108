"""Procedural textures: each maps a random generator and a size to a field in [0, 1].

A field says, per pixel, how much of a second colour shows in the first. ``unit`` is the
pixel size of the thing that wears the texture, so that a pattern grows with its wearer
and does not give away how large the wearer is.
"""

from __future__ import annotations

import math
from typing import Tuple

import cv2
import numpy as np

Size = Tuple[int, int]


def _enlarge(grid: np.ndarray, size: Size, smooth: bool) -> np.ndarray:
    kind = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    field = cv2.resize(grid, size[::-1], interpolation=kind)
    return np.clip(field, 0, 1, out=field) if smooth else field  # cubics overshoot


def value_noise(
    rng: np.random.Generator, size: Size, cells_y: float, cells_x: float
) -> np.ndarray:
    """Smooth noise: random values on a coarse grid, interpolated."""
    rows = max(2, min(math.ceil(cells_y), size[0]) + 1)
    columns = max(2, min(math.ceil(cells_x), size[1]) + 1)
    grid = rng.random((rows, columns), dtype=np.float32)
    # A coarse grid would show through linear interpolation; in a fine one it is lost.
    return _enlarge(grid, size, smooth=rows * columns * 64 < size[0] * size[1])


def _sharpen(field: np.ndarray, threshold: float, softness: float) -> np.ndarray:
    return np.clip((field - threshold) / softness + 0.5, 0, 1)


def _wave(
    rng: np.random.Generator, size: Size, period: float, angle: float, warp: float
) -> np.ndarray:
    """Parallel waves, bent by ``warp`` radians of noise."""
    y = np.arange(size[0], dtype=np.float32)[:, None]
    x = np.arange(size[1], dtype=np.float32)[None, :]
    frequency = 2 * np.pi / max(period, 2.5)
    phase = y * np.float32(np.sin(angle) * frequency)
    phase = phase + x * np.float32(np.cos(angle) * frequency)
    if warp:
        phase += np.float32(warp) * value_noise(rng, size, 5, 5)
    return 0.5 + 0.5 * np.sin(phase + np.float32(rng.uniform(0, 6.28)))


def mottle(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Fractal noise in three octaves: dirt, clouds, plaster."""
    rows, columns = math.ceil(3 * size[0] / unit) + 1, math.ceil(3 * size[1] / unit) + 1
    field = rng.random((rows, columns), dtype=np.float32)
    # Each octave is added on the grid of its own size; only the last one is enlarged
    # to full size, which is where the time goes.
    for share in (0.4, 0.25):
        rows, columns = 3 * rows, 3 * columns
        finer = rng.random((rows, columns), dtype=np.float32)
        field = _enlarge(field, (rows, columns), smooth=True)
        field += np.float32(share) * (finer - field)
    return _enlarge(field, size, smooth=False)


def fur(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Short strands, along or across."""
    fine, coarse = 40 / unit, 9 / unit
    if rng.random() < 0.5:
        fine, coarse = coarse, fine
    strands = value_noise(rng, size, fine * size[0], coarse * size[1])
    return 0.6 * strands + 0.4 * value_noise(rng, size, 4, 4)


def curls(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Small round lumps."""
    cells = 16 / unit
    field = value_noise(rng, size, cells * size[0], cells * size[1])
    return _sharpen(field, 0.5, 0.7)


def stripes(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Straight bands."""
    period = unit / rng.uniform(5, 10)
    return _sharpen(_wave(rng, size, period, rng.uniform(0, np.pi), 0), 0.5, 0.4)


def tabby(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Wavering dark bands, as on a cat."""
    period = unit / rng.uniform(6, 10)
    return _sharpen(_wave(rng, size, period, rng.uniform(-0.4, 0.4), 5), 0.65, 0.5)


def checks(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Two crossing bands, as on a shirt."""
    period, angle = unit / rng.uniform(4, 8), rng.uniform(0, np.pi / 2)
    one = _sharpen(_wave(rng, size, period, angle, 0), 0.5, 0.3)
    other = _sharpen(_wave(rng, size, period, angle + np.pi / 2, 0), 0.5, 0.3)
    return 0.5 * (one + other)


def patches(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """A few large blots, as on a cow."""
    cells = rng.uniform(3, 5) / unit
    field = value_noise(rng, size, cells * size[0], cells * size[1])
    return _sharpen(field, rng.uniform(0.45, 0.62), 0.12)


def spots(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Many small dots."""
    cells = rng.uniform(9, 14) / unit
    field = value_noise(rng, size, cells * size[0], cells * size[1])
    return _sharpen(field, 0.72, 0.2)


def grain(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """The rings of a board."""
    period = unit / rng.uniform(9, 16)
    return _wave(rng, size, period, rng.choice([0.05, np.pi / 2 - 0.05]), 8)


def gloss(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Broad soft reflections."""
    return _wave(rng, size, unit / rng.uniform(1, 2.5), rng.uniform(0.4, 1.2), 1)


def bricks(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Courses of stones with joints between them; every stone has its own shade."""
    tall = max(4, int(unit / rng.uniform(12, 24)))
    wide = tall * int(rng.integers(2, 4))
    y, x = np.arange(size[0])[:, None], np.arange(size[1])[None, :]
    row = y // tall
    x = x + (row % 2) * (wide // 2)
    shade = rng.random((size[0] // tall + 1, size[1] // wide + 2), dtype=np.float32)
    field = 0.25 + 0.45 * shade[row, x // wide]
    joint = max(1, tall // 8)
    return np.where((y % tall < joint) | (x % wide < joint), np.float32(1), field)


def grass(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Upright blades over uneven ground."""
    blades = value_noise(rng, size, size[0] / 9, size[1] / 2)
    return 0.6 * blades + 0.4 * mottle(rng, size, unit)


def ripples(rng: np.random.Generator, size: Size, unit: float) -> np.ndarray:
    """Flat waves, as on water."""
    return 0.5 * _wave(rng, size, unit / 18, np.pi / 2, 12) + 0.5 * value_noise(
        rng, size, 30, 6
    )
