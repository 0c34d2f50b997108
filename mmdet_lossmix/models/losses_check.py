"""Stops at a loss that is not finite, by name, before it reaches the weights."""

from typing import Dict, List

import torch
from mmdet.structures import SampleList
from torch import Tensor

from mmdet_lossmix.functional import LossDict

# Under fp16 a gradient scaler skips steps that overflow, but not for ever.
OVERFLOWS_IN_A_ROW = 50


class FiniteCheck:
    """Raises if a loss is NaN or infinite.

    Under fp16 autocast an overflow is the gradient scaler's to deal with, unless there
    are ``OVERFLOWS_IN_A_ROW``: then nothing is learnt any more.
    """

    def __init__(self) -> None:
        self._overflows = 0

    def __call__(self, losses: LossDict, data_samples: SampleList) -> None:
        """Check the losses of a step on a batch of samples.

        Raises:
            FloatingPointError: It names the losses and the image files.
        """
        named = _flatten(losses)
        if not named or torch.stack([v.isfinite() for v in named.values()]).all():
            self._overflows = 0
            return
        self._overflows += 1
        if in_fp16() and self._overflows < OVERFLOWS_IN_A_ROW:
            return
        bad = {name: v.item() for name, v in named.items() if not v.isfinite()}
        raise FloatingPointError(
            f'Expected finite losses but got {bad} on {_paths(data_samples)}. Look for '
            'boxes without width or height (add FilterAnnotations), a too large '
            'learning rate (add a warm-up, or `clip_grad` in `optim_wrapper`), or a '
            'diverged model.'
        )


def in_fp16() -> bool:
    """Whether autocast computes in float16, which overflows easily."""
    return (
        torch.is_autocast_enabled() and torch.get_autocast_gpu_dtype() is torch.float16
    )


def _flatten(losses: LossDict) -> Dict[str, Tensor]:
    """Name every loss term; entries without "loss" in their key are none."""
    named = {}
    for key, value in losses.items():
        if 'loss' in key:
            values = value if isinstance(value, (list, tuple)) else [value]
            for i, v in enumerate(values):
                named[key if len(values) == 1 else f'{key}[{i}]'] = v.detach().sum()
    return named


def _paths(data_samples: SampleList) -> List[str]:
    paths = [str(sample.get('img_path')) for sample in data_samples]
    for i, sample in enumerate(data_samples):
        if 'partner' in sample:
            other = sample.partner.get('img_path')
            paths[i] += f' mixed with {other}, lambda {sample.mix_lambda:.3f}'
    return paths
