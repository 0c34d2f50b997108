"""The two looks a scene can have: textured ``photo`` and flat ``clipart``.

A domain decides on colours and surfaces only. Where things are, and what shape they
have, is settled before; one scene drawn in both domains has the same boxes in both.
"""

from __future__ import annotations

from typing import Protocol, Tuple

import cv2
import numpy as np

from . import textures
from .materials import MATERIALS, Material, pick_colour, to_bgr

Size = Tuple[int, int]


class Brush(Protocol):
    """Paints one object; it keeps one colour for each paint of the object."""

    ink: np.ndarray | None  # The colour of the outlines; None draws none.

    def coat(self, paint: str) -> np.ndarray:
        """The (height, width, 3) sheet of colour from which a part is cut."""

    def shade(self, colour: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """Light and shadow over the finished object."""


class Domain(Protocol):
    """A look: backgrounds, brushes and what the camera adds."""

    casts_shadows: bool

    def background(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """An empty (height, width, 3) scene in [0, 1]."""

    def brush(self, rng: np.random.Generator, size: Size, unit: float) -> Brush:
        """A brush for one object of ``unit`` pixels on a sheet of ``size``."""

    def develop(
        self, rng: np.random.Generator, image: np.ndarray
    ) -> tuple[np.ndarray, int]:
        """The uint8 picture that the camera makes, and its JPEG quality."""


def _material(paint: str) -> Material:
    return MATERIALS[paint.partition('/')[0]]


def _ramp(size: Size, angle: float) -> np.ndarray:
    """A plane that falls from 0.5 to -0.5 across the sheet, towards ``angle``."""
    y = np.linspace(-0.5, 0.5, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-0.5, 0.5, size[1], dtype=np.float32)[None, :]
    return -(x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)))


def _blend(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The sheet that goes from one colour to another as ``share`` goes to 1."""
    share = share.astype(np.float32, copy=False)
    return cv2.merge([a + (b - a) * share for a, b in zip(one, other)])


def _dim(sheet: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Each channel times the light. Merging it first is faster than broadcasting."""
    return sheet * cv2.merge([light.astype(np.float32, copy=False)] * 3)


def _to_uint8(image: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(np.maximum(image, 0), alpha=255)  # rounds, cuts at 255


class _PhotoBrush:
    ink: np.ndarray | None = None

    def __init__(self, rng: np.random.Generator, size: Size, unit: float) -> None:
        self._rng, self._size, self._unit = rng, size, unit
        self._coats: dict[str, np.ndarray] = {}
        self._light = rng.uniform(np.pi, 2 * np.pi)  # from above, left or right

    def coat(self, paint: str) -> np.ndarray:
        if paint not in self._coats:
            rng, material = self._rng, _material(paint)
            one = pick_colour(rng, material)
            # The second colour of the texture is another one of the same material,
            # pulled towards the first as far as the contrast demands.
            other = pick_colour(rng, material)
            reach = material.contrast / max(float(np.abs(other - one).max()), 1e-3)
            other = one + (other - one) * np.float32(min(1.0, reach))
            texture = material.textures[rng.integers(len(material.textures))]
            field = texture(rng, self._size, self._unit)
            self._coats[paint] = _blend(one, other, field)
        return self._coats[paint]

    def shade(self, colour: np.ndarray, cover: np.ndarray) -> np.ndarray:
        # Near the rim, less of the surroundings is covered: darker, as if round.
        blur = max(1.0, 0.04 * self._unit)
        rim = cv2.GaussianBlur(cover, (0, 0), blur)
        light = 0.72 + 0.3 * rim + 0.3 * _ramp(self._size, self._light + np.pi)
        grime = textures.mottle(self._rng, self._size, self._unit)
        return _dim(colour, light * (0.82 + 0.36 * grime))


class Photo:
    """Textured things in an uneven light, through an imperfect camera."""

    casts_shadows = True

    def background(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """A textured wall or sky above a textured floor, with or without a horizon."""
        unit = float(max(size))
        surfaces = (
            textures.mottle, textures.bricks, textures.grass, textures.stripes,
            textures.ripples, textures.grain, textures.gloss, textures.curls,
        )  # fmt: skip

        def surface(height: int) -> np.ndarray:
            texture = surfaces[rng.integers(len(surfaces))]
            hue, saturation = rng.uniform(0, 360), 0.6 * rng.random() ** 2
            value = rng.uniform(0.25, 0.9)
            contrast = rng.uniform(0.05, 0.3) * rng.choice([-1, 1])
            one = to_bgr(hue, saturation, value)
            other = to_bgr(
                (hue + rng.uniform(-30, 30)) % 360,
                saturation,
                float(np.clip(value + contrast, 0.1, 1)),
            )
            return _blend(one, other, texture(rng, (height, size[1]), unit))

        horizon = int(size[0] * rng.uniform(0.3, 0.75)) if rng.random() < 0.65 else 0
        parts = [surface(height) for height in (horizon, size[0] - horizon) if height]
        image = np.concatenate(parts)
        stain = textures.mottle(rng, size, unit) - 0.5
        light = (
            1 + 0.3 * stain + rng.uniform(0, 0.5) * _ramp(size, rng.uniform(0, 6.28))
        )
        return _dim(image, light)

    def brush(self, rng: np.random.Generator, size: Size, unit: float) -> Brush:
        """A brush that textures and shades."""
        return _PhotoBrush(rng, size, unit)

    def develop(
        self, rng: np.random.Generator, image: np.ndarray
    ) -> tuple[np.ndarray, int]:
        """Exposure, colour cast, blur and sensor noise, each of them slight."""
        if rng.random() < 0.4:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9))
        noise = rng.standard_normal(image.shape[:2], dtype=np.float32)
        noise *= np.float32(rng.uniform(0, 0.03))
        picture = _to_uint8(image + cv2.merge([noise] * 3))
        levels = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.8, 1.25)
        curves = _to_uint8(levels * rng.uniform(0.92, 1.08, 3))
        return cv2.LUT(picture, curves[:, None]), int(rng.integers(70, 96))


