from .corrupt_test_image import CorruptTestImage
from .formatting import PackLossMixInputs
from .mix import LossMixTransform, MixTransform, NoiseMixTransform, UnionMixTransform
from .noisy_labels import NoisyLabels
from .strong_augment import StrongAugment

__all__ = [
    'CorruptTestImage',
    'LossMixTransform',
    'MixTransform',
    'NoiseMixTransform',
    'NoisyLabels',
    'PackLossMixInputs',
    'StrongAugment',
    'UnionMixTransform',
]
