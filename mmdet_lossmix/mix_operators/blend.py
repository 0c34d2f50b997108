"""The operator of the paper."""

from mmdet.registry import TASK_UTILS

from mmdet_lossmix.functional import blend_images, blend_tensors

from .base import MixOperator

BLEND = dict(type='Blend')


@TASK_UTILS.register_module()
class Blend(MixOperator):
    """Every pixel is ``lam`` times the own one plus ``1 - lam`` times the partner's.

    Equation (1) of :mod:`mmdet_lossmix.functional`, known as Mixup. Both images are
    seen everywhere, so their targets stay whole.
    """

    def mix_images(self, image, partner, lam, window, pad_val):
        """Equation (1) in one SIMD pass."""
        return blend_images(image, partner, lam, pad_val)

    def mix_tensors(self, images, partners, lam, window, out=None):
        """Equation (1) on the device."""
        return blend_tensors(images, partners, lam, out)
