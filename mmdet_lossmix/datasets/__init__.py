from .subsets import DataFraction, LongTailed
from .transforms import (
    CorruptTestImage,
    LossMixTransform,
    NoiseMixTransform,
    NoisyLabels,
    PackLossMixInputs,
    UnionMixTransform,
)

__all__ = [
    'CorruptTestImage',
    'DataFraction',
    'LongTailed',
    'LossMixTransform',
    'NoiseMixTransform',
    'NoisyLabels',
    'PackLossMixInputs',
    'UnionMixTransform',
]
