from .hooks import MixVisualizationHook, StepSeedHook, StopMixingHook
from .runner import DataCheckRunner

__all__ = [
    'DataCheckRunner',
    'MixVisualizationHook',
    'StepSeedHook',
    'StopMixingHook',
]
