"""A switch that the main process turns and every worker of the data loader sees."""

from typing import Any, Iterator, List, Set

import torch


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
    """Find the switch of every mixing transform of a dataset.

    Args:
        dataset (:obj:`BaseDataset`): Or any nest of dataset wrappers of mmengine and
            mmdet, with pipelines that may nest as well (``RandomChoice``,
            ``MultiBranch``, ...).

    Returns:
        list[MixSwitch]: Each once.
    """
    switches = []
    for node in _walk(dataset, set()):
        switch = getattr(node, 'switch', None)
        if isinstance(switch, MixSwitch) and switch not in switches:
            switches.append(switch)
    return switches


# Where wrappers keep datasets, datasets pipelines, and transforms other transforms.
_CHILDREN = ('dataset', 'datasets', 'pipeline', 'transforms', 'branch_pipelines')


def _walk(node: Any, seen: Set[int]) -> Iterator[Any]:
    if id(node) in seen or isinstance(node, str):
        return
    seen.add(id(node))
    yield node
    if isinstance(node, dict):
        children = list(node.values())
    elif isinstance(node, (list, tuple)):
        children = list(node)
    else:
        # `vars`, as a dataset's property may load something.
        attributes = getattr(node, '__dict__', {})
        children = [attributes[key] for key in _CHILDREN if key in attributes]
    for child in children:
        yield from _walk(child, seen)
