from .base import MixOperator
from .blend import BLEND, Blend
from .cutmix import CutMix
from .visibility import Window

__all__ = ['BLEND', 'Blend', 'CutMix', 'MixOperator', 'Window']
