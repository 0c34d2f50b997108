"""Packing of mixed images."""

import cv2
import numpy as np
from mmdet.datasets.transforms import PackDetInputs
from mmdet.registry import TRANSFORMS

from mmdet_lossmix.functional import BLENDABLE_DTYPES
from mmdet_lossmix.structures import attach_partner

from .frame_guard import check_frame


@TRANSFORMS.register_module()
class PackLossMixInputs(PackDetInputs):
    """``PackDetInputs`` that packs the partner's target as well.

    Use it instead of ``PackDetInputs`` after :class:`LossMixTransform`. An image that
    was not mixed is packed as ``PackDetInputs`` would.

    Args:
        meta_keys (Sequence[str], optional): See ``PackDetInputs``.
    """

    def transform(self, results: dict) -> dict:
        """Pack the image, its own target, and the partner's.

        Args:
            results (dict): Result dict of the pipeline.

        Returns:
            dict:

            - 'inputs' (obj:`torch.Tensor`): The image, shape (C, H, W).
            - 'data_samples' (obj:`DetDataSample`): The own target; of a mixed image
              also ``partner`` (:obj:`DetDataSample`) and ``mix_lambda`` (float).

        Raises:
            ValueError: If the image was moved after it had been mixed.
        """
        if 'img' in results:
            results = dict(results, img=planar(results['img']))
        packed = super().transform(results)
        if 'partner' in results:
            check_frame(results)
            partner = dict(
                results['partner'],
                img_shape=results['img_shape'],
                img_path=results['partner_img_path'],
            )
            attach_partner(
                packed['data_samples'],
                super().transform(partner)['data_samples'],
                results['mix_lambda'],
            )
        return packed


def planar(image: np.ndarray) -> np.ndarray:
    """Lay the channels of an image out one after the other, as tensors have them.

    ``PackDetInputs`` takes the result as it is. Its own way of transposing takes about
    five times as long.

    Args:
        image (np.ndarray): Shape (H, W) or (H, W, C).

    Returns:
        np.ndarray: The same image; if C > 1 and in C order, a view of shape (H, W, C)
        of new memory laid out as (C, H, W).
    """
    one_channel = image.ndim < 3 or image.shape[2] < 2
    if one_channel or not image.flags.c_contiguous:
        return image  # PackDetInputs has to copy nothing, or does it fast
    if image.dtype.name not in BLENDABLE_DTYPES:
        return image  # unmixed, then; OpenCV knows no others
    planes = np.empty((image.shape[2], *image.shape[:2]), image.dtype)
    cv2.split(image, list(planes))
    return planes.transpose(1, 2, 0)
