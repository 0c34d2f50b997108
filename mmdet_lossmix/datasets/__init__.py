from . import transforms
from .transforms import *  # noqa: F403

__all__ = [*transforms.__all__]
