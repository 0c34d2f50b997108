"""A toy world in the layout of Pascal VOC, drawn on the spot.

Twenty kinds of toys, named like the classes of VOC, in scenes with boxes that are
exact by construction; in a textured ``photo`` domain and a flat ``clipart`` domain. For
tests, demonstrations and comparisons that shall need no download.

The way of a scene: :mod:`.classes` lists what there is, and each sketch (in
:mod:`.vehicles`, :mod:`.animals`, :mod:`.indoor`) cuts a toy from :mod:`.outlines`;
:mod:`.layout` arranges toys; :mod:`.scene` has them painted by :mod:`.rendering`, in
the :mod:`.materials` and :mod:`.textures` that the :mod:`.domains` choose;
:mod:`.voc_writer` and :mod:`.generate` store the result.
"""

from .classes import CLASS_NAMES
from .generate import LOOK, generate_voc
from .scene import Annotation, Scene, draw_scene

__all__ = ['CLASS_NAMES', 'LOOK', 'Annotation', 'Scene', 'draw_scene', 'generate_voc']
