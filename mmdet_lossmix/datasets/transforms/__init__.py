from .formatting import PackLossMixInputs
from .mix import LossMixTransform, MixTransform, NoiseMixTransform, UnionMixTransform
from .strong_augment import StrongAugment

__all__ = [
    'LossMixTransform',
    'MixTransform',
    'NoiseMixTransform',
    'PackLossMixInputs',
    'StrongAugment',
    'UnionMixTransform',
]
