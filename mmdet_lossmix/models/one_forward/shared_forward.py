"""One forward for several targets.

``detector.loss`` is called once per target, inside a context in which what does not
depend on a target runs once. Two parts do that:

- The features of the whole batch are extracted once, when the context opens; inside,
  ``extract_feat`` returns them, or one image's slice (:meth:`SharedForward.image`). A
  head that is called with one image's slices computes the whole batch once, too.
- A stage of the detector (dense head, RPN, encoder, ...) that is called again with the
  *same tensors* returns the outputs of its first call, see :mod:`.replay`; so does the
  decoding of a head's outputs to proposals. Sameness composes: same features -> same
  head outputs -> same proposals; what depends on a target gets other tensors and runs
  again. No detector needs to know.
"""

from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator, List

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead
from torch import Tensor, nn

from .image_slices import ImageSlices
from .replay import Replay, override


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
        self.slices = ImageSlices(len(self.batch_inputs))
        with ExitStack() as overrides:
            overrides.enter_context(
                override(self.detector, 'extract_feat', lambda _: self.features)
            )
            for stage in stages(self.detector):
                for name in replayable(stage):
                    replay = Replay(stage, name, slices=self.slices)
                    overrides.enter_context(override(stage, name, replay))
            self._overrides = overrides.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._overrides.close()
        del self.features, self.slices

    @contextmanager
    def image(self, index: int) -> Iterator[Tensor]:
        """Narrow the context to one image, on the features of the full batch.

        Args:
            index (int): Which one, in [0, N).

        Yields:
            Tensor: The image as a batch of one, shape (1, C, H, W).
        """
        batch_features = self.features
        self.features = self.slices.take(batch_features, index)
        try:
            yield self.slices.take(self.batch_inputs, index)
        finally:
            self.features = batch_features


def stages(module: nn.Module) -> Iterator[nn.Module]:
    """The parts of a detector that are called, and not made of parts that are.

    These are its children, but of RoI heads and lists of modules, which nobody calls,
    their children instead.
    """
    for child in module.children():
        if isinstance(child, (BaseRoIHead, nn.ModuleList)):
            yield from stages(child)
        else:
            # What `torch.compile(child)` returned hands attributes on to this.
            yield getattr(child, '_orig_mod', child)


def replayable(stage: nn.Module) -> List[str]:
    """Names of the methods of a stage that depend on their arguments alone."""
    # `stage.compile()` puts this in front of `forward`; what it has compiled is called
    # by the replay, and is not to look into the replay.
    compiled = getattr(stage, '_compiled_call_impl', None) is not None
    forward = '_compiled_call_impl' if compiled else 'forward'
    return [name for name in (forward, 'predict_by_feat') if hasattr(stage, name)]


def untraced(function: Callable) -> Callable:
    """Keep ``torch.compile`` from looking into a function that shares a forward.

    The replays of a step are new functions, so it would compile anew in every step.
    Children that are compiled themselves still run compiled.
    """
    compiler = getattr(torch, 'compiler', None)  # torch 1 has none
    disable = getattr(compiler, 'disable', None)
    return disable(function) if disable else function
