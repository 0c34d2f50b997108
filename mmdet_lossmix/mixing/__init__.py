"""How two images and their annotations become one training sample.

:mod:`.operators` mixes pixels, :mod:`.visibility` cuts annotations to what is seen, and
:mod:`.strategies` decides which annotations count.
"""

from .operators import BLEND, Blend, CutMix, MixOperator, build_operator
from .visibility import Window

__all__ = ['BLEND', 'Blend', 'CutMix', 'MixOperator', 'Window', 'build_operator']
