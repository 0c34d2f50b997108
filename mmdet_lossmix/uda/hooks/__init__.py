from .pseudo_label_hook import PseudoLabelHook
from .teacher_hook import TeacherHook
from .teacher_validation import TeacherCheckpointHook, TeacherValLoop

__all__ = ['PseudoLabelHook', 'TeacherCheckpointHook', 'TeacherHook', 'TeacherValLoop']
