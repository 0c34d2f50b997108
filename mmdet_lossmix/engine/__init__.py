from .hooks import StepSeedHook
from .runner import DataCheckRunner

__all__ = ['DataCheckRunner', 'StepSeedHook']
