"""Stops at a loss that is not finite, by name, before it reaches the weights."""

from math import isfinite
from typing import List, Optional, Tuple

import torch
from mmdet.structures import SampleList
from torch import Tensor

from mmdet_lossmix.functional import LossDict

# Under fp16 a gradient scaler skips steps that overflow, but not for ever.
OVERFLOWS_IN_A_ROW = 50


class FiniteCheck:
    """Raises if a loss is NaN or infinite.

    On a GPU the answer of a step is read in the next one, so that no step waits for it;
    a NaN has reached the weights by then, and the run stops there. Under fp16 autocast
    an overflow is the gradient scaler's to deal with, unless there are
    ``OVERFLOWS_IN_A_ROW``: then nothing is learnt any more.
    """

    def __init__(self) -> None:
        self._overflows = 0
        self._pending: Optional[Tuple[Tensor, List[str], SampleList]] = None

    def __call__(self, losses: LossDict, data_samples: SampleList) -> None:
        """Check the losses of a step on a batch of samples.

        Raises:
            FloatingPointError: It names the losses and the image files.
        """
        names, values = [], []
        for key, value in losses.items():
            terms = list(value) if isinstance(value, (list, tuple)) else [value]
            if 'loss' in key:
                values += terms
                names += [
                    f'{key}[{i}]' if len(terms) > 1 else key for i in range(len(terms))
                ]
        if not values:
            return
        with torch.no_grad():
            step = torch.stack([v if v.ndim == 0 else v.sum() for v in values])
        if not step.is_cuda:
            self._read(step, names, data_samples)
            return
        pending, self._pending = self._pending, (step, names, data_samples)
        if pending is not None:
            self._read(*pending)

    def _read(self, values: Tensor, names: List[str], data_samples: SampleList) -> None:
        if isfinite(values.sum().item()):
            self._overflows = 0
            return
        self._overflows += 1
        if in_fp16() and self._overflows < OVERFLOWS_IN_A_ROW:
            return
        found = dict(zip(names, values.tolist()))
        bad = {name: value for name, value in found.items() if not isfinite(value)}
        raise FloatingPointError(
            'Look for boxes without width or height (add FilterAnnotations), a too '
            'large learning rate (add a warm-up, or `clip_grad` in `optim_wrapper`), '
            f'or a diverged model: {bad} on {_paths(data_samples)} is not finite.'
        )


def in_fp16() -> bool:
    """Whether autocast computes in float16, which overflows easily."""
    dtype = torch.get_autocast_gpu_dtype()
    return torch.is_autocast_enabled() and dtype is torch.float16


def _paths(data_samples: SampleList) -> List[str]:
    paths = [str(sample.get('img_path')) for sample in data_samples]
    for i, sample in enumerate(data_samples):
        if 'partner' in sample:
            other = sample.partner.get('img_path')
            paths[i] += f' mixed with {other}, lambda {sample.mix_lambda:.3f}'
    return paths
