"""The branches of a batch; weak and strong views show everything at the same place."""

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

# Of mmdet's semi-supervised detectors: the labelled source, weak and strong views of
# the target.
SUP, WEAK, STRONG = 'sup', 'unsup_teacher', 'unsup_student'


def homography(view: DetDataSample) -> Tensor:
    """From the pixels of an image file to those of a view of it, shape (3, 3).

    Raises:
        ValueError: If the view does not say it, and is not the file as it is.
    """
    matrix = view.get('homography_matrix')
    if matrix is not None:
        return torch.as_tensor(matrix, dtype=torch.float32)
    as_it_is = tuple(view.get('ori_shape', ())[:2]) == tuple(view.img_shape[:2])
    if view.get('flip') or not as_it_is:
        raise ValueError(
            'Expected views of the target with a `homography_matrix` but got '
            f'{sorted(view.metainfo_keys())}; add it to `meta_keys` of the '
            'PackDetInputs of both, as configs/uda/_base_/views.py does.'
        )
    return torch.eye(3)
