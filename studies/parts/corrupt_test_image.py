"""Corrupted test images, the same for every model that is tested on them."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS

from .image_rng import image_rng


@TRANSFORMS.register_module()
class CorruptTestImage(BaseTransform):
    """Corrupt an image with noise that belongs to it.

    mmdet's ``Corrupt``, which not all versions have, draws from the worker's random
    stream, so that two models would be tested on different images. Put this one right
    after ``LoadImageFromFile``, into test pipelines. The corruptions are ImageNet-C's,
    of the package ``imagecorruptions-imaug`` (Apache-2.0), a kept-up
    ``imagecorruptions``.

    Required Keys:

    - img (np.uint8)
    - img_id

    Modified Keys:

    - img (np.uint8)

    Args:
        corruption (str): Name, such as ``'gaussian_blur'``, ``'gaussian_noise'``,
            ``'contrast'``, ``'jpeg_compression'`` or ``'fog'``.
        severity (int): 1 to 5. Defaults to 1.

    Raises:
        ImportError: If the package is missing.
        ValueError: If it has no such corruption.
    """

    def __init__(self, corruption: str, severity: int = 1) -> None:
        try:
            from imagecorruptions import corrupt, get_corruption_names
        except ImportError as error:
            raise ImportError(
                'Run `pip install imagecorruptions-imaug` for corrupted test images.'
            ) from error
        names = get_corruption_names('all')
        if corruption not in names:
            raise ValueError(
                f'Set `corruption` to one of {", ".join(names)}, not {corruption!r}.'
            )
        self.corrupt = corrupt
        self.corruption = corruption
        self.severity = severity

    def transform(self, results: dict) -> dict:
        """Corrupt the image, and leave numpy's random state as it was."""
        purpose = f'{self.corruption}{self.severity}'
        rng = image_rng(results['img_id'], 0, purpose)
        state = np.random.get_state()
        np.random.seed(rng.integers(2**32, dtype=np.uint32))
        try:
            results['img'] = self.corrupt(
                results['img'].astype(np.uint8),
                corruption_name=self.corruption,
                severity=self.severity,
            )
        finally:
            np.random.set_state(state)
        return results
