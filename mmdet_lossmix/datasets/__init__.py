from .transforms import (
    LossMixTransform,
    NoiseMixTransform,
    PackLossMixInputs,
    SampledLossMixTransform,
    UnionMixTransform,
)

__all__ = [
    'LossMixTransform',
    'NoiseMixTransform',
    'PackLossMixInputs',
    'SampledLossMixTransform',
    'UnionMixTransform',
]
