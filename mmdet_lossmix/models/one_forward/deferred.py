"""Losses of all images and terms, evaluated in one go.

A head calls its loss modules for each image, term and level. Here they only note what
they were given, and hand out placeholders. Those that end up among the head's losses
are evaluated together: an operation on all rows instead of one for each call.
"""

from collections import defaultdict
from contextlib import ExitStack
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import torch
from mmdet.models import losses as of_mmdet
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from mmdet_lossmix.functional import LossDict, weighted_sum

from .replay import override

# A row of the prediction has a loss of its own, whatever the other rows are.
BY_ROW = 'FocalLoss CrossEntropyLoss L1Loss SmoothL1Loss IoULoss GIoULoss'
LARGE = 1 << 22  # elements, from which copying costs more than launching
EPS = torch.finfo(torch.float32).eps  # mmdet adds it to normalisers


class Call(NamedTuple):
    """A loss module's ``forward``, and what it was given: R rows, R weights or None."""

    function: Callable
    pred: Tensor
    target: Tensor
    weight: Any
    avg_factor: Any


class Placeholder(Tensor):
    """The loss of a call; whoever computes with it gets the loss itself."""

    call: Call

    def __new__(cls, call: Call) -> 'Placeholder':
        """Make a wrapper, which has no value of its own: no operation makes it."""
        make: Any = Tensor._make_wrapper_subclass  # type: ignore[attr-defined]
        loss = make(cls, (), dtype=call.pred.dtype, device=call.pred.device)
        loss.call = call
        return loss

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        """Compute with the loss itself."""
        args, kwargs = evaluated((args, kwargs or {}))
        return func(*args, **kwargs)

    __torch_dispatch__: Any = __torch_function__  # a wrapper needs one; never called


def evaluated(nest: Any) -> Any:
    """Put losses in the place of placeholders."""
    return tree_map(
        lambda x: x.call[0](*x.call[1:]) if type(x) is Placeholder else x, nest
    )


def defer_losses(detector: nn.Module, overrides: ExitStack) -> None:
    """Let loss modules hand out placeholders while ``overrides`` is open."""
    kinds = [getattr(of_mmdet, name) for name in BY_ROW.split()]
    for module in detector.modules():
        by_row = type(module) in kinds and not getattr(module, 'use_mask', False)
        if by_row and module.reduction == 'mean':
            overrides.enter_context(override(module, 'forward', deferred(module)))


def deferred(module: nn.Module) -> Callable:
    """A loss module's ``forward`` that hands out a placeholder where it can."""
    function = module.forward
    modes = torch.is_autocast_enabled, torch.is_grad_enabled  # some heads switch them
    before = [mode() for mode in modes]

    def forward(*args: Any, **kwargs: Any) -> Tensor:
        given: Dict[str, Any] = dict(zip(Call._fields[1:], args), **kwargs)
        given = {k: v for k, v in given.items() if v is not None}
        call = Call(function, *map(given.pop, Call._fields[1:], [None] * 4))
        lengths = {len(x) for x in call[1:4] if x is not None}
        whole = len(lengths) == 1 and lengths != {0} and call.avg_factor is not None
        whole &= not isinstance(call.avg_factor, Tensor) or call.avg_factor.numel() == 1
        large = call.pred is not None and call.pred.numel() > LARGE
        if given or not whole or large or before != [mode() for mode in modes]:
            return function(*args, **kwargs)
        return Placeholder(call)

    return forward


def total_loss(losses: Sequence[LossDict], weights: Sequence[float]) -> LossDict:
    """``weighted_sum`` of losses that may be placeholders; empties the dictionaries."""
    terms = [(loss, w) for loss, w in zip(losses, weights) if w != 0]
    if len(terms) < 2:  # as the plain detector computes it
        return weighted_sum(evaluated(losses), weights)
    # Of each kind, by name and level: calls, and the weights of their losses.
    groups: Dict[Any, Any] = defaultdict(lambda: defaultdict(list))
    others: List[LossDict] = [{} for _ in terms]
    for (loss, weight), other in zip(terms, others):
        for key, value in loss.items():
            levels: Any = value if isinstance(value, (list, tuple)) else [value]
            if not all(type(level) is Placeholder for level in levels):
                other[key] = evaluated(value)
                continue
            for i, level in enumerate(levels):
                function, *tensors, _ = level.call
                kinds = [x is not None and (x.dtype, x.shape[1:]) for x in tensors]
                place = key, i if levels is value else None
                groups[(function, *kinds)][place].append((level.call, weight))
    keys = [key for loss, _ in terms for key in loss]
    parts = [weighted_sum(others, [w for _, w in terms])]
    for loss in losses:
        loss.clear()  # their placeholders hold large tensors
    while groups:
        parts.append(_evaluate(groups.popitem()[1]))
    total = weighted_sum(parts, [1] * len(parts))
    return {key: total[key] for key in keys}


def _evaluate(group: Dict[Tuple[str, Any], List[Tuple[Call, float]]]) -> LossDict:
    """Weighted losses by name, of calls of one kind."""
    calls, weights = zip(*(pair for pairs in group.values() for pair in pairs))
    sizes, factors = ([len(c.pred) for c in calls], [c.avg_factor for c in calls])
    ends = [sum(len(call.pred) for call, _ in pairs) for pairs in group.values()]
    places, function = list(group), calls[0].function
    pred, target, weight = (
        None if tensors[0] is None else torch.cat(tensors)
        for tensors in list(zip(*calls))[1:4]
    )
    group.clear()
    del calls
    rows = function(pred, target, reduction_override='none')
    if weight is not None:
        if weight.ndim > rows.ndim:
            weight = weight.mean(-1)  # as mmdet does for losses of whole boxes
        elif weight.ndim < rows.ndim:
            rows = rows.sum(-1)
        rows = rows * weight
    rows = rows.flatten(1).sum(1) if rows.ndim > 1 else rows
    dtype = torch.promote_types(rows.dtype, torch.float32)

    def moved(values: Sequence, dtype: torch.dtype = dtype) -> Tensor:
        return torch.tensor(values, dtype=dtype).to(rows.device, non_blocking=True)

    if any(isinstance(factor, Tensor) for factor in factors):
        stacked = [f if isinstance(f, Tensor) else moved(f) for f in factors]
        stacked = [f.view(()) if f.ndim else f for f in stacked]  # some have shape (1,)
        scales = moved(weights) / (torch.stack([f.to(dtype) for f in stacked]) + EPS)
    else:
        scales = moved([w / (f + EPS) for w, f in zip(weights, factors)])
    counts = moved(sizes, torch.long)
    rows = rows * scales.repeat_interleave(counts, output_size=len(rows))
    losses: Dict[str, Any] = {}
    for (key, level), part in zip(places, rows.split(ends)):
        loss = part.sum()
        losses[key] = loss if level is None else [*losses.get(key, []), loss]
    return losses
