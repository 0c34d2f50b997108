"""What the main process and all workers of a data loader see alike."""

from typing import Iterable

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

ROWS = 65  # for 64 workers of a loader and for the process of the runner


class Shared:
    """Numbers in shared memory, of the shape and dtype that torch's ``zeros`` takes.

    A data loader's workers hold copies of the transforms, and persistent ones are never
    sent new ones; what is here is the same in all copies.
    """

    def __init__(self, *shape: int, dtype: torch.dtype) -> None:
        self._values = torch.zeros(shape, dtype=dtype).share_memory_()

    def __setstate__(self, state: dict) -> None:
        """Share memory again: a copy, or what was read from a file, is a new one.

        What torch sends to a worker process is shared memory already.
        """
        self.__dict__.update(state)
        self._values.share_memory_()


class MixSwitch(Shared):
    """Whether a transform mixes, which the main process says."""

    def __init__(self) -> None:
        super().__init__(1, dtype=torch.bool)

    @property
    def on(self) -> bool:
        """bool: Whether to mix. Defaults to True."""
        return not self._values.item()

    def turn_off(self) -> None:
        """Stop the mixing, in all workers, from the next image that they load on."""
        self._values.fill_(True)


class MixCounts(Shared):
    """Sums over images: how many, how many of them mixed, and their own weights."""

    def __init__(self) -> None:
        super().__init__(ROWS, 3, dtype=torch.float64)

    def add(self, images: int = 0, mixed: int = 0, lam: float = 1.0) -> None:
        """Count images, then those of them that are mixed, with their own weight."""
        worker = get_worker_info()
        row = worker.id % (ROWS - 1) if worker else ROWS - 1  # one that no other writes
        # By numpy, in the same memory: a step has no operator more for being counted.
        self._values.numpy()[row] += [images, mixed, images + mixed * (lam - 1)]

    def total(self) -> Tensor:
        """The sums, shape (3,), on the CPU."""
        return self._values.sum(0)


def total_of(counts: Iterable[MixCounts]) -> Tensor:
    """The sums of several, shape (3,), on the CPU."""
    return sum((one.total() for one in counts), torch.zeros(3, dtype=torch.float64))
