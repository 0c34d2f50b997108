"""Draw a scene: lay it out, paint it from back to front, note what is to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

from .classes import CLASS_NAMES, TOY_CLASSES
from .domains import DOMAINS, Domain
from .layout import choose_image_size, lay_out_clutter, lay_out_objects
from .outlines import Part
from .rendering import Sprite, cast_shadow, draw_parts, paste

_DIFFICULT_UNIT = 16.0
_DIFFICULT_SHARE = 0.45  # of the object that is to be seen
_HIDDEN_SHARE = 0.15  # below it an object counts as background


@dataclass(frozen=True)
class Annotation:
    """One object of a scene.

    Attributes:
        name: Its VOC class.
        box: Tight around the pixels that are to be seen, as Pascal VOC asks: left, top,
            right, bottom in pixels, from 0, where right and bottom are exclusive.
        truncated: Whether the border of the image cuts it.
        difficult: Whether it is tiny or mostly hidden.
        label: Its value in :attr:`Scene.owner`.
    """

    name: str
    box: tuple[int, int, int, int]
    truncated: bool
    difficult: bool
    label: int


@dataclass(frozen=True)
class Scene:
    """A drawn scene.

    Attributes:
        image: The (height, width, 3) uint8 picture, BGR as in OpenCV.
        annotations: Its objects.
        owner: Per pixel, the label of the object to be seen there; 0 for none.
        jpeg_quality: The quality at which the camera stores it.
    """

    image: np.ndarray
    annotations: list[Annotation]
    owner: np.ndarray
    jpeg_quality: int


def _extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The tight box of a mask: left, top, right, bottom, the latter two exclusive."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _annotate(
    name: str, sprite: Sprite, owner: np.ndarray, label: int
) -> Annotation | None:
    """What there is to say about an object once all others are drawn."""
    whole, seen = sprite.cover >= 0.5, owner == label
    share = np.count_nonzero(seen) / np.count_nonzero(whole)
    if share <= _HIDDEN_SHARE:
        return None
    left, top, right, bottom = _extent(seen)
    x0, y0, x1, y1 = _extent(whole)
    shift_x, shift_y = sprite.left, sprite.top
    truncated = (
        min(x0 + shift_x, y0 + shift_y) < 0
        or x1 + shift_x > owner.shape[1]
        or y1 + shift_y > owner.shape[0]
    )
    tiny = (right - left) * (bottom - top) < _DIFFICULT_UNIT**2
    difficult = bool(tiny or share < _DIFFICULT_SHARE)
    return Annotation(name, (left, top, right, bottom), truncated, difficult, label)


def _compose(
    objects: list[tuple[str, list[Part]]],
    behind: list[list[Part]],
    before: list[list[Part]],
    domain: Domain,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Scene:
    image = domain.background(rng, size)
    owner = np.zeros(size, np.uint8)
    for parts in behind:
        paste(image, owner, draw_parts(parts, domain, rng), label=0)
    sprites = []
    for label, (_, parts) in enumerate(objects, start=1):
        sprite = draw_parts(parts, domain, rng)
        if domain.casts_shadows:
            cast_shadow(image, sprite)
        paste(image, owner, sprite, label)
        sprites.append(sprite)
    for parts in before:
        paste(image, owner, draw_parts(parts, domain, rng), label=0)
    found = [
        _annotate(name, sprite, owner, label)
        for label, ((name, _), sprite) in enumerate(zip(objects, sprites), start=1)
    ]
    picture, quality = domain.develop(rng, image)
    return Scene(picture, [entry for entry in found if entry], owner, quality)


def draw_scene(
    seed: int | Sequence[int],
    domain: str = 'photo',
    size: int = 320,
    star: str | None = None,
    classes: Sequence[str] = CLASS_NAMES,
) -> Scene:
    """Draw one scene.

    The seed alone settles the objects; the domain only paints them. The same seed thus
    has the same annotations in both domains.

    Args:
        seed: An integer or several.
        domain: ``photo`` or ``clipart``.
        size: The longest side of the image.
        star: A class that shall be among the objects, large enough to be seen.
        classes: What else is drawn is one of these.

    Returns:
        The picture with its annotations.
    """
    if domain not in DOMAINS:
        raise ValueError(f'Choose a domain of {sorted(DOMAINS)}, not {domain!r}.')
    known = {toy.name: toy for toy in TOY_CLASSES}
    if star not in (None, *known):
        raise ValueError(
            f'Choose a star of the VOC classes {", ".join(known)}, not {star!r}.'
        )
    layout_seed, paint_seed = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(layout_seed)
    shape = choose_image_size(rng, size)
    choice = [known[name] for name in classes]
    objects = lay_out_objects(rng, shape, known[star] if star else None, choice)
    behind = lay_out_clutter(rng, shape, int(rng.integers(0, 6)), 0.4)
    before = lay_out_clutter(rng, shape, int(rng.random() < 0.3), 0.12)
    painter = np.random.default_rng(paint_seed)
    return _compose(objects, behind, before, DOMAINS[domain], shape, painter)
