"""One forward for several targets.

``detector.loss`` is called once per target, inside a context in which what does not
depend on a target runs once. Two parts do that:

- The features of the whole batch are extracted once, when the context opens; inside,
  ``extract_feat`` returns them, or one image's slice (:meth:`SharedForward.image`).
- A child of the detector (dense head, RPN, encoder, ...) that is called again with the
  *same tensor objects* returns the outputs of its first call; so does the decoding of a
  head's outputs to proposals. Identity composes: same features -> same head outputs ->
  same proposals; what depends on a target gets other tensors and runs again. No
  detector needs to know.
"""

from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import torch
from mmdet.models.detectors.base import BaseDetector
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map


class SharedForward:
    """Context in which a detector's target-independent stages run once.

    Leaves no trace: what it overrides is restored, and what it keeps is dropped, when
    the context closes, also by an exception.

    Args:
        detector (:obj:`BaseDetector`): Its losses are to be taken inside the context.
        batch_inputs (Tensor): The images, shape (N, C, H, W).
    """

    def __init__(self, detector: BaseDetector, batch_inputs: Tensor) -> None:
        self.detector = detector
        self.batch_inputs = batch_inputs

    def __enter__(self) -> 'SharedForward':
        self.features = self.detector.extract_feat(self.batch_inputs)
        with ExitStack() as overrides:
            overrides.enter_context(
                override(self.detector, 'extract_feat', lambda _: self.features)
            )
            for child in self.detector.children():
                # What `torch.compile(child)` returned hands attributes on to this:
                child = getattr(child, '_orig_mod', child)
                for name in stages(child):
                    stage = replay(getattr(child, name))
                    overrides.enter_context(override(child, name, stage))
            self._overrides = overrides.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._overrides.close()
        del self.features

    @contextmanager
    def image(self, index: int) -> Iterator[Tensor]:
        """Narrow the context to one image, on the features of the full batch.

        Args:
            index (int): Which one, in [0, N).

        Yields:
            Tensor: The image as a batch of one, shape (1, C, H, W).
        """
        batch_features = self.features

        def narrow(leaf: Any) -> Any:
            return leaf[index : index + 1] if isinstance(leaf, Tensor) else leaf

        self.features = tree_map(narrow, batch_features)
        try:
            yield narrow(self.batch_inputs)
        finally:
            self.features = batch_features


def stages(child: nn.Module) -> List[str]:
    """Names of the methods of a detector's child that depend on arguments alone."""
    # `child.compile()` puts this in front of `forward`; what it has compiled is called
    # by the replay, and is not to look into the replay.
    compiled = getattr(child, '_compiled_call_impl', None) is not None
    forward = '_compiled_call_impl' if compiled else 'forward'
    return [name for name in (forward, 'predict_by_feat') if hasattr(child, name)]


def untraced(function: Callable) -> Callable:
    """Keep ``torch.compile`` from looking into a function that shares a forward.

    The replays of a step are new functions, so it would compile anew in every step.
    Children that are compiled themselves still run compiled.
    """
    compiler = getattr(torch, 'compiler', None)  # torch 1 has none
    disable = getattr(compiler, 'disable', None)
    return disable(function) if disable else function


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


def replay(function: Callable) -> Callable:
    """Make a function return its first outputs when called again with the same tensors.

    Arguments count as the same if every tensor among them is the same object and
    everything else is the same object or, plain data, equal. Outputs that somebody has
    modified in place since are computed anew.

    Args:
        function (Callable): Depends on its arguments alone. Containers and data
            elements among its outputs are copied for each caller (RoI heads rename the
            fields of the proposals they are given); tensors are shared.

    Returns:
        Callable: The same, remembering all calls as long as it lives.
    """
    calls: Dict[Any, Tuple[Any, Any, List[int]]] = {}

    def replayed(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = tree_flatten((args, kwargs))
        key = (str(structure), *map(_identity, leaves))
        if key in calls:
            _, outputs, versions = calls[key]
            if _versions(outputs) == versions:
                return tree_map(_fresh, outputs)
        outputs = function(*args, **kwargs)
        # The leaves are kept alive so that no other object can get the id of one.
        calls[key] = leaves, outputs, _versions(outputs)
        return tree_map(_fresh, outputs)

    return replayed


def _identity(leaf: Any) -> Any:
    """What makes an argument the same one: its value if plain data, else the object."""
    if isinstance(leaf, np.ndarray):
        return leaf.dtype, leaf.shape, leaf.tobytes()
    plain = leaf is None or isinstance(leaf, (bool, int, float, str))
    return (type(leaf), leaf) if plain else id(leaf)


def _fresh(leaf: Any) -> Any:
    return leaf.new() if isinstance(leaf, BaseDataElement) else leaf


def _versions(outputs: Any) -> List[int]:
    """In-place modification counters of the tensors among ``outputs``."""
    return [x._version for x in tree_flatten(outputs)[0] if isinstance(x, Tensor)]
