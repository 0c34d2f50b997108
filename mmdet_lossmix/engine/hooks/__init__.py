from .mix_visualization_hook import MixVisualizationHook
from .pseudo_label_hook import PseudoLabelHook
from .pseudo_label_quality_hook import PseudoLabelQualityHook
from .step_seed_hook import StepSeedHook
from .stop_mixing_hook import StopMixingHook
from .teacher_checkpoint_hook import TeacherCheckpointHook
from .teacher_hook import TeacherHook

__all__ = [
    'MixVisualizationHook',
    'PseudoLabelHook',
    'PseudoLabelQualityHook',
    'StepSeedHook',
    'StopMixingHook',
    'TeacherCheckpointHook',
    'TeacherHook',
]
