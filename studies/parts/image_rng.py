"""Random numbers that belong to an image, whoever draws them and whenever."""

import hashlib
from typing import Any

import numpy as np


def image_rng(image: Any, seed: int, purpose: str) -> np.random.Generator:
    """A generator keyed by an image, a seed and a purpose.

    The same in every epoch, worker, process and version of Python.

    Args:
        image (Any): What identifies the image, ``img_id`` of the dataset.
        seed (int): Other seeds, other numbers.
        purpose (str): Keeps draws for different purposes independent.
    """
    key = hashlib.sha256(f'{purpose}/{seed}/{image}'.encode()).digest()
    return np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
