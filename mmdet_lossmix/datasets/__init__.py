from .runner import DataCheckRunner
from .transforms import (
    LossMixTransform,
    NoiseMixTransform,
    PackLossMixInputs,
    UnionMixTransform,
)

__all__ = [
    'DataCheckRunner',
    'LossMixTransform',
    'NoiseMixTransform',
    'PackLossMixInputs',
    'UnionMixTransform',
]
