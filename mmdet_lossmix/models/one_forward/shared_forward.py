"""One forward for several sets of annotations.

``detector.loss`` is called once for each term of equation (2), in a context in which
``extract_feat`` returns what it did when the context opened, and a stage (dense head,
RPN, encoder, ...) that is called again with the *same tensors* what it did before. What
depends on annotations gets other tensors and runs again. No detector needs to know.
"""

from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, Iterator, List, Optional, Sequence

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmdet_lossmix.functional import LossDict

from .anchors import share_anchors
from .deferred import defer_losses, total_loss
from .image_slices import Images, ImageSlices
from .replay import Replay, override
from .roi_sampling import JointSampling, sampling_loss
from .terms import LossTerm


class SharedForward:
    """Context in which a detector's stages run once for all terms of a loss.

    Leaves no trace: what it overrides is restored, and what it keeps is dropped, when
    the context closes, also by an exception.

    Args:
        detector (:obj:`BaseDetector`): Its losses are to be taken inside the context.
        batch_inputs (Tensor): The images, shape (N, C, H, W).
        roi_sampling (str): ``'per_target'`` or ``'joint'``, see
            :class:`LossMixDetector`. Defaults to ``'per_target'``.
    """

    def __init__(
        self,
        detector: BaseDetector,
        batch_inputs: Tensor,
        roi_sampling: str = 'per_target',
    ) -> None:
        self.detector = detector
        self.batch_inputs = batch_inputs
        self.roi_sampling = roi_sampling

    def __enter__(self) -> 'SharedForward':
        self.features = self.detector.extract_feat(self.batch_inputs)
        self.slices = ImageSlices(len(self.batch_inputs))
        with ExitStack() as overrides:
            overrides.enter_context(
                override(self.detector, 'extract_feat', lambda _: self.features)
            )
            roi_head: Any = getattr(self.detector, 'roi_head', None)
            # It samples for each term: nobody need wait to see that RoIs differ.
            sampled = set(roi_head.modules()) if sampling_loss(roi_head) else ()
            for stage in stages(self.detector):
                for name in replayable(stage):
                    known: Any = dict(slices=self.slices, by_value=stage not in sampled)
                    replay = Replay(stage, name, **known)
                    overrides.enter_context(override(stage, name, replay))
            share_anchors(self.detector, overrides)
            defer_losses(self.detector, overrides)
            self._overrides = overrides.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._overrides.close()
        del self.features, self.slices

    def loss(self, terms: Sequence[LossTerm]) -> LossDict:
        """Sum a detector's losses over one or more terms by weight: equation (2)."""
        return total_loss(self._losses(terms), [term.weight for term in terms])

    def mean_loss(self, images: Sequence[Sequence[LossTerm]]) -> LossDict:
        """The mean over images of each image's :meth:`loss`, normalised by itself.

        ``images`` are N lists of terms, of batches of one.

        Raises:
            ValueError: If a head cannot take an image alone.
        """
        losses: List[LossDict] = []
        try:
            for i, terms in enumerate(images):
                with self._only(i):
                    losses += self._losses(terms)
        except torch.cuda.OutOfMemoryError:
            raise
        except Exception as error:  # whatever a head says that cannot
            raise ValueError(
                "Use weighting='batch' with BatchLossMix: weighting='image' needs a "
                'head that can take images one by one, but with one '
                f'image it raised {type(error).__name__}: {error}'
            ) from error
        weights = [term.weight / len(images) for terms in images for term in terms]
        return total_loss(losses, weights)

    @contextmanager
    def _only(self, images: Optional[Images]) -> Iterator[None]:
        """Let the detector see some of the images; None for all."""
        whole = self.batch_inputs, self.features
        if images is not None:
            self.batch_inputs, self.features = self.slices.take(whole, images)
        try:
            yield
        finally:
            self.batch_inputs, self.features = whole

    def _losses(self, terms: Sequence[LossTerm]) -> List[LossDict]:
        # Heads may call collectives (`reduce_mean`): with several processes each has to
        # evaluate all terms, whatever its lambda, or the others wait for ever.
        all_terms = get_world_size() > 1
        joint = self.roi_sampling == 'joint' and JointSampling(self.detector, terms)
        losses: List[LossDict] = []
        for samples, weight, keep, images in terms:
            loss: LossDict = {}
            if all_terms or weight > 0:
                serving = joint.serving(samples) if joint else nullcontext()
                with serving, self._only(images):
                    loss = keep(self.detector.loss(self.batch_inputs, samples))
            losses.append(loss)
        return losses


def check_roi_sampling(roi_sampling: str) -> None:
    """Raise a ``ValueError`` if that is no way to sample RoIs."""
    if roi_sampling not in ('joint', 'per_target'):
        raise ValueError(
            "Set `roi_sampling` to 'joint' or 'per_target' instead of "
            f'{roi_sampling!r}.'
        )


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


# Keeps `torch.compile` from looking into a function that shares a forward: the replays
# of a step are new functions, so it would compile anew in every step. Children that are
# compiled themselves still run compiled.
untraced = torch.compiler.disable
