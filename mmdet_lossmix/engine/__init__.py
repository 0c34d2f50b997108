from .hooks import MixVisualizationHook, StepSeedHook, StopMixingHook, TeacherHook
from .runner import DataCheckRunner
from .teacher_val_loop import TeacherValLoop

__all__ = [
    'DataCheckRunner',
    'MixVisualizationHook',
    'StepSeedHook',
    'StopMixingHook',
    'TeacherHook',
    'TeacherValLoop',
]
