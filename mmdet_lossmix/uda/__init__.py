"""Two-stage domain adaptation: a mean teacher, LossMix within and across domains."""

from .data import (
    DomainSampler,
    FoggyCityscapesDataset,
    StrongAugment,
    UnlabelledDataset,
)
from .hooks import (
    PseudoLabelHook,
    PseudoLabelQualityHook,
    TeacherCheckpointHook,
    TeacherHook,
    TeacherValLoop,
)
from .lossmix_teacher import LossMixTeacher

__all__ = [
    'DomainSampler',
    'FoggyCityscapesDataset',
    'LossMixTeacher',
    'PseudoLabelHook',
    'PseudoLabelQualityHook',
    'StrongAugment',
    'TeacherCheckpointHook',
    'TeacherHook',
    'TeacherValLoop',
    'UnlabelledDataset',
]
