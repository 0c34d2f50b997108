"""Marks of tests that not every version can run."""

import pytest
import torch

needs_uint16 = pytest.mark.skipif(
    not hasattr(torch, 'uint16'), reason='torch < 2.3: mmdet packs no 16-bit images'
)
