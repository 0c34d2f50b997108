from .data_preprocessors import (
    BatchLossMix,
    BatchNoiseMix,
    BatchUncoupledLossMix,
    BatchUnionMix,
)
from .detectors import LossMixDetector

__all__ = [
    'BatchLossMix',
    'BatchNoiseMix',
    'BatchUncoupledLossMix',
    'BatchUnionMix',
    'LossMixDetector',
]
