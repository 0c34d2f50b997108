from .batch_mix import BatchLossMix, BatchMix, BatchNoiseMix, BatchUnionMix
from .uncoupled import BatchUncoupledLossMix

__all__ = [
    'BatchLossMix',
    'BatchMix',
    'BatchNoiseMix',
    'BatchUncoupledLossMix',
    'BatchUnionMix',
]
