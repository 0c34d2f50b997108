from .data_preprocessors import (
    BatchLossMix,
    BatchNoiseMix,
    BatchSampledLossMix,
    BatchUnionMix,
)
from .detectors import LossMixDetector

__all__ = [
    'BatchLossMix',
    'BatchNoiseMix',
    'BatchSampledLossMix',
    'BatchUnionMix',
    'LossMixDetector',
]
