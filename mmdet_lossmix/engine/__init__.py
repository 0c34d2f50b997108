from .hooks import StepSeedHook, StopMixingHook
from .runner import DataCheckRunner

__all__ = ['DataCheckRunner', 'StepSeedHook', 'StopMixingHook']
