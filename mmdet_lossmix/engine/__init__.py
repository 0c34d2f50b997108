from .hooks import (
    MixVisualizationHook,
    PseudoLabelHook,
    StepSeedHook,
    StopMixingHook,
    TeacherHook,
)
from .runner import DataCheckRunner
from .teacher_val_loop import TeacherValLoop

__all__ = [
    'DataCheckRunner',
    'MixVisualizationHook',
    'PseudoLabelHook',
    'StepSeedHook',
    'StopMixingHook',
    'TeacherHook',
    'TeacherValLoop',
]
