"""The twenty classes of Pascal VOC, one entry each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

from . import animals, indoor, vehicles
from .outlines import Sketch


@dataclass(frozen=True)
class ToyClass:
    """A kind of object.

    Attributes:
        name: Its VOC name.
        sketch: Draws one of its kind, each time a little different.
        frequency: How often it turns up next to the others, about as in VOC.
        tilt: The largest rotation in degrees; most things stand upright.
    """

    name: str
    sketch: Callable[[np.random.Generator], Sketch]
    frequency: float = 1.0
    tilt: float = 8.0


# In mmdet's order of ``VOCDataset.METAINFO['classes']``.
TOY_CLASSES = (
    ToyClass('aeroplane', vehicles.aeroplane, tilt=30),
    ToyClass('bicycle', vehicles.bicycle),
    ToyClass('bird', animals.bird, 1.3, tilt=20),
    ToyClass('boat', vehicles.boat),
    ToyClass('bottle', indoor.bottle, 1.3, tilt=15),
    ToyClass('bus', vehicles.bus, 0.7),
    ToyClass('car', vehicles.car, 2.0),
    ToyClass('cat', animals.cat, tilt=12),
    ToyClass('chair', indoor.chair, 2.0),
    ToyClass('cow', animals.cow),
    ToyClass('diningtable', indoor.diningtable, 0.7),
    ToyClass('dog', animals.dog, 1.2, tilt=12),
    ToyClass('horse', animals.horse),
    ToyClass('motorbike', vehicles.motorbike),
    ToyClass('person', animals.person, 5.0, tilt=12),
    ToyClass('pottedplant', indoor.pottedplant, 1.2),
    ToyClass('sheep', animals.sheep),
    ToyClass('sofa', indoor.sofa, 0.8),
    ToyClass('train', vehicles.train, 0.7),
    ToyClass('tvmonitor', indoor.tvmonitor),
)

CLASS_NAMES = tuple(toy.name for toy in TOY_CLASSES)
