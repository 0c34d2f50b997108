"""Losses of all images and terms, evaluated in one go.

A head calls its loss modules for each image, term and level. Inside the context they
only note what they were given, and hand out a placeholder. Those that end up in the
head's losses are evaluated together: one operation on all rows instead of one for each
call. Whoever computes with a placeholder before gets the loss itself.
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
EPS = torch.finfo(torch.float32).eps  # that mmdet adds to normalisers


class Call(NamedTuple):
    """What a loss module was given: R rows, and the R weights or None.

    ``function`` is the module's ``forward``, ``avg_factor`` the normaliser.
    """

    function: Callable
    pred: Tensor
    target: Tensor
    weight: Any
    avg_factor: Any

    @property
    def kind(self) -> tuple:
        """What calls must share to be evaluated together."""
        tensors = [x for x in self[1:4] if x is not None]
        return (self.function, *((x.dtype, x.shape[1:]) for x in tensors))


class Placeholder(Tensor):
    """A loss that has not been evaluated yet, but is as soon as anybody computes."""

    call: Call

    @classmethod
    def of(cls, call: Call) -> 'Placeholder':
        """Stand in for what the call returns."""
        like = dict(dtype=call.pred.dtype, device=call.pred.device)
        loss = cls._make_wrapper_subclass(cls, (), **like)  # type: ignore[attr-defined]
        loss.__dict__['call'] = call
        return loss

    def evaluate(self) -> Tensor:
        """The loss."""
        function, *args = self.__dict__['call']
        return function(*args)

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
    return tree_map(lambda x: x.evaluate() if type(x) is Placeholder else x, nest)


def defer_losses(detector: nn.Module, overrides: ExitStack) -> None:
    """Let loss modules hand out placeholders while ``overrides`` is open."""
    kinds = tuple(getattr(mmdet_losses, name) for name in BY_ROW)
    for module in detector.modules():
        if type(module) in kinds and not getattr(module, 'use_mask', False):
            deferred = Deferred(module)
            overrides.enter_context(override(module, 'forward', deferred))


class Deferred:
    """The ``forward`` of a loss module that hands out placeholders where it can."""

    def __init__(self, module: Any) -> None:
        self.function = module.forward
        self.is_mean = module.reduction == 'mean'
        self.autocast = torch.is_autocast_enabled()  # some heads switch it off

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Take the arguments of mmdet's losses."""
        names = ('pred', 'target', 'weight', 'avg_factor')
        given = {**dict.fromkeys(names[2:]), **dict(zip(names, args))}
        given.update((k, v) for k, v in kwargs.items() if v is not None)
        known = self.is_mean and set(given) == set(names) and len(args) >= 2
        if (
            known
            and given['avg_factor'] is not None
            and (self.autocast == torch.is_autocast_enabled())
        ):
            call = Call(self.function, **given)
            rows = len(call.pred)
            if rows and (call.weight is None or len(call.weight) == rows):
                return Placeholder.of(call)
        return self.function(*args, **kwargs)


def total_loss(losses: Sequence[LossDict], weights: Sequence[float]) -> LossDict:
    """``weighted_sum`` of losses that may be placeholders."""
    terms = [(loss, w) for loss, w in zip(losses, weights) if w != 0]
    if len(terms) < 2:
        return weighted_sum(*map(list, zip(*evaluated(terms)))) if terms else {}
    # By kind of call: of each loss and level, the calls and their weights.
    deferred: Dict[Any, Dict[tuple, List[Tuple[Call, float]]]]
    deferred = defaultdict(lambda: defaultdict(list))
    others: List[LossDict] = []
    for loss, weight in terms:
        others.append({})
        for key, value in loss.items():
            levels = value if isinstance(value, (list, tuple)) else [value]
            if not all(type(level) is Placeholder for level in levels):
                others[-1][key] = evaluated(value)
                continue
            for i, level in enumerate(levels):
                call = level.__dict__['call']
                place = (key, i if levels is value else None)
                deferred[call.kind][place].append((call, weight))
    parts = [weighted_sum(others, [w for _, w in terms])]
    parts += [_evaluate_together(places) for places in deferred.values()]
    total = weighted_sum(parts, [1] * len(parts))
    return {key: total[key] for loss, _ in terms for key in loss}


def _evaluate_together(places: Dict[tuple, List[Tuple[Call, float]]]) -> LossDict:
    """Losses by name, of calls of one kind."""
    calls, weights = zip(*(pair for pairs in places.values() for pair in pairs))
    pred, target = (torch.cat([call[i] for call in calls]) for i in (1, 2))
    rows = calls[0].function(pred, target, reduction_override='none')
    sizes = [len(call.pred) for call in calls]
    if calls[0].weight is not None:
        weight = torch.cat([call.weight for call in calls])
        if weight.ndim > rows.ndim:
            weight = weight.mean(-1)  # as mmdet does for losses of whole boxes
        elif weight.ndim < rows.ndim:
            rows = rows.sum(-1)
        rows = rows * weight
    rows = rows.flatten(1).sum(1) if rows.ndim > 1 else rows
    like = dict(
        dtype=torch.promote_types(rows.dtype, torch.float32), device=rows.device
    )
    factors = [call.avg_factor for call in calls]
    if any(isinstance(factor, Tensor) for factor in factors):
        factors = torch.stack([torch.as_tensor(f, **like) for f in factors])
        scales = torch.tensor(weights, **like) / (factors + EPS)
    else:
        scales = torch.tensor([w / (f + EPS) for w, f in zip(weights, factors)], **like)
    counts = torch.tensor(sizes, device=rows.device)
    rows = rows * scales.repeat_interleave(counts, output_size=len(rows))
    result: Dict[str, Any] = {}
    ends = [sum(len(call.pred) for call, _ in pairs) for pairs in places.values()]
    for (key, level), part in zip(places, rows.split(ends)):
        if level is None:
            result[key] = part.sum()
        else:
            result.setdefault(key, []).append(part.sum())
    return result
