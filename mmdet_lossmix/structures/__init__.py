from .mixed_sample import SplitBatch, attach_partner, split_batch

__all__ = ['SplitBatch', 'attach_partner', 'split_batch']
