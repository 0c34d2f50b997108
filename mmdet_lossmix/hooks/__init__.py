from .mix_visualization_hook import MixVisualizationHook
from .step_seed_hook import StepSeedHook
from .stop_mixing_hook import StopMixingHook

__all__ = ['MixVisualizationHook', 'StepSeedHook', 'StopMixingHook']
