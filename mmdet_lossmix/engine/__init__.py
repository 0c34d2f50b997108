from .hooks import (
    MixVisualizationHook,
    PseudoLabelHook,
    PseudoLabelQualityHook,
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
    'PseudoLabelQualityHook',
    'StepSeedHook',
    'StopMixingHook',
    'TeacherHook',
    'TeacherValLoop',
]
