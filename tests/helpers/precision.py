"""For comparisons: float64 in everything, anchors and points included.

In float32 the rounding of a badly conditioned gradient would hide real errors.
"""

import importlib
from contextlib import contextmanager
from typing import Any, Callable, Iterator
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

nms_module = importlib.import_module('mmcv.ops.nms')  # `mmcv.ops.nms` is the function


@contextmanager
def double_precision() -> Iterator[None]:
    """Context in which what is built and drawn is float64, whatever asks for float32.

    mmcv's NMS takes float32 alone, and gets it.
    """
    nms = nms_module.ext_module.nms

    def cast(boxes: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        return nms(_to_float32(boxes), _to_float32(scores), **kwargs)

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.object(nms_module.ext_module, 'nms', cast), Float64ForFloat32():
            yield
    finally:
        torch.set_default_dtype(before)


class Float64ForFloat32(TorchFunctionMode):
    """Mode in which calls of torch that ask for float32 get float64."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        """Call ``func``, asking for the other dtype."""
        func = Tensor.double if func is Tensor.float else func
        kwargs = {key: _wider(value) for key, value in (kwargs or {}).items()}
        return func(*map(_wider, args), **kwargs)


def _wider(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value


def _to_float32(tensor: Tensor) -> Tensor:
    return torch.from_numpy(tensor.detach().numpy().astype(np.float32))
