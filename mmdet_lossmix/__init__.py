"""LossMix for MMDetection: mix two images, interpolate the losses.

Importing the package registers its transforms, batch augments, detectors and hooks in
mmdet's registries, and lets torch read mmengine's checkpoints safely.
"""

from .checkpoint import allow_mmengine_checkpoints
from .datasets import *  # noqa: F403
from .hooks import *  # noqa: F403
from .models import *  # noqa: F403
from .uda import *  # noqa: F403
from .version import __version__

allow_mmengine_checkpoints()

__all__ = ['__version__']
