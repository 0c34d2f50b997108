"""Toys that live: each function sketches one, facing right, feet near y = 1."""

from __future__ import annotations

import numpy as np

from .outlines import Part, Sketch, box, cloud, ellipse, limb, mirrored, polygon, smooth


def _legs(
    rng: np.random.Generator, xs: tuple, top: float, width: float, paint: str
) -> Sketch:
    """Four legs from the belly to the ground; the far pair is darker."""
    stride = rng.uniform(-0.12, 0.12)
    far = [
        Part(limb((x, top), (x + 0.1 + stride, 0.97), width, 0.75 * width), paint, 0.7)
        for x in xs
    ]
    near = [
        Part(limb((x, top), (x - stride, 0.97), width, 0.75 * width), paint) for x in xs
    ]
    return far + near


def _eye(x: float, y: float, size: float = 0.03) -> Part:
    return Part(ellipse(x, y, size), 'rubber')


def bird(rng: np.random.Generator) -> Sketch:
    """A drop-shaped body with beak and tail; perched, or wings raised in flight."""
    plump = rng.uniform(0.22, 0.3)
    head = (0.42, 0.25)
    beak = rng.uniform(0.16, 0.26)
    body = smooth((0.5, 0.25), (0.5, 0.6), (0.1, 0.5 + plump), (-0.4, 0.62),
                  (-0.3, 0.42), (0.1, 0.3))  # fmt: skip
    tail = polygon((-0.2, 0.5), (-0.85, 0.58), (-0.8, 0.76), (-0.2, 0.66))
    face = [
        Part(polygon((0.54, 0.17), (0.58 + beak, 0.27), (0.54, 0.33)), 'lamp/beak'),
        Part(ellipse(*head, 0.17), 'feather'),
        _eye(0.47, 0.22),
    ]
    if rng.random() < 0.4:
        lift = rng.uniform(0.35, 0.6)
        far = polygon((0.25, 0.45), (-0.05, 0.45), (0.2, -lift), (0.45, -lift + 0.1))
        near = polygon((0.2, 0.5), (-0.25, 0.52), (-0.5, -lift), (-0.2, -lift + 0.05))
        return [
            Part(tail, 'feather/wing'),
            Part(far, 'feather/wing', 0.7),
            Part(body, 'feather'),
            *face,
            Part(near, 'feather/wing'),
        ]
    feet = [
        Part(limb((x, 0.7), (x + 0.06, 1.0), 0.045), 'lamp/beak') for x in (0, 0.15)
    ]
    wing = smooth((0.25, 0.42), (0.15, 0.68), (-0.5, 0.7), (-0.2, 0.45))
    return [
        *feet,
        Part(tail, 'feather/wing'),
        Part(body, 'feather'),
        *face,
        Part(wing, 'feather/wing'),
    ]


def _cat_head(x: float, y: float, r: float) -> Sketch:
    ears = [
        Part(
            polygon((x + s * r * 0.95, y - r * 1.55), (x + s * r * 0.1, y - r * 0.7),
                    (x + s * r * 0.95, y - r * 0.2)),
            'fur',
            0.85,
        )
        for s in (-1, 1)
    ]  # fmt: skip
    return [
        *ears,
        Part(ellipse(x, y, r, 0.88 * r), 'fur'),
        _eye(x - 0.38 * r, y - 0.1 * r, 0.16 * r),
        _eye(x + 0.38 * r, y - 0.1 * r, 0.16 * r),
        Part(ellipse(x, y + 0.42 * r, 0.3 * r, 0.22 * r), 'chrome'),
        Part(ellipse(x, y + 0.32 * r, 0.1 * r, 0.08 * r), 'rubber'),
    ]


def cat(rng: np.random.Generator) -> Sketch:
    """A round head with pointed ears and a long thin tail; sitting or standing."""
    r = rng.uniform(0.2, 0.25)
    if rng.random() < 0.5:
        curl = rng.uniform(0.55, 0.75)
        body = smooth((-0.12, 0.35), (0.14, 0.35), (0.36, 1.05), (-0.36, 1.05))
        return [
            Part(limb((0.2, 0.93), (curl, 0.8), 0.1), 'fur', 0.85),
            Part(limb((curl, 0.8), (curl + 0.05, 0.45), 0.1, 0.06), 'fur', 0.85),
            Part(body, 'fur'),
            Part(limb((-0.1, 0.65), (-0.1, 0.95), 0.11), 'fur', 0.9),
            Part(limb((0.1, 0.65), (0.1, 0.95), 0.11), 'fur', 0.9),
            *_cat_head(0, 0.32, r),
        ]
    tip = rng.uniform(-0.05, 0.25)
    return [
        Part(limb((-0.5, 0.5), (-0.72, 0.35), 0.09), 'fur'),
        Part(limb((-0.72, 0.35), (-0.72, tip), 0.09, 0.06), 'fur'),
        *_legs(rng, (-0.42, 0.32), 0.65, 0.12, 'fur'),
        Part(box(-0.58, 0.42, 0.48, 0.78, 0.17), 'fur'),
        *_cat_head(0.55, 0.36, r),
    ]


