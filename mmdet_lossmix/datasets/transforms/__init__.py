from .formatting import PackLossMixInputs
from .mix import LossMixTransform, MixTransform, NoiseMixTransform, UnionMixTransform

__all__ = [
    'LossMixTransform',
    'MixTransform',
    'NoiseMixTransform',
    'PackLossMixInputs',
    'UnionMixTransform',
]
