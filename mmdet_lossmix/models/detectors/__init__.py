from .lossmix import LossMixDetector

__all__ = ['LossMixDetector']