def dog(rng: np.random.Generator) -> Sketch:
    """A head with a long muzzle and hanging ears, the tail up; sitting or standing."""
    muzzle = rng.uniform(0.26, 0.4)
    ear = rng.uniform(0.24, 0.36)

    def head(x: float, y: float) -> Sketch:
        return [
            Part(ellipse(x, y, 0.19, 0.18), 'fur'),
            Part(limb((x + 0.08, y + 0.06), (x + muzzle, y + 0.09), 0.2, 0.14), 'fur'),
            Part(ellipse(x + muzzle + 0.05, y + 0.06, 0.05), 'rubber'),
            _eye(x + 0.09, y - 0.04),
            Part(limb((x - 0.08, y - 0.08), (x - 0.12, y + ear), 0.13, 0.17),
                 'fur/ear', 0.8),
        ]  # fmt: skip

    if rng.random() < 0.35:
        body = smooth((0.1, 0.35), (0.32, 0.5), (0.3, 1.02), (-0.5, 1.04), (-0.3, 0.6))
        return [
            Part(limb((-0.35, 0.9), (-0.68, 0.66), 0.11, 0.07), 'fur'),
            Part(body, 'fur'),
            Part(limb((0.2, 0.6), (0.24, 0.96), 0.13), 'fur', 0.92),
            *head(0.2, 0.26),
        ]
    wag = rng.uniform(-0.85, -0.65)
    return [
        Part(limb((-0.5, 0.42), (wag, rng.uniform(0.02, 0.2)), 0.12, 0.06), 'fur'),
        *_legs(rng, (-0.45, 0.3), 0.6, 0.13, 'fur'),
        Part(box(-0.6, 0.36, 0.45, 0.7, 0.15), 'fur'),
        Part(limb((0.35, 0.48), (0.52, 0.25), 0.26, 0.22), 'fur'),
        *head(0.58, 0.18),
    ]


def horse(rng: np.random.Generator) -> Sketch:
    """Long legs, a rising neck with a mane, a long head, a hanging tail."""
    rise = rng.uniform(-0.32, -0.12)
    poll = (rng.uniform(0.72, 0.85), rise)
    nose = (poll[0] + 0.3, rise + rng.uniform(0.2, 0.32))
    return [
        Part(limb((-0.55, 0.32), (-0.75, 0.78), 0.12, 0.15), 'fur/mane'),
        *_legs(rng, (-0.45, 0.38), 0.5, 0.13, 'fur'),
        Part(smooth((-0.68, 0.25), (0, 0.28), (0.6, 0.2), (0.6, 0.62), (0, 0.62),
                    (-0.68, 0.66)), 'fur'),
        Part(limb((0.4, 0.38), poll, 0.34, 0.18), 'fur'),
        Part(limb(poll, nose, 0.2, 0.13), 'fur'),
        Part(polygon((poll[0] - 0.04, rise), (poll[0] - 0.06, rise - 0.2),
                     (poll[0] + 0.08, rise - 0.05)), 'fur'),
        Part(limb((0.24, 0.26), (poll[0] - 0.1, rise - 0.03), 0.12, 0.1), 'fur/mane'),
        _eye(poll[0] + 0.1, rise + 0.03),
    ]  # fmt: skip


