"""Toys that stand in a room: each function sketches one, floor near y = 1."""

from __future__ import annotations

import numpy as np

from .outlines import Part, Sketch, box, ellipse, limb, mirrored, polygon, smooth


def bottle(rng: np.random.Generator) -> Sketch:
    """A narrow neck, shoulders, a straight body; a cap and often a label."""
    neck = rng.uniform(0.045, 0.07)
    body = rng.uniform(0.13, 0.19)
    shoulder = rng.uniform(0.3, 0.42)
    glass = mirrored([
        (neck, 0.05), (neck, shoulder - 0.12), (0.6 * body, shoulder - 0.05),
        (body, shoulder + 0.05), (body, 0.96), (0.85 * body, 1.0),
    ])  # fmt: skip
    label = [Part(box(-body, 0.55, body, 0.82), 'paper')] if rng.random() < 0.7 else []
    return [
        Part(glass, 'bottle'),
        Part(box(-0.75 * body, shoulder + 0.06, -0.45 * body, 0.92), 'bottle', 1.35),
        *label,
        Part(box(-1.3 * neck, 0, 1.3 * neck, 0.09, 0.015), 'lacquer/cap'),
    ]


def chair(rng: np.random.Generator) -> Sketch:
    """A tall back and a seat on four thin legs, seen from one side."""
    material = str(rng.choice(['wood', 'lacquer', 'cloth']))
    frame = 'wood/frame' if rng.random() < 0.5 else 'chrome'
    depth = rng.uniform(0.14, 0.24)
    right, seat = 0.5, rng.uniform(0.52, 0.58)
    back = depth * 0.35
    leg = rng.uniform(0.05, 0.07)
    legs = [
        Part(limb((x, y), (x + lean, foot), leg), frame, tone)
        for x, y, foot, lean, tone in (
            (0.06, seat, 0.86, 0.0, 0.65),
            (right - 0.04, seat, 0.86, 0.02, 0.65),
            (depth * 0.9, seat + 0.1, 1.0, -0.02, 1.0),
            (right + depth - 0.08, seat + 0.1, 1.0, 0.02, 1.0),
        )
    ]
    top = polygon((0, seat), (right, seat), (right + depth, seat + 0.12),
                  (depth, seat + 0.12))  # fmt: skip
    if rng.random() < 0.5:
        rest = [Part(box(0, 0, right, seat - 0.08, 0.06), material, 0.9)]
    else:
        rails = [limb((x, 0.03), (x, seat), 0.07) for x in (0.04, right - 0.04)]
        slats = [box(0.04, y, right - 0.04, y + 0.1) for y in (0.02, 0.18, 0.34)]
        rest = [Part(shape, material, 0.9) for shape in rails + slats]
    lip = polygon(
        (depth, seat + 0.12),
        (right + depth, seat + 0.12),
        (right + depth, seat + 0.12 + back),
        (depth, seat + 0.12 + back),
    )
    return [*legs, *rest, Part(top, material), Part(lip, material, 0.75)]  # fmt: skip


def diningtable(rng: np.random.Generator) -> Sketch:
    """A wide top seen from above, legs below it, plates upon it."""
    width = rng.uniform(0.75, 1.0)
    near = rng.uniform(0.35, 0.45)
    material = 'cloth' if rng.random() < 0.3 else 'wood'
    if rng.random() < 0.4:
        top, rim = ellipse(0, 0.25, width, 0.22), ellipse(0, 0.31, width, 0.22)
        legs = [
            Part(limb((0, 0.3), (0, 0.95), 0.16), 'wood/leg', 0.8),
            Part(ellipse(0, 0.96, 0.4, 0.06), 'wood/leg', 0.7),
        ]
    else:
        top = polygon((-0.75 * width, 0.08), (0.75 * width, 0.08), (width, near),
                      (-width, near))  # fmt: skip
        rim = box(-width, near, width, near + 0.09)
        legs = [
            Part(box(x - 0.05, near, x + 0.05, foot), 'wood/leg', tone)
            for x, foot, tone in (
                (-0.65 * width, 0.82, 0.6),
                (0.65 * width, 0.82, 0.6),
                (0.07 - width, 1.0, 0.9),
                (width - 0.07, 1.0, 0.9),
            )
        ]
    plates = [
        Part(ellipse(x * width, rng.uniform(0.2, 0.28), 0.14, 0.06), 'chrome')
        for x in (-0.5, 0.0, 0.5)
        if rng.random() < 0.7
    ]
    return [*legs, Part(rim, material, 0.7), Part(top, material), *plates]


