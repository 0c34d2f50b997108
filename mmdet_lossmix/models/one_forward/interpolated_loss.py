"""Equation (2) for a detector: one prediction, two targets, one weight."""

from contextlib import nullcontext
from typing import Callable, ContextManager, Tuple

from mmdet.models.detectors.base import BaseDetector
from mmengine.dist import get_world_size
from torch import Tensor

from mmdet_lossmix.functional import LossDict, interpolate_losses
from mmdet_lossmix.structures import MixedTargets

from .roi_sampling import joint_roi_sampling

LossFilter = Callable[[LossDict], LossDict]


def every_loss(losses: LossDict) -> LossDict:
    """The filter that lets all losses count."""
    return losses


def interpolated_loss(
    detector: BaseDetector,
    batch_inputs: Tensor,
    targets: MixedTargets,
    lam: float,
    roi_sampling: str = 'joint',
    filters: Tuple[LossFilter, LossFilter] = (every_loss, every_loss),
) -> LossDict:
    """Interpolate a detector's losses against own and partner targets.

    To be called within :class:`SharedForward`, or the detector runs twice.

    Args:
        detector (:obj:`BaseDetector`): The detector.
        batch_inputs (Tensor): Mixed images, shape (N, C, H, W).
        targets (MixedTargets): Of N images.
        lam (float): Weight of the own targets, in [0, 1].
        roi_sampling (str): ``'joint'`` or ``'per_target'``, see
            :class:`LossMixDetector`. Defaults to ``'joint'``.
        filters (tuple[Callable, Callable]): What of the losses against own and against
            partner targets counts. Defaults to everything.

    Returns:
        dict[str, Tensor | list[Tensor]]: The detector's own keys.
    """
    # Heads may call collectives (`reduce_mean`): with several processes each has to
    # evaluate both losses, whatever its lambda, or the others wait for ever.
    both = get_world_size() > 1
    own: LossDict = {}
    partner: LossDict = {}
    with sampling_for(detector, targets, lam, roi_sampling):
        if both or lam > 0:
            own = filters[0](detector.loss(batch_inputs, targets.own))
        if both or lam < 1:
            partner = filters[1](detector.loss(batch_inputs, targets.partner))
    return interpolate_losses(own, partner, lam)


def sampling_for(
    detector: BaseDetector, targets: MixedTargets, lam: float, roi_sampling: str
) -> ContextManager:
    """The context in which a RoI head samples as ``roi_sampling`` says."""
    if roi_sampling == 'joint':
        return joint_roi_sampling(detector, targets, lam)
    return nullcontext()


def check_roi_sampling(roi_sampling: str) -> None:
    """Refuse what is no way to sample RoIs.

    Raises:
        ValueError: If it is none.
    """
    if roi_sampling not in ('joint', 'per_target'):
        raise ValueError(
            "Expected `roi_sampling` to be 'joint' or 'per_target' but got "
            f'{roi_sampling!r}.'
        )
