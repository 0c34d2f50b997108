"""Registered parts that only studies use; configs import ``studies.parts``."""

from .corrupt_test_image import CorruptTestImage
from .efficientnet_lite import EfficientNetLite
from .linear_blend import LinearBlend
from .noisy_labels import NoisyLabels
from .pseudo_label_quality_hook import PseudoLabelQualityHook
from .subsets import DataFraction, HeldOut, LongTailed
from .uncoupled import BatchUncoupledLossMix

__all__ = [
    'BatchUncoupledLossMix',
    'CorruptTestImage',
    'DataFraction',
    'EfficientNetLite',
    'HeldOut',
    'LinearBlend',
    'LongTailed',
    'NoisyLabels',
    'PseudoLabelQualityHook',
]
