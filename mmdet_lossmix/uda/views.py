"""The weak and the strong view of a target image, which show it at the same place."""

from typing import Dict, List, Sequence

import numpy as np
import torch
from mmdet.structures import DetDataSample, SampleList
from torch import Tensor

VIEWS = ('unsup_teacher', 'unsup_student')
REMEDY = (
    'Resize, flip and crop the target before `MultiBranch`, once for both views, '
    'and only change colours in `unsup_student`.'
)
GEOMETRY: List[str] = [
    'img_path',
    'img_shape',
    'scale_factor',
    'flip',
    'flip_direction',
]


def homography(view: DetDataSample) -> Tensor:
    """From the pixels of an image file to those of a view of it, shape (3, 3).

    Raises:
        ValueError: If the view does not say it, and is not the file as it is.
    """
    matrix = view.get('homography_matrix')
    if matrix is not None:
        return torch.as_tensor(matrix, dtype=torch.float32)
    original = view.get('ori_shape')
    if (
        original is None
        or view.get('flip')
        or tuple(view.img_shape[:2]) != tuple(original[:2])
    ):
        raise ValueError(
            'Expected views of the target with a `homography_matrix` but got '
            f'{sorted(view.metainfo_keys())}; add it to `meta_keys` of the '
            'PackDetInputs of both, as configs/uda/_base_/views.py does.'
        )
    return torch.eye(3)


def check_same_geometry(
    inputs: Dict[str, Tensor], samples: Dict[str, SampleList]
) -> None:
    """Refuse views of which boxes in one are elsewhere in the other.

    That is, as far as transforms say what they do; ``check_views`` tries it out.

    Args:
        inputs (dict[str, Tensor]): Images of the branches ``unsup_teacher`` and
            ``unsup_student``, shape (N, C, H, W) each, in the same order.
        samples (dict[str, list[:obj:`DetDataSample`]]): N samples of each.

    Raises:
        ValueError: If images, sizes, flips or transformations differ, or a view does
            not say how it came about.
    """
    weak, strong = (inputs[name].shape for name in VIEWS)
    if weak != strong:
        raise ValueError(
            'Expected weak and strong views of the target of the same size but got '
            f'{tuple(weak)} and {tuple(strong)}. {REMEDY}'
        )
    for one, other in zip(*(samples[name] for name in VIEWS)):
        _expect_same('homography_matrix', homography(one), homography(other), one)
        for key in GEOMETRY:
            _expect_same(key, one.get(key), other.get(key), one)


def _expect_same(key: str, a: object, b: object, view: DetDataSample) -> None:
    if a is not None and b is not None and not _equal(a, b):
        raise ValueError(
            f'Expected weak and strong views of {view.get("img_path")} to have '
            f'the same `{key}` but got {a} and {b}. {REMEDY}'
        )


def _equal(a: object, b: object) -> bool:
    if isinstance(a, (np.ndarray, Tensor, Sequence)) and not isinstance(a, str):
        return np.allclose(np.asarray(a), np.asarray(b))
    return a == b
