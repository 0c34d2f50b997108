from .foggy_cityscapes import FoggyCityscapesDataset
from .samplers import DomainSampler
from .subsets import DataFraction, LongTailed
from .transforms import (
    CorruptTestImage,
    LossMixTransform,
    NoiseMixTransform,
    NoisyLabels,
    PackLossMixInputs,
    StrongAugment,
    UnionMixTransform,
)
from .unlabelled import UnlabelledDataset

__all__ = [
    'CorruptTestImage',
    'DataFraction',
    'DomainSampler',
    'FoggyCityscapesDataset',
    'LongTailed',
    'LossMixTransform',
    'NoiseMixTransform',
    'NoisyLabels',
    'PackLossMixInputs',
    'StrongAugment',
    'UnionMixTransform',
    'UnlabelledDataset',
]
