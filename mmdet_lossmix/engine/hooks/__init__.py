from .step_seed_hook import StepSeedHook
from .stop_mixing_hook import StopMixingHook

__all__ = ['StepSeedHook', 'StopMixingHook']
