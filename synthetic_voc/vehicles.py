"""Toys that move: each function sketches one, facing right, wheels near y = 1."""

from __future__ import annotations

import numpy as np

from .outlines import Part, Sketch, box, ellipse, limb, polygon, ring, smooth


def _wheel(x: float, radius: float) -> Sketch:
    return [
        Part(ellipse(x, 1 - radius, radius), 'rubber'),
        Part(ellipse(x, 1 - radius, radius * 0.5), 'chrome'),
    ]


def _panes(left: float, right: float, top: float, bottom: float, n: int) -> Sketch:
    step = (right - left) / n
    return [
        Part(box(left + k * step, top, left + (k + 0.8) * step, bottom), 'glass')
        for k in range(n)
    ]


def aeroplane(rng: np.random.Generator) -> Sketch:
    """A long hull with swept wings to both sides and a tail fin."""
    reach = rng.uniform(0.5, 0.85)
    girth = rng.uniform(0.1, 0.15)
    sweep = rng.uniform(0.25, 0.55)
    wing = [(0.45, 0), (0.0, 0), (-sweep, reach), (-sweep + 0.2, reach)]
    far_wing = [(x, -0.75 * y) for x, y in wing]
    fin = polygon((-0.7, -0.05), (-0.98, -0.05), (-1.15, -0.5), (-0.95, -0.5))
    hull = smooth(
        (1.15, 0.05), (0.95, -girth), (-0.6, -girth), (-1.15, -0.06), (-1.1, 0.02),
        (-0.5, girth), (0.9, girth),
    )  # fmt: skip
    return [
        Part(polygon(*far_wing), 'lacquer/wing', 0.75),
        Part(hull, 'lacquer'),
        Part(fin, 'lacquer/wing'),
        *_panes(-0.5, 0.7, -0.06, 0.02, 8),
        Part(box(0.84, -0.07, 0.98, 0.0), 'glass'),
        Part(polygon(*wing), 'lacquer/wing'),
        Part(ellipse(0.05, 0.4 * reach, 0.16, 0.06), 'rubber'),
    ]


def bicycle(rng: np.random.Generator) -> Sketch:
    """Two thin spoked wheels joined by a frame of tubes."""
    radius = rng.uniform(0.36, 0.42)
    base = rng.uniform(0.98, 1.15)
    tube = rng.uniform(0.055, 0.08)
    rear, front, hub = (0, 1 - radius), (base, 1 - radius), (0.44 * base, 0.94 - radius)
    seat, head = (0.3 * base, 0.2), (0.8 * base, rng.uniform(0.12, 0.2))
    wheels = []
    for x, y in (rear, front):
        wheels.append(Part(ring(x, y, radius, 0.07), 'rubber'))
        for angle in rng.uniform(0, np.pi) + np.arange(3) * np.pi / 3:
            dx, dy = radius * 0.9 * np.cos(angle), radius * 0.9 * np.sin(angle)
            wheels.append(
                Part(limb((x - dx, y - dy), (x + dx, y + dy), 0.02), 'chrome')
            )
    tubes = [(rear, hub), (rear, seat), (hub, seat), (hub, head), (seat, head)]
    bars = [(head, front), (head, (head[0] - 0.06, 0.02))]
    return [
        *wheels,
        *[Part(limb(a, b, tube), 'lacquer') for a, b in tubes + bars],
        Part(limb((head[0] - 0.1, 0.02), (head[0] + 0.1, 0.06), 0.07), 'rubber'),
        Part(limb((seat[0] - 0.12, 0.15), (seat[0] + 0.1, 0.17), 0.09, 0.05), 'rubber'),
        Part(ellipse(*hub, 0.08), 'chrome'),
    ]


def motorbike(rng: np.random.Generator) -> Sketch:
    """Two fat wheels under a heavy tank, engine and seat."""
    radius = rng.uniform(0.27, 0.33)
    base = rng.uniform(1.05, 1.25)
    y = 1 - radius
    tank = rng.uniform(0.26, 0.36)
    return [
        Part(limb((base, y), (0.78 * base, 0.18), 0.09), 'chrome'),
        *_wheel(0, radius),
        *_wheel(base, radius),
        Part(box(0.28 * base, 0.48, 0.72 * base, 0.9, 0.08), 'chrome'),
        Part(box(0.36 * base, 0.56, 0.6 * base, 0.82, 0.06), 'rubber'),
        Part(limb((0.45 * base, 0.88), (-0.15, 0.8), 0.08, 0.12), 'chrome', 0.8),
        Part(
            smooth((-0.3, 0.42), (0.2, 0.36), (0.55 * base, 0.55), (0, 0.62)), 'lacquer'
        ),
        Part(
            smooth((0.4 * base, tank), (0.85 * base, tank - 0.08),
                   (0.88 * base, 0.52), (0.36 * base, 0.56)),
            'lacquer',
        ),
        Part(limb((-0.1, 0.36), (0.42 * base, 0.4), 0.13), 'rubber'),
        Part(limb((0.64 * base, 0.06), (0.82 * base, 0.14), 0.07), 'rubber'),
        Part(ellipse(0.92 * base, 0.27, 0.1), 'lamp'),
    ]  # fmt: skip


