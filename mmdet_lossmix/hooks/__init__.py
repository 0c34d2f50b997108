from .mix_visualization_hook import MixVisualizationHook
from .runtime_info_hook import RuntimeInfoHook
from .step_seed_hook import StepSeedHook
from .stop_mixing_hook import StopMixingHook

__all__ = ['MixVisualizationHook', 'RuntimeInfoHook', 'StepSeedHook', 'StopMixingHook']
