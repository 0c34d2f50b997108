from .interpolated_loss import check_roi_sampling, interpolated_loss
from .shared_forward import SharedForward, untraced

__all__ = ['SharedForward', 'check_roi_sampling', 'interpolated_loss', 'untraced']