def boat(rng: np.random.Generator) -> Sketch:
    """A hull that is wider above than below, with sails or with a cabin."""
    bow = rng.uniform(1.15, 1.35)
    deck = rng.uniform(0.62, 0.7)
    hull = polygon((-1.0, deck), (bow, deck - 0.08), (0.75, 1.0), (-0.8, 1.0))
    rail = polygon((-1.0, deck), (bow, deck - 0.08), (bow - 0.1, deck + 0.05),
                   (-0.97, deck + 0.1))  # fmt: skip
    if rng.random() < 0.55:
        tip = rng.uniform(-0.9, -0.5)
        upper = [
            Part(limb((0.05, tip), (0.05, deck), 0.06), 'wood'),
            Part(polygon((0.0, tip + 0.05), (0.0, 0.52), (-0.85, 0.5)), 'cloth'),
            Part(
                polygon((0.12, tip + 0.12), (0.12, 0.54), (0.95, 0.52)),
                'cloth/jib' if rng.random() < 0.4 else 'cloth',
                0.88,
            ),
        ]
    else:
        roof = rng.uniform(0.0, 0.2)
        upper = [
            Part(box(-0.45, roof - 0.35, -0.25, roof), 'lacquer/funnel'),
            Part(box(-0.7, roof, 0.45, deck), 'chrome'),
            *_panes(-0.6, 0.45, roof + 0.12, roof + 0.32, 3),
        ]
    return [*upper, Part(hull, 'lacquer'), Part(rail, 'lacquer/rail')]


def bus(rng: np.random.Generator) -> Sketch:
    """A tall box, windows all along, two wheels."""
    length = rng.uniform(1.5, 2.1)
    top = rng.uniform(0.0, 0.1)
    floors = [0.14] if rng.random() < 0.75 else [0.08, 0.42]
    pane = 0.3 if len(floors) == 1 else 0.2
    panes = int(rng.integers(4, 6))
    windows = [
        part
        for y in floors
        for part in _panes(0.08, length - 0.28, top + y, top + y + pane, panes)
    ]
    return [
        Part(box(0, top, length, 0.88, 0.07), 'lacquer'),
        Part(box(0, 0.66, length, 0.75), 'lacquer/stripe'),
        *windows,
        Part(box(length - 0.23, top + 0.16, length - 0.05, 0.82), 'glass'),
        *_wheel(0.2 * length, 0.15),
        *_wheel(0.76 * length, 0.15),
        Part(ellipse(length - 0.04, 0.8, 0.04), 'lamp'),
    ]


def car(rng: np.random.Generator) -> Sketch:
    """A low body with a narrower cabin on top, two big wheels."""
    length = rng.uniform(2.0, 2.5)
    belt = rng.uniform(0.42, 0.5)
    rear = rng.uniform(0.02, 0.3) * length  # hatchback to saloon
    windscreen = rng.uniform(0.68, 0.78) * length
    roof = (rear + 0.12 * length, windscreen - 0.2 * length)
    cabin = polygon((rear, belt + 0.05), (roof[0], 0.02), (roof[1], 0.02),
                    (windscreen, belt + 0.05))  # fmt: skip
    body = smooth(
        (0, belt), (0.3, belt - 0.04), (windscreen, belt - 0.02),
        (length, belt + 0.08), (length, 0.86), (length - 0.1, 0.87), (0.1, 0.87),
        (0, 0.86),
    )  # fmt: skip
    middle = (roof[0] + roof[1]) / 2
    return [
        Part(cabin, 'lacquer'),
        Part(
            polygon((rear + 0.1, belt), (roof[0] + 0.04, 0.09), (middle - 0.03, 0.09),
                    (middle - 0.03, belt)),
            'glass',
        ),
        Part(
            polygon((middle + 0.03, belt), (middle + 0.03, 0.09),
                    (roof[1] - 0.02, 0.09), (windscreen - 0.14, belt)),
            'glass',
        ),
        Part(body, 'lacquer'),
        Part(box(0.02, 0.76, length - 0.02, 0.84), 'rubber'),
        *_wheel(0.21 * length, 0.23),
        *_wheel(0.79 * length, 0.23),
        Part(ellipse(length - 0.09, belt + 0.16, 0.08, 0.06), 'lamp'),
    ]  # fmt: skip


def train(rng: np.random.Generator) -> Sketch:
    """A long low body with a slanted nose, a coloured band and many small wheels."""
    length = rng.uniform(2.9, 3.6)
    nose = rng.uniform(0.25, 0.6)
    body = polygon((0, 0.16), (length - nose, 0.16), (length, 0.62), (length, 0.86),
                   (0, 0.86))  # fmt: skip
    screen = polygon((length - nose, 0.24), (length - 0.12, 0.5),
                     (length - nose - 0.04, 0.5))  # fmt: skip
    wheels = [
        Part(ellipse(x, 0.9, 0.1), 'rubber')
        for start in (0.18, 0.42 * length, 0.8 * length)
        for x in (start, start + 0.24)
    ]
    joint = 0.5 * length
    return [
        Part(limb((0.5, 0.14), (0.7, 0.02), 0.04), 'rubber'),
        Part(limb((0.56, 0.02), (0.9, 0.02), 0.04), 'rubber'),
        *wheels,
        Part(body, 'lacquer'),
        Part(box(0, 0.62, length, 0.74), 'lacquer/band'),
        *_panes(0.1, joint - 0.05, 0.26, 0.5, 4),
        *_panes(joint + 0.08, length - nose - 0.05, 0.26, 0.5, 3),
        Part(box(joint - 0.03, 0.16, joint + 0.03, 0.86), 'rubber'),
        Part(screen, 'glass'),
        Part(ellipse(length - 0.08, 0.7, 0.05), 'lamp'),
    ]
