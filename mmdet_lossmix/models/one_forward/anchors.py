"""What dense heads compute from sizes alone, once; and their assignment, in one go.

mmdet makes anchors and their flags anew for each image and each call of ``loss``. It
also matches objects to anchors one by one, and waits for the GPU at each object. Here
the same tensors are handed out again, and the same matches are found for all objects
together. No result changes.
"""

from contextlib import ExitStack
from functools import partial
from typing import Any, Callable, Dict, List, Tuple

import torch
from mmdet.models.task_modules import AssignResult, MaxIoUAssigner
from torch import Tensor, nn

from .replay import override, versions

FROM_SIZES = ('grid_priors', 'valid_flags')


def share_anchors(detector: nn.Module, overrides: ExitStack) -> None:
    """Remember anchors, and assign objects in one go, while ``overrides`` is open."""
    for module in detector.modules():
        generator: Any = module.__dict__.get('prior_generator')
        for name in FROM_SIZES:
            if hasattr(generator, name):
                again = remembered(getattr(generator, name))
                overrides.enter_context(override(generator, name, again))
        assigner: Any = module.__dict__.get('assigner')
        if type(assigner) is MaxIoUAssigner and assigner.gt_max_assign_all:
            assign = partial(
                assign_wrt_overlaps, assigner, assigner.assign_wrt_overlaps
            )
            overrides.enter_context(override(assigner, 'assign_wrt_overlaps', assign))


def remembered(function: Callable) -> Callable:
    """A function of sizes and devices whose tensors are shared by all who ask."""
    results: Dict[str, Tuple[List[Tensor], List[int]]] = {}

    def again(*args: Any, **kwargs: Any) -> List[Tensor]:
        key = repr((args, kwargs))
        if key not in results or versions(results[key][0]) != results[key][1]:
            tensors = list(function(*args, **kwargs))
            results[key] = tensors, versions(tensors)  # somebody may modify them
        return list(results[key][0])

    return again


def assign_wrt_overlaps(
    assigner: MaxIoUAssigner, assign: Callable, overlaps: Tensor, gt_labels: Tensor
) -> AssignResult:
    """``MaxIoUAssigner.assign_wrt_overlaps`` without a loop over objects.

    ``assign`` is the method itself. Overlaps of k objects and n priors have shape
    (k, n), labels (k,).
    """
    if not assigner.match_low_quality or overlaps.numel() == 0:
        return assign(overlaps, gt_labels)
    with override(assigner, 'match_low_quality', False):
        result = assign(overlaps, gt_labels)
    best = overlaps.max(dim=1, keepdim=True).values
    matches = (overlaps == best) & (best >= assigner.min_pos_iou)
    numbers = torch.arange(1, len(overlaps) + 1, device=overlaps.device)
    last = (matches * numbers[:, None]).max(dim=0).values  # of several, the last object
    result.gt_inds = torch.where(last > 0, last, result.gt_inds)
    labels = gt_labels[(result.gt_inds - 1).clamp(min=0)]
    result.labels = torch.where(result.gt_inds > 0, labels, -1)
    return result
