from .pseudo_label_hook import PseudoLabelHook
from .pseudo_label_quality_hook import PseudoLabelQualityHook
from .teacher_checkpoint_hook import TeacherCheckpointHook
from .teacher_hook import TeacherHook
from .teacher_val_loop import TeacherValLoop

__all__ = [
    'PseudoLabelHook',
    'PseudoLabelQualityHook',
    'TeacherCheckpointHook',
    'TeacherHook',
    'TeacherValLoop',
]
