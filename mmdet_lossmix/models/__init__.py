from . import data_preprocessors, detectors
from .data_preprocessors import *  # noqa: F403
from .detectors import *  # noqa: F403

__all__ = [*data_preprocessors.__all__, *detectors.__all__]