def pottedplant(rng: np.random.Generator) -> Sketch:
    """Leaves that fan out of a tapered pot."""
    top = rng.uniform(0.6, 0.68)
    broad = rng.uniform(0.07, 0.14)
    leaves = []
    for angle in np.linspace(-1.25, 1.25, int(rng.integers(6, 10))):
        turn = angle + rng.uniform(-0.12, 0.12)
        reach = rng.uniform(0.45, 0.65)
        along = np.array([np.sin(turn), -np.cos(turn)])
        across = np.array([np.cos(turn), np.sin(turn)]) * broad
        root = np.array([0.0, top])
        points = [root, root + 0.55 * reach * along + across, root + reach * along,
                  root + 0.55 * reach * along - across]  # fmt: skip
        leaf = smooth(*[(float(x), float(y)) for x, y in points])
        leaves.append(Part(leaf, 'leaf', rng.uniform(0.7, 1.15)))
    rng.shuffle(leaves)
    pot = mirrored([(0.25, top + 0.02), (0.16, 1.0)])
    return [
        *leaves,
        Part(pot, 'lacquer/pot'),
        Part(box(-0.28, top, 0.28, top + 0.09), 'lacquer/pot', 0.85),
    ]


def sofa(rng: np.random.Generator) -> Sketch:
    """A wide low back between two arms, cushions, short feet."""
    half = rng.uniform(0.7, 0.95)
    back = rng.uniform(0.12, 0.22)
    arm = rng.uniform(0.42, 0.5)
    seats = int(rng.integers(2, 4))
    step = (2 * half - 0.3) / seats
    cushions = [
        Part(
            box(0.15 - half + k * step, 0.55, 0.14 - half + (k + 1) * step, 0.74, 0.05),
            'cloth',
            1.25,
        )
        for k in range(seats)
    ]
    pillow = [Part(box(-0.45, 0.34, -0.15, 0.6, 0.06), 'cloth/pillow')]
    feet = (0.15 - half, half - 0.15)
    return [
        *[Part(box(x - 0.06, 0.9, x + 0.06, 1), 'wood') for x in feet],
        Part(box(0.05 - half, back, half - 0.05, 0.75, 0.1), 'cloth', 0.72),
        Part(box(-half, 0.7, half, 0.93, 0.04), 'cloth', 0.6),
        *cushions,
        *(pillow if rng.random() < 0.5 else []),
        Part(box(-half, arm, 0.2 - half, 0.93, 0.09), 'cloth'),
        Part(box(half - 0.2, arm, half, 0.93, 0.09), 'cloth'),
    ]


def tvmonitor(rng: np.random.Generator) -> Sketch:
    """A framed screen with a glare, on a stand."""
    half = rng.uniform(0.5, 0.75)
    frame = rng.uniform(0.04, 0.08)
    case = 'rubber' if rng.random() < 0.7 else 'chrome'
    glare = polygon((-half + 2 * frame, 2 * frame), (0.1 * half, 2 * frame),
                    (-0.5 * half, 0.6), (-half + 2 * frame, 0.6))  # fmt: skip
    return [
        Part(box(-0.08, 0.75, 0.08, 0.95), case, 0.8),
        Part(smooth((-0.4, 1.0), (-0.3, 0.9), (0.3, 0.9), (0.4, 1.0)), case),
        Part(box(-half, 0, half, 0.8, 0.03), case),
        Part(box(-half + frame, frame, half - frame, 0.8 - frame), 'screen'),
        Part(glare, 'screen', 1.3),
    ]
