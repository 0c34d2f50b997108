"""Two-stage domain adaptation: a mean teacher, LossMix within and across domains."""

from . import data, hooks
from .data import *  # noqa: F403
from .hooks import *  # noqa: F403
from .lossmix_teacher import LossMixTeacher

__all__ = ['LossMixTeacher', *data.__all__, *hooks.__all__]
