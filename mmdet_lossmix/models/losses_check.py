"""Stops at a loss that is not finite, by name, before it reaches the weights."""

from typing import Dict, List

import torch
from torch import Tensor

from mmdet_lossmix.functional import LossDict
from mmdet_lossmix.structures import MixedTargets


def check_finite(losses: LossDict, targets: MixedTargets) -> None:
    """Raise if a loss is NaN or infinite.

    Under fp16 autocast an overflow is the gradient scaler's to deal with, and none is
    raised.

    Args:
        losses (dict[str, Tensor | list[Tensor]]): The losses of a step.
        targets (MixedTargets): The batch, to be named.

    Raises:
        FloatingPointError: It names the losses and the image files.
    """
    named = _flatten(losses)
    if not named or torch.stack([v.isfinite() for v in named.values()]).all():
        return
    if torch.is_autocast_enabled() and torch.get_autocast_gpu_dtype() is torch.float16:
        return
    bad = {name: v.item() for name, v in named.items() if not v.isfinite()}
    raise FloatingPointError(
        f'Expected finite losses but got {bad} on {_paths(targets)}. Look for boxes '
        'without width or height (add FilterAnnotations), a too large learning rate '
        '(add a warm-up, or `clip_grad` in `optim_wrapper`), or a diverged model.'
    )


def _flatten(losses: LossDict) -> Dict[str, Tensor]:
    """Name every loss term; list entries get their index. Entries that are no losses
    are left out, as in ``BaseModel.parse_losses``.
    """
    named = {}
    for key, value in losses.items():
        if 'loss' in key:
            values = value if isinstance(value, (list, tuple)) else [value]
            for i, v in enumerate(values):
                named[key if len(values) == 1 else f'{key}[{i}]'] = v.detach().sum()
    return named


def _paths(targets: MixedTargets) -> List[str]:
    paths = []
    for own, partner, lam in zip(*targets):
        path = str(own.get('img_path'))
        mixed_with = f' mixed with {partner.get("img_path")}, lambda {lam}'
        paths.append(path if lam is None else path + mixed_with)
    return paths
