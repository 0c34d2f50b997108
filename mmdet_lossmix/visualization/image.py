"""From the tensors that a model gets back to pictures that people can look at."""

from typing import List

import numpy as np
import torch
from mmdet.structures import SampleList
from mmengine.model import ImgDataPreprocessor
from torch import Tensor


def to_rgb_images(
    batch_inputs: Tensor,
    data_samples: SampleList,
    data_preprocessor: ImgDataPreprocessor,
) -> List[np.ndarray]:
    """Undo what a data preprocessor did to the pixels of a batch of N samples.

    The images, shape (N, C, H, W) with C = 1 or 3, become N uint8 RGB images without
    padding, shape (H_i, W_i, 3).
    """
    images = batch_inputs.detach().float()
    if data_preprocessor._enable_normalize:
        images = images * data_preprocessor.std + data_preprocessor.mean
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    elif not data_preprocessor._channel_conversion:
        # Left in the BGR of mmcv's loader, as models from Caffe want it.
        images = images.flip(1)
    images = images.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    shapes = [sample.get('img_shape', images.shape[1:3]) for sample in data_samples]
    return [x[: s[0], : s[1]] for x, s in zip(images.cpu().numpy(), shapes)]