class _ClipartBrush:
    # Each object is by another artist. 'true' keeps the colours of the material, 'free'
    # takes any, 'line' leaves the paper white: colours alone do not tell classes apart.
    _HANDS = ('true', 'free', 'line')

    def __init__(self, rng: np.random.Generator, size: Size) -> None:
        self._rng, self._size = rng, size
        self._hand = rng.choice(self._HANDS)
        self._colours: dict[str, np.ndarray] = {}
        self.ink: np.ndarray | None = to_bgr(
            rng.uniform(0, 360), 0.3, rng.uniform(0.02, 0.15)
        )

    def coat(self, paint: str) -> np.ndarray:
        if paint not in self._colours:
            self._colours[paint] = self._choose(_material(paint))
        return np.broadcast_to(self._colours[paint], (*self._size, 3))

    def _choose(self, material: Material) -> np.ndarray:
        rng = self._rng
        if self._hand == 'line':
            return to_bgr(rng.uniform(0, 360), rng.uniform(0, 0.1), 0.97)
        if self._hand == 'free':
            return to_bgr(rng.uniform(0, 360), rng.uniform(0.3, 1), rng.uniform(0.5, 1))
        colour = pick_colour(rng, material)
        # Felt pens are bright: stretch the distance from the grey of the colour.
        grey = colour.mean()
        return np.clip(grey * 1.1 + 1.5 * (colour - grey), 0, 1)

    def shade(self, colour: np.ndarray, cover: np.ndarray) -> np.ndarray:
        return colour


class Clipart:
    """Flat colours, or none, and dark outlines on paper."""

    casts_shadows = False

    def background(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Plain paper, comic dots, sunrays or two flat fields."""
        hue = rng.uniform(0, 360)
        one = to_bgr(hue, rng.uniform(0.0, 0.35), rng.uniform(0.85, 1.0))
        other = to_bgr((hue + rng.uniform(-60, 60)) % 360, rng.uniform(0.1, 0.5), 0.9)
        y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
        kind = rng.choice(['paper', 'dots', 'rays', 'fields'])
        if kind == 'dots':
            step = max(size) / rng.uniform(20, 45)
            radius = rng.uniform(0.2, 0.38) * step
            dx, dy = x % step - step / 2, y % step - step / 2
            share = np.clip(radius - np.hypot(dx, dy) + 0.5, 0, 1)
        elif kind == 'rays':
            turn = np.arctan2(y - rng.uniform(0.4, 1) * size[0], x - size[1] / 2)
            share = np.clip(8 * np.sin(turn * rng.integers(8, 16)) + 0.5, 0, 1)
        elif kind == 'fields':
            share = np.clip(y - rng.uniform(0.4, 0.8) * size[0], 0, 1)
        else:
            share = 0.12 * rng.random(size, dtype=np.float32)
        return _blend(one, other, share)

    def brush(self, rng: np.random.Generator, size: Size, unit: float) -> Brush:
        """A brush that fills flatly and draws outlines."""
        return _ClipartBrush(rng, size)

    def develop(
        self, rng: np.random.Generator, image: np.ndarray
    ) -> tuple[np.ndarray, int]:
        """The drawing as it is."""
        return _to_uint8(image), int(rng.integers(88, 98))


DOMAINS: dict[str, Domain] = {'photo': Photo(), 'clipart': Clipart()}
