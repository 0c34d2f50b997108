"""Two-stage domain adaptation: a mean teacher, LossMix within and across domains."""

from .data import (
    DomainSampler,
    FoggyCityscapesDataset,
    StrongAugment,
    UnlabelledDataset,
)
from .hooks import PseudoLabelHook, TeacherCheckpointHook, TeacherHook, TeacherValLoop
from .lossmix_teacher import LossMixTeacher

__all__ = [
    'DomainSampler',
    'FoggyCityscapesDataset',
    'LossMixTeacher',
    'PseudoLabelHook',
    'StrongAugment',
    'TeacherCheckpointHook',
    'TeacherHook',
    'TeacherValLoop',
    'UnlabelledDataset',
]