def cow(rng: np.random.Generator) -> Sketch:
    """A heavy box of a body on short legs, a low head with horns, an udder."""
    head = (rng.uniform(0.82, 0.92), rng.uniform(0.28, 0.4))
    horn = rng.uniform(0.14, 0.22)
    x, y = head
    return [
        Part(limb((-0.72, 0.26), (-0.82, 0.68), 0.05, 0.1), 'fur'),
        *_legs(rng, (-0.52, 0.42), 0.7, 0.15, 'fur'),
        Part(ellipse(-0.22, 0.74, 0.15, 0.1), 'skin'),
        Part(box(-0.75, 0.2, 0.68, 0.76, 0.14), 'fur'),
        Part(limb((0.55, 0.42), head, 0.36, 0.28), 'fur'),
        Part(limb((x - 0.02, y - 0.12), (x - 0.1, y - 0.14 - horn), 0.08, 0.03),
             'chrome'),
        Part(limb((x + 0.08, y - 0.12), (x + 0.18, y - 0.12 - horn), 0.08, 0.03),
             'chrome'),
        Part(limb((x, y - 0.08), (x - 0.18, y - 0.04), 0.09, 0.07), 'fur', 0.8),
        Part(limb((x, y), (x + 0.16, y + 0.24), 0.28, 0.22), 'fur'),
        Part(ellipse(x + 0.18, y + 0.28, 0.13, 0.1), 'skin'),
        _eye(x + 0.08, y, 0.035),
    ]  # fmt: skip


def sheep(rng: np.random.Generator) -> Sketch:
    """A cloud of fleece on thin dark legs, with a small dark face."""
    face = (rng.uniform(0.56, 0.66), rng.uniform(0.32, 0.46))
    bare = 'rubber' if rng.random() < 0.6 else 'skin'
    x, y = face
    return [
        *_legs(rng, (-0.35, 0.28), 0.7, 0.09, bare),
        Part(cloud(rng, -0.05, 0.5, 0.66, 0.36, int(rng.integers(9, 13))), 'fleece'),
        Part(limb((x - 0.06, y - 0.06), (x - 0.2, y + 0.04), 0.1), bare, 0.85),
        Part(smooth((x - 0.12, y - 0.2), (x + 0.12, y - 0.2), (x + 0.3, y + 0.24),
                    (x + 0.1, y + 0.28)), bare),
        Part(cloud(rng, x - 0.02, y - 0.14, 0.15, 0.11, 6), 'fleece'),
        Part(ellipse(x + 0.08, y, 0.03), 'chrome'),
    ]  # fmt: skip


def _arm(side: int, shoulder: float, hand: float, sleeve: str) -> Sketch:
    """An arm whose hand is at the height ``hand``; at its own height it stretches."""
    elbow = (side * (shoulder + 0.14), 0.18 + 0.5 * hand)
    reach = shoulder + 0.14 + 0.3 * (0.3 - abs(hand - 0.25))
    return [
        Part(limb((side * shoulder, 0.28), elbow, 0.1), sleeve),
        Part(limb(elbow, (side * reach, hand), 0.08, 0.07), 'skin'),
    ]


def person(rng: np.random.Generator) -> Sketch:
    """Head, trunk, two arms and two legs; standing, walking or waving."""
    build = rng.uniform(0.11, 0.16)
    step = rng.uniform(0.04, 0.2)
    hips = 0.58
    sleeve = 'cloth' if rng.random() < 0.6 else 'skin'
    hands = rng.choice([-0.06, 0.1, 0.3, 0.52], 2).tolist()
    trunk = [(build + 0.06, 0.22), (build + 0.02, hips + 0.1)]
    legs = [
        Part(
            limb((s * 0.08, hips), (s * step, 0.95), 0.16, 0.1), 'cloth/trousers', tone
        )
        for s, tone in ((-1, 0.85), (1, 1.0))
    ]
    hair = [Part(ellipse(0, 0.08, 0.125, 0.14), 'fur/hair')]
    if rng.random() < 0.4:
        hair.append(Part(box(-0.13, 0.06, 0.13, 0.26, 0.05), 'fur/hair'))
    return [
        *hair,
        Part(limb((-step, 0.98), (0.06 - step, 0.98), 0.07), 'rubber'),
        Part(limb((step, 0.98), (0.06 + step, 0.98), 0.07), 'rubber'),
        *legs,
        *_arm(-1, build, hands[0], sleeve),
        *_arm(1, build, hands[1], sleeve),
        Part(limb((0, 0.15), (0, 0.26), 0.08), 'skin', 0.85),
        Part(smooth(*mirrored(trunk)[0]), 'cloth'),
        Part(ellipse(0.01, 0.11, 0.1, 0.12), 'skin'),
        _eye(-0.03, 0.1, 0.014),
        _eye(0.05, 0.1, 0.014),
    ]
