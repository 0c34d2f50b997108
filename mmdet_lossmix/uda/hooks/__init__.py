from .pseudo_label_hook import PseudoLabelHook
from .pseudo_label_quality_hook import PseudoLabelQualityHook
from .teacher_hook import TeacherHook
from .teacher_validation import TeacherCheckpointHook, TeacherValLoop

__all__ = [
    'PseudoLabelHook',
    'PseudoLabelQualityHook',
    'TeacherCheckpointHook',
    'TeacherHook',
    'TeacherValLoop',
]
