from .data_preprocessors import (
    BatchLossMix,
    BatchNoiseMix,
    BatchUncoupledLossMix,
    BatchUnionMix,
)
from .detectors import LossMixDetector, LossMixTeacher

__all__ = [
    'BatchLossMix',
    'BatchNoiseMix',
    'BatchUncoupledLossMix',
    'BatchUnionMix',
    'LossMixDetector',
    'LossMixTeacher',
]
