from .formatting import PackLossMixInputs
from .mix import (
    LossMixTransform,
    MixTransform,
    NoiseMixTransform,
    SampledLossMixTransform,
    UnionMixTransform,
)

__all__ = [
    'LossMixTransform',
    'MixTransform',
    'NoiseMixTransform',
    'PackLossMixInputs',
    'SampledLossMixTransform',
    'UnionMixTransform',
]
