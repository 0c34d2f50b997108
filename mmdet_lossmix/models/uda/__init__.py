from .discriminator import DomainDiscriminator
from .domain_batch import DomainBatch, blend
from .loss_policy import LossPolicy
from .pairing import AdaptationMix, Draw, WarmUpMix
from .pseudo_labels import PseudoLabels
from .supervision import STRATEGIES, Supervision, only

__all__ = [
    'STRATEGIES',
    'AdaptationMix',
    'DomainBatch',
    'DomainDiscriminator',
    'Draw',
    'LossPolicy',
    'PseudoLabels',
    'Supervision',
    'WarmUpMix',
    'blend',
    'only',
]
