"""Packing of mixed images."""

import cv2
import numpy as np
import torch
from mmdet.datasets.transforms import PackDetInputs
from mmdet.registry import TRANSFORMS
from mmdet.structures import SampleList
from mmdet.structures.bbox import BaseBoxes

from mmdet_lossmix.mixing.canvas import OPENCV_DTYPES
from mmdet_lossmix.structures import attach_partner

from .frame_guard import check_frame


@TRANSFORMS.register_module()
class PackLossMixInputs(PackDetInputs):
    """``PackDetInputs`` that packs the annotations of a partner, if any, as well.

    Use it, with the same arguments, after :class:`LossMixTransform`.
    """

    packs_partners = True  # for the check of a config

    def transform(self, results: dict) -> dict:
        """Pack the image, its own annotations, and the partner's.

        The ``data_samples`` of a mixed image have ``partner`` (:obj:`DetDataSample`)
        and ``mix_lambda`` (float) besides.

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
            own = packed['data_samples']
            other = super().transform(partner)['data_samples']
            join_memory([own, other])
            attach_partner(own, other, results['mix_lambda'])
        return packed


def join_memory(samples: SampleList) -> None:
    """Move the boxes of all samples into one piece of memory, and the labels likewise.

    Every piece of memory that a worker hands over costs a file of shared memory, which
    takes as long as decoding a good part of an image. Values do not change.
    """
    names = ('gt_instances', 'ignored_instances')
    kinds = [sample.get(name) for sample in samples for name in names if name in sample]
    for key in ('bboxes', 'labels'):
        holders = [kind for kind in kinds if key in kind]
        values = [holder.get(key) for holder in holders]
        tensors = [v.tensor if isinstance(v, BaseBoxes) else v for v in values]
        if len({tensor.dtype for tensor in tensors}) != 1:
            continue
        parts = torch.cat(tensors).split([len(tensor) for tensor in tensors])
        for holder, value, part in zip(holders, values, parts):
            boxes = isinstance(value, BaseBoxes)
            holder.set_field(type(value)(part, clone=False) if boxes else part, key)


def planar(image: np.ndarray) -> np.ndarray:
    """Lay the channels of an image out one after the other, as tensors have them.

    ``PackDetInputs`` takes the result as it is. Its own way of transposing takes about
    five times as long. An image (H, W, C) with C > 1 and in C order becomes a view of
    that shape of new memory laid out as (C, H, W); any other one comes back as it is.
    """
    in_c_order = image.ndim == 3 and image.shape[2] > 1 and image.flags.c_contiguous
    if not in_c_order or image.dtype.name not in OPENCV_DTYPES:
        return image  # to copy nothing, fast, or what OpenCV does not know
    planes = np.empty((image.shape[2], *image.shape[:2]), image.dtype)
    cv2.split(image, list(planes))
    return planes.transpose(1, 2, 0)
