"""Methods that return their first outputs when called again with the same tensors.

Two tensors are the same if they are one object; or if they hold the same values,
computed by the same operations from the same tensors, so that gradients are the same
too. The second rule is for what a detector computes afresh in every call from features
that it shares: masks of the padding, flattened features, repeated queries.
"""

from contextlib import ExitStack, contextmanager
from itertools import islice
from types import SimpleNamespace
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set

import numpy as np
import torch
from mmengine.dist import get_world_size
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from .image_slices import ImageSlices, treats_images_alone


class Call(NamedTuple):
    """A call that was computed."""

    inputs: List[Any]  # all arguments, kept alive so that nothing else gets an id
    outputs: Any
    versions: List[int]  # of all tensors among both, see `versions`

    def serves(self, inputs: List[Any], by_value: bool = True) -> bool:
        """Whether inputs of the same kinds are the same, and nothing was modified."""
        return versions(self.inputs, self.outputs) == self.versions and all(
            a is b or not isinstance(a, Tensor) or (by_value and same_tensor(a, b))
            for a, b in zip(self.inputs, inputs)
        )


class Replay:
    """A method of a stage that remembers its calls as long as it lives.

    A call is the same as an earlier one if its tensors are and everything else is the
    same object or, plain data, equal. It is computed anew if somebody has modified
    inputs or outputs in place since.

    With several processes, a stage with synchronised batch normalisation knows tensors
    by identity alone. Whether values are equal depends on the data, and a process that
    computes waits for all others to do so too.

    A call with data samples may depend on annotations. It is always computed; within
    it each module inside the stage is a stage of its own.

    A call with the feature maps of one image computes those of the whole batch, if that
    is the same, and returns the image's part: N images cost one call, not N.

    Args:
        stage (nn.Module): A part of a detector.
        method (str): Name of a method that depends on its arguments alone. Containers
            and data elements among its outputs are copied for each caller (RoI heads
            rename the fields of the proposals they are given); tensors are shared.
        siblings (:obj:`SimpleNamespace`, optional): What the stages inside one stage
            share. While one is ``computing``, others are parts of it. Defaults to None.
        slices (:obj:`ImageSlices`, optional): Knows the images of a batch. Defaults to
            None.
        by_value (bool): Whether other tensors with the same values are the same, which
            a GPU is waited for to compare. Defaults to True.
    """

    def __init__(
        self,
        stage: nn.Module,
        method: str,
        siblings: Optional[SimpleNamespace] = None,
        slices: Optional[ImageSlices] = None,
        by_value: bool = True,
    ) -> None:
        self.stage = stage
        self.function: Callable = getattr(stage, method)
        self.siblings = siblings or SimpleNamespace(computing=False)
        # SyncBatchNorm is torch's, mmcv's and detectron2's.
        synchronises = any('SyncB' in type(m).__name__ for m in stage.modules())
        self.by_value = by_value and (get_world_size() == 1 or not synchronises)
        self.slices = slices if treats_images_alone(stage) else None
        self.calls: Dict[Any, List[Call]] = {}
        self.inner: Dict[nn.Module, Replay] = {}
        self.inner_siblings = SimpleNamespace(computing=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the method returns, or returned in the same call before."""
        if self.siblings.computing:  # a part of what one of them will remember
            return self.function(*args, **kwargs)
        inputs, structure = tree_flatten((args, kwargs))
        if any(isinstance(x, BaseDataElement) for x in inputs):
            with self._inside():
                return self.function(*args, **kwargs)
        origins = self.slices.origins(inputs) if self.slices else None
        if self.slices and origins:
            outputs = self._remembered([o.batch for o in origins], structure)
            if self.slices.are_maps(outputs):
                return self.slices.take(outputs, origins[0].image)
            self.slices = None  # it makes something else of images
        return tree_map(_fresh, self._remembered(inputs, structure))

    def _remembered(self, inputs: List[Any], structure: Any) -> Any:
        """What an earlier call with the same arguments returned, or a new one does."""
        key = (torch.is_grad_enabled(), str(structure), *map(kind, inputs))
        calls = self.calls.setdefault(key, [])
        for call in reversed(calls):
            if call.serves(inputs, self.by_value):
                return call.outputs
        args, kwargs = tree_unflatten(inputs, structure)
        self.siblings.computing = True
        try:
            outputs = self.function(*args, **kwargs)
        finally:
            self.siblings.computing = False
        calls.append(Call(inputs, outputs, versions(inputs, outputs)))
        return outputs

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Make each module inside the stage a stage, for one call."""
        with ExitStack() as overrides:
            for module in islice(self.stage.modules(), 1, None):  # the first is itself
                if module not in self.inner:
                    self.inner[module] = Replay(module, 'forward', self.inner_siblings)
                inner = override(module, 'forward', self.inner[module])
                overrides.enter_context(inner)
            yield


@contextmanager
def override(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Give an object another attribute for a while, without a trace afterwards."""
    missing = object()
    before = vars(owner).get(name, missing)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def same_tensor(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one kind hold the same values with the same gradients."""
    return torch.equal(a, b) and (not a.requires_grad or _same_history(a, b))


def _same_history(a: Tensor, b: Tensor) -> bool:
    """Whether both autograd graphs are the same down to nodes that they share."""
    pairs: List[Any] = [(a.grad_fn, b.grad_fn)]
    seen: Set[Any] = set()
    if a.grad_fn is None or b.grad_fn is None:  # leaves, and not one object
        return False
    if a.output_nr != b.output_nr:  # two outputs of one operation
        return False
    while pairs:
        x, y = pair = pairs.pop()
        if x is y or pair in seen:
            continue
        if x is None or type(x) is not type(y) or hasattr(x, 'variable'):
            return False
        seen.add(pair)
        parents, others = x.next_functions, y.next_functions
        if [i for _, i in parents] != [i for _, i in others]:
            return False
        pairs += [(p, q) for (p, _), (q, _) in zip(parents, others)]
    return True


def kind(x: Any) -> Any:
    """What arguments must share to be the same; but for tensors, it suffices."""
    if isinstance(x, Tensor):
        return x.shape, x.dtype, x.device, x.requires_grad
    if isinstance(x, np.ndarray):
        return x.dtype, x.shape, x.tobytes()
    plain = x is None or isinstance(x, (bool, int, float, str, torch.device))
    return (type(x), x) if plain else id(x)


def _fresh(leaf: Any) -> Any:
    return leaf.new() if isinstance(leaf, BaseDataElement) else leaf


def versions(*nests: Any) -> List[int]:
    """In-place modification counters of all tensors."""
    return [x._version for x in tree_flatten(nests)[0] if isinstance(x, Tensor)]
