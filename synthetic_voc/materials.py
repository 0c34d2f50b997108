"""What the toys are made of: a range of colours and the textures that go with it.

Several classes share each material, so that a colour alone names no class.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Callable, Tuple

import numpy as np

from . import textures

Span = Tuple[float, float]


@dataclass(frozen=True)
class Material:
    """Ranges of hue (in degrees), saturation and value, and textures to choose from.

    Attributes:
        contrast: The greatest distance between the two colours of the texture.
    """

    hue: Span
    saturation: Span
    value: Span
    textures: tuple[Callable, ...]
    contrast: float = 0.3


MATERIALS = {
    'lacquer': Material(
        (0, 360), (0.1, 0.9), (0.3, 0.95), (textures.mottle, textures.gloss)
    ),
    'cloth': Material(
        (0, 360),
        (0.1, 0.8),
        (0.2, 0.95),
        (textures.mottle, textures.stripes, textures.checks, textures.spots),
        contrast=0.5,
    ),
    'fur': Material(
        (12, 42),
        (0.05, 0.65),
        (0.15, 0.95),
        (textures.fur, textures.patches, textures.tabby, textures.spots),
        contrast=0.6,
    ),
    'fleece': Material((20, 50), (0.0, 0.25), (0.45, 1.0), (textures.curls,)),
    'feather': Material((0, 360), (0.05, 0.7), (0.15, 0.9), (textures.fur,), 0.4),
    'skin': Material((10, 28), (0.25, 0.55), (0.35, 0.95), (textures.mottle,), 0.1),
    'wood': Material((15, 40), (0.3, 0.75), (0.25, 0.8), (textures.grain,)),
    'leaf': Material((65, 150), (0.3, 0.8), (0.25, 0.75), (textures.fur,)),
    'bottle': Material((20, 200), (0.2, 0.8), (0.2, 0.75), (textures.gloss,)),
    'glass': Material((180, 230), (0.05, 0.35), (0.15, 0.6), (textures.gloss,)),
    'screen': Material((150, 260), (0.1, 0.7), (0.1, 0.75), (textures.mottle,), 0.5),
    'paper': Material((0, 360), (0.0, 0.5), (0.75, 1.0), (textures.stripes,)),
    'rubber': Material((0, 360), (0.0, 0.2), (0.06, 0.22), (textures.mottle,), 0.1),
    'chrome': Material((0, 360), (0.0, 0.1), (0.65, 0.95), (textures.gloss,), 0.35),
    'lamp': Material((30, 55), (0.4, 0.9), (0.8, 1.0), (textures.gloss,), 0.15),
}


def to_bgr(hue: float, saturation: float, value: float) -> np.ndarray:
    """A colour in OpenCV's order, float32 in [0, 1]."""
    rgb = colorsys.hsv_to_rgb(hue / 360, saturation, value)
    return np.array(rgb[::-1], dtype=np.float32)


def pick_colour(rng: np.random.Generator, material: Material) -> np.ndarray:
    """A colour from the ranges of the material."""
    return to_bgr(
        rng.uniform(*material.hue) % 360,
        rng.uniform(*material.saturation),
        rng.uniform(*material.value),
    )
