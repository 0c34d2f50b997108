"""Random numbers on the side, of which a training notices nothing."""

import random
from contextlib import contextmanager
from typing import Iterator

import numpy as np
import torch


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Restore the random generators of Python, numpy and torch afterwards."""
    python, numbers = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices):
        yield
    random.setstate(python)
    np.random.set_state(numbers)
