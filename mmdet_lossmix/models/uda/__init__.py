from .discriminator import DomainDiscriminator
from .domain_batch import DomainBatch, blend
from .led import Led, mixed, unmixed
from .loss_policy import LossPolicy
from .pairing import AdaptationMix, Draw, WarmUpMix
from .pseudo_labels import PseudoLabels

__all__ = [
    'AdaptationMix',
    'DomainBatch',
    'DomainDiscriminator',
    'Draw',
    'Led',
    'LossPolicy',
    'PseudoLabels',
    'WarmUpMix',
    'blend',
    'mixed',
    'unmixed',
]
