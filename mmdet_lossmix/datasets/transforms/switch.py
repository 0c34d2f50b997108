"""A switch that the main process turns and every worker of the data loader sees."""

from typing import Any, List

import torch

from mmdet_lossmix.datasets.walk import walk


class MixSwitch:
    """Whether a transform mixes, in shared memory.

    A data loader's workers hold copies of the transforms, and persistent ones are never
    sent new ones; the state of a switch is the same in all copies.
    """

    def __init__(self) -> None:
        self._off = torch.zeros(1, dtype=torch.bool).share_memory_()

    @property
    def on(self) -> bool:
        """bool: Whether to mix. Defaults to True."""
        return not self._off.item()

    def turn_off(self) -> None:
        """Stop the mixing, in all workers, from the next image that they load on."""
        self._off.fill_(True)

    def __setstate__(self, state: dict) -> None:
        """Share memory again: a copy, or what was read from a file, is a new switch.

        What torch sends to a worker process is shared memory already.
        """
        self.__dict__.update(state)
        self._off.share_memory_()


def find_switches(dataset: Any) -> List[MixSwitch]:
    """Find the switch of every mixing transform of a dataset, each once.

    The dataset may be a nest of wrappers of mmengine and mmdet, with pipelines that
    nest as well (``RandomChoice``, ``MultiBranch``, ...).
    """
    found = (getattr(node, 'switch', None) for node in walk(dataset))
    return list(dict.fromkeys(s for s in found if isinstance(s, MixSwitch)))
