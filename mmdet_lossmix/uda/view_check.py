"""Whether the two views of target images show everything at the same place."""

import copy
from typing import Any, Iterator, Tuple

import numpy as np
from mmcv.transforms import Compose
from mmdet.datasets.transforms import MultiBranch
from mmdet.structures.bbox import HorizontalBoxes, get_box_tensor
from torch import Tensor

from mmdet_lossmix.datasets.walk import walk
from mmdet_lossmix.hooks.random_state import random_state_kept

from .views import REMEDY, VIEWS

TRIES = 10
# Two boxes as shares of the width and height, of which no flip makes the same two.
PROBES = np.array([[0.1, 0.1, 0.5, 0.4], [0.4, 0.3, 0.8, 0.9]], dtype=np.float32)


def check_views(dataset: Any) -> None:
    """Send boxes through both branches of the target's pipeline, some times.

    Many transforms (``RandomAffine``, ``Albu``) keep no record of where they move
    pixels, but all of them move boxes along. The random generators stay as they are.

    Args:
        dataset (:obj:`BaseDataset`): Of the training, or any nest of wrappers.

    Raises:
        ValueError: If a box ends in different places.
    """
    with random_state_kept():
        for results, branches in _branched(dataset):
            for _ in range(TRIES):
                weak, strong = (_probed(branches, view, results) for view in VIEWS)
                if weak.shape != strong.shape or not np.allclose(weak, strong):
                    steps = [
                        type(step).__name__
                        for step in branches.branch_pipelines[VIEWS[1]].transforms
                    ]
                    raise ValueError(
                        'Expected weak and strong views of the target to have boxes '
                        f'at the same places but got {weak.tolist()} and '
                        f'{strong.tolist()} after {steps}. {REMEDY}'
                    )


def _branched(dataset: Any) -> Iterator[Tuple[dict, MultiBranch]]:
    """Images as they come to what makes two views of them, one of each dataset."""
    for node in walk(dataset):
        pipeline = getattr(node, 'pipeline', None)
        steps = getattr(pipeline, 'transforms', [])
        for at, step in enumerate(steps):
            if isinstance(step, MultiBranch) and set(VIEWS) <= {*step.branch_pipelines}:
                results = Compose(steps[:at])(node.get_data_info(0))
                if results is not None:
                    yield results, step


def _probed(branches: MultiBranch, view: str, results: dict) -> Tensor:
    """Where the probes are in a view; mmdet's ``MultiBranch`` copies in this way."""
    results = copy.deepcopy(results)
    height, width = results['img_shape'][:2]
    results['gt_bboxes'] = HorizontalBoxes(PROBES * [width, height, width, height])
    results['gt_bboxes_labels'] = np.zeros(len(PROBES), dtype=np.int64)
    results['gt_ignore_flags'] = np.zeros(len(PROBES), dtype=bool)
    packed = branches.branch_pipelines[view](results)
    return get_box_tensor(packed['data_samples'].gt_instances.bboxes)
