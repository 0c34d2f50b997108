"""One forward for several targets.

``detector.loss`` is called once per target, inside a context in which what does not
depend on a target runs once. Two parts do that:

- The features of the whole batch are extracted once, when the context opens; inside,
  ``extract_feat`` returns them, or the slice of one image (:meth:`SharedForward.image`).
- A child of the detector (dense head, RPN, encoder, ...) that is called again with the
  *same tensor objects* returns the outputs of its first call. Identity composes: same
  features -> same head outputs; what depends on a target gets other tensors and runs
  again. No detector needs to know.
"""

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Tuple

from mmdet.models.detectors.base import BaseDetector
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map


class SharedForward:
    """Context in which a detector's target-independent stages run once.

    Leaves no trace: what it overrides is restored, and what it keeps is dropped, when
    the context closes, also by an exception.

    Args:
        detector (:obj:`BaseDetector`): The detector; in training mode, its losses are
            to be taken inside the context.
        batch_inputs (Tensor): The images, shape (N, C, H, W).
    """

    def __init__(self, detector: BaseDetector, batch_inputs: Tensor) -> None:
        self.detector = detector
        self.batch_inputs = batch_inputs
        self._overridden: List[Tuple[nn.Module, str]] = []

    def __enter__(self) -> 'SharedForward':
        self.features = self.detector.extract_feat(self.batch_inputs)
        self._override(self.detector, 'extract_feat', lambda _: self.features)
        for stage in self.detector.children():
            self._override(stage, 'forward', replay(stage.forward))
        return self

    def __exit__(self, *exc_info: Any) -> None:
        for module, name in self._overridden:
            delattr(module, name)
        self._overridden.clear()
        del self.features

    def _override(self, module: nn.Module, name: str, function: Callable) -> None:
        if name not in vars(module):  # a module may be a child under two names
            setattr(module, name, function)
            self._overridden.append((module, name))

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


def replay(function: Callable) -> Callable:
    """Make a function return its first outputs when called again with the same tensors.

    Arguments count as the same if every tensor among them is the same object and
    everything else is the same object or an equal number, string or None. Outputs that
    somebody has modified in place since are computed anew.

    Args:
        function (Callable): A module's ``forward``. Its containers of outputs are
            copied for each caller; tensors are shared.

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
                return tree_map(lambda leaf: leaf, outputs)
        outputs = function(*args, **kwargs)
        # The leaves are kept alive so that no other object can get the id of one.
        calls[key] = leaves, outputs, _versions(outputs)
        return tree_map(lambda leaf: leaf, outputs)

    return replayed


def _identity(leaf: Any) -> Any:
    plain = leaf is None or isinstance(leaf, (bool, int, float, str))
    return (type(leaf), leaf) if plain else id(leaf)


def _versions(outputs: Any) -> List[int]:
    """In-place modification counters of the tensors among ``outputs``."""
    return [x._version for x in tree_flatten(outputs)[0] if isinstance(x, Tensor)]
