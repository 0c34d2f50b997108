"""Losses of all images and terms, evaluated in one go.

A head calls its loss modules for each image, term and level. Here they only note what
they were given, and hand out placeholders. Those that end up among the head's losses
are evaluated together: an operation on all rows instead of one for each call.
"""

from collections import defaultdict
from contextlib import ExitStack
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import torch
from mmdet.models import losses as mmdet_losses
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from mmdet_lossmix.functional import LossDict, weighted_sum

from .replay import override

# A row of the prediction has a loss of its own, whatever the other rows are.
BY_ROW = ('FocalLoss', 'CrossEntropyLoss', 'L1Loss', 'SmoothL1Loss', 'IoULoss')
ARGUMENTS = ('pred', 'target', 'weight', 'avg_factor')
EPS = torch.finfo(torch.float32).eps  # mmdet adds it to normalisers


class Call(NamedTuple):
    """A loss module's ``forward``, and what it was given: R rows, R weights or None."""

    function: Callable
    pred: Tensor
    target: Tensor
    weight: Any
    avg_factor: Any


# By kind of call, by name and level: calls, and the weights of their losses.
Group = Dict[Tuple[str, Any], List[Tuple[Call, float]]]


class Placeholder(Tensor):
    """The loss of a call; whoever computes with it gets the loss itself."""

    call: Call

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        """Compute with the loss itself."""
        args, kwargs = evaluated((args, kwargs or {}))
        return func(*args, **kwargs)

    __torch_dispatch__ = __torch_function__  # torch wants one, and does not get here


def evaluated(nest: Any) -> Any:
    """Put losses in the place of placeholders."""

    def loss(leaf: Any) -> Any:
        return leaf.call[0](*leaf.call[1:]) if type(leaf) is Placeholder else leaf

    return tree_map(loss, nest)


def defer_losses(detector: nn.Module, overrides: ExitStack) -> None:
    """Let loss modules hand out placeholders while ``overrides`` is open."""
    kinds = [getattr(mmdet_losses, name) for name in BY_ROW]
    for module in detector.modules():
        by_row = type(module) in kinds and not getattr(module, 'use_mask', False)
        if by_row and module.reduction == 'mean':
            overrides.enter_context(override(module, 'forward', deferred(module)))


def deferred(module: nn.Module) -> Callable:
    """A loss module's ``forward`` that hands out a placeholder where it can."""
    function, autocast = module.forward, torch.is_autocast_enabled()

    def forward(*args: Any, **kwargs: Any) -> Tensor:
        given: Dict[str, Any] = {'weight': None, 'avg_factor': None}
        given.update(zip(ARGUMENTS, args))
        given.update((k, v) for k, v in kwargs.items() if v is not None)
        # Some heads switch autocast off for a loss.
        known = set(given) == set(ARGUMENTS) and given['avg_factor'] is not None
        if not known or autocast != torch.is_autocast_enabled():
            return function(*args, **kwargs)
        call = Call(function, **given)
        lengths = {len(x) for x in call[1:4] if x is not None}
        if len(lengths) > 1 or 0 in lengths:
            return function(*args, **kwargs)
        make: Any = Placeholder._make_wrapper_subclass  # type: ignore[attr-defined]
        loss = make(Placeholder, (), dtype=call.pred.dtype, device=call.pred.device)
        loss.call = call
        return loss

    return forward


def total_loss(losses: Sequence[LossDict], weights: Sequence[float]) -> LossDict:
    """``weighted_sum`` of losses that may be placeholders."""
    terms = [(loss, w) for loss, w in zip(losses, weights) if w != 0]
    if len(terms) < 2:  # as the plain detector computes it
        return weighted_sum(evaluated(losses), weights)
    groups: Dict[Any, Group] = defaultdict(lambda: defaultdict(list))
    others: List[LossDict] = [{} for _ in terms]
    for (loss, weight), other in zip(terms, others):
        for key, value in loss.items():
            levels = value if isinstance(value, (list, tuple)) else [value]
            if not all(type(level) is Placeholder for level in levels):
                other[key] = evaluated(value)
                continue
            for i, level in enumerate(levels):
                _, *tensors, _ = call = level.call
                kinds = [x is not None and (x.dtype, x.shape[1:]) for x in tensors]
                group = groups[(call.function, *kinds)]
                group[key, i if levels is value else None].append((call, weight))
    parts = [weighted_sum(others, [w for _, w in terms])]
    parts += map(_evaluate, groups.values())
    total = weighted_sum(parts, [1] * len(parts))
    return {key: total[key] for loss, _ in terms for key in loss}


def _evaluate(group: Group) -> LossDict:
    """Weighted losses by name, of calls of one kind."""
    calls, weights = zip(*(pair for pairs in group.values() for pair in pairs))
    pred, target = (torch.cat([call[i] for call in calls]) for i in (1, 2))
    rows = calls[0].function(pred, target, reduction_override='none')
    if calls[0].weight is not None:
        weight = torch.cat([call.weight for call in calls])
        if weight.ndim > rows.ndim:
            weight = weight.mean(-1)  # as mmdet does for losses of whole boxes
        elif weight.ndim < rows.ndim:
            rows = rows.sum(-1)
        rows = rows * weight
    rows = rows.flatten(1).sum(1) if rows.ndim > 1 else rows
    like: Any = dict(dtype=torch.promote_types(rows.dtype, torch.float32))
    like['device'] = rows.device
    factors = [call.avg_factor for call in calls]
    if any(isinstance(factor, Tensor) for factor in factors):
        normaliser = torch.stack([torch.as_tensor(f, **like) for f in factors]) + EPS
        scales = torch.tensor(weights, **like) / normaliser
    else:
        scales = torch.tensor([w / (f + EPS) for w, f in zip(weights, factors)], **like)
    sizes = torch.tensor([len(call.pred) for call in calls], device=rows.device)
    rows = rows * scales.repeat_interleave(sizes, output_size=len(rows))
    ends = [sum(len(call.pred) for call, _ in pairs) for pairs in group.values()]
    losses: Dict[str, Any] = {}
    for (key, level), part in zip(group, rows.split(ends)):
        loss = part.sum()
        losses[key] = loss if level is None else [*losses.get(key, []), loss]
    return losses
