"""Double precision in everything, anchors and points included.

In float32 the rounding of a badly conditioned gradient would hide real errors.
"""

import importlib
from contextlib import contextmanager
from typing import Any, Iterator
from unittest import mock

import torch
from torch import Tensor

nms_module = importlib.import_module('mmcv.ops.nms')  # `mmcv.ops.nms` is the function


@contextmanager
def double_precision() -> Iterator[None]:
    """Context in which what is built and drawn is float64, and mmcv's NMS takes it."""
    nms = nms_module.ext_module.nms

    def cast(boxes: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        return nms(boxes.float(), scores.float(), **kwargs)

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.object(nms_module.ext_module, 'nms', cast):
            yield
    finally:
        torch.set_default_dtype(before)
