from .domain_sampler import DomainSampler
from .foggy_cityscapes import FoggyCityscapesDataset
from .strong_augment import StrongAugment
from .unlabelled import UnlabelledDataset

__all__ = [
    'DomainSampler',
    'FoggyCityscapesDataset',
    'StrongAugment',
    'UnlabelledDataset',
]
