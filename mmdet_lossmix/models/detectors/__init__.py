from .lossmix import LossMixDetector
from .lossmix_teacher import LossMixTeacher

__all__ = ['LossMixDetector', 'LossMixTeacher']
