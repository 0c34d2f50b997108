"""What dense heads compute from sizes alone, once; and their assignment, in one go.

mmdet makes anchors and their flags anew for each image and each call of ``loss``. It
also matches objects to anchors one by one, and waits for the GPU at each object. Here
the same tensors are handed out again, and the same matches are found for all objects
together. No result changes.
"""

from contextlib import ExitStack
from copy import copy
from functools import partial
from inspect import signature
from typing import Any, Callable, Optional

import torch
from mmdet.models.task_modules import AssignResult, MaxIoUAssigner
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

from .replay import Memory, override

FROM_SIZES = ('grid_priors', 'valid_flags')
# What heads do to such tensors alone, and never write into what comes of it.
PURE = (torch.cat, Tensor.new_tensor, Tensor.expand_as, Tensor.repeat, Tensor.__getitem__)


class Known(Tensor):
    """A tensor that depends on sizes alone, as does what is computed of such alone."""

    memory: Memory

    @classmethod
    def of(cls, nest: Any, memory: Memory) -> Any:
        """Mark all tensors in a nest."""

        def mark(leaf: Any) -> Any:
            if isinstance(leaf, Tensor) and not leaf.requires_grad:
                leaf = leaf.as_subclass(cls)
                leaf.memory = memory
            return leaf

        return tree_map(mark, nest)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        """Compute, or hand out again what was computed."""
        with torch._C.DisableTorchFunctionSubclass():
            kwargs = kwargs or {}
            leaves = tree_flatten((args, kwargs))[0] if func in PURE else []
            tensors = [x for x in leaves if isinstance(x, Tensor)]
            if not tensors or not all(type(x) is cls for x in tensors):
                return func(*args, **kwargs)
            memory = tensors[0].memory
            return memory(cls.compute, memory, func, *args, **kwargs)

    @classmethod
    def compute(cls, memory: Memory, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Mark what a function makes of tensors that are marked."""
        return cls.of(func(*args, **kwargs), memory)


def share_anchors(detector: nn.Module, overrides: ExitStack) -> None:
    """Remember anchors, and what is assigned to them, while ``overrides`` is open."""
    known = Memory()
    overrides.callback(known.calls.clear)  # its tensors refer to it
    for module in detector.modules():
        generator: Any = module.__dict__.get('prior_generator')
        assigner: Any = module.__dict__.get('assigner')
        if type(assigner) is MaxIoUAssigner and assigner.gt_max_assign_all:
            assign = partial(
                assign_wrt_overlaps, assigner, assigner.assign_wrt_overlaps
            )
            overrides.enter_context(override(assigner, 'assign_wrt_overlaps', assign))
        for name in FROM_SIZES:
            if hasattr(generator, name):
                again = remembered(getattr(generator, name), Memory(), known)
                overrides.enter_context(override(generator, name, again))
        for owner, name in ((assigner, 'assign'), (module, '_get_targets_single')):
            method = getattr(owner, name, None)
            if method and 'img_meta' not in signature(method).parameters:
                again = remembered(method, Memory(lambda x: not x.is_floating_point()))
                overrides.enter_context(override(owner, name, again))


def remembered(
    function: Callable, memory: Memory, known: Optional[Memory] = None
) -> Callable:
    """A function whose tensors are shared by all who ask."""

    def compute(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return Known.of(result, known) if known else result

    def again(*args: Any, **kwargs: Any) -> Any:
        return tree_map(_own, memory(compute, *args, **kwargs))

    return again


def _own(leaf: Any) -> Any:
    return copy(leaf) if isinstance(leaf, AssignResult) else leaf


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
