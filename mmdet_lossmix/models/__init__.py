from .data_preprocessors import BatchLossMix, BatchNoiseMix, BatchUnionMix
from .detectors import LossMixDetector

__all__ = ['BatchLossMix', 'BatchNoiseMix', 'BatchUnionMix', 'LossMixDetector']
