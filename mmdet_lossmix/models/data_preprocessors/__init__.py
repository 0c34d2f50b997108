from .batch_mix import BatchLossMix, BatchMix, BatchNoiseMix, BatchUnionMix

__all__ = ['BatchLossMix', 'BatchMix', 'BatchNoiseMix', 'BatchUnionMix']
