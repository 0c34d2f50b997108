from .foggy_cityscapes import FoggyCityscapesDataset
from .samplers import DomainSampler
from .transforms import (
    LossMixTransform,
    NoiseMixTransform,
    PackLossMixInputs,
    StrongAugment,
    UnionMixTransform,
)
from .unlabelled import UnlabelledDataset

__all__ = [
    'DomainSampler',
    'FoggyCityscapesDataset',
    'LossMixTransform',
    'NoiseMixTransform',
    'PackLossMixInputs',
    'StrongAugment',
    'UnionMixTransform',
    'UnlabelledDataset',
]
