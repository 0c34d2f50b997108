"""How two images and their annotations become one training sample."""

from .operators import BLEND, Blend, CutMix, MixOperator, build_operator
from .visibility import Window

__all__ = ['BLEND', 'Blend', 'CutMix', 'MixOperator', 'Window', 'build_operator']
