from .mixed_sample import MixedTargets, attach_partner, split_targets

__all__ = ['MixedTargets', 'attach_partner', 'split_targets']
