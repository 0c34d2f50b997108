from .batch_mix import (
    BatchLossMix,
    BatchMix,
    BatchNoiseMix,
    BatchSampledLossMix,
    BatchUnionMix,
)

__all__ = [
    'BatchLossMix',
    'BatchMix',
    'BatchNoiseMix',
    'BatchSampledLossMix',
    'BatchUnionMix',
]
