from .data_preprocessors import BatchLossMix, BatchNoiseMix, BatchUnionMix
from .detectors import LossMixDetector, LossMixTeacher

__all__ = [
    'BatchLossMix',
    'BatchNoiseMix',
    'BatchUnionMix',
    'LossMixDetector',
    'LossMixTeacher',
]
