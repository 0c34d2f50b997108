from .transforms import (
    LossMixTransform,
    NoiseMixTransform,
    PackLossMixInputs,
    UnionMixTransform,
)

__all__ = [
    'LossMixTransform',
    'NoiseMixTransform',
    'PackLossMixInputs',
    'UnionMixTransform',
]
