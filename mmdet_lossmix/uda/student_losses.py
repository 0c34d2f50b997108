"""The losses of a student under a supervision, at once or image by image."""

from typing import List

from mmdet.models.detectors.base import BaseDetector
from torch import Tensor

from mmdet_lossmix.functional import LossDict, weighted_sum
from mmdet_lossmix.models.one_forward import LossTerm, SharedForward

from .supervision import Supervision

ONE_BY_ONE = "without='ignored'", "without='background'"


def student_losses(
    student: BaseDetector,
    inputs: Tensor,
    supervision: Supervision,
    roi_sampling: str,
    by_image: bool,
) -> LossDict:
    """Train a student on a batch that has one lambda.

    Args:
        student (:obj:`BaseDetector`): The student.
        inputs (Tensor): Images, mixed or not, shape (N, C, H, W).
        supervision (Supervision): What it is trained on.
        roi_sampling (str): See :class:`LossMixDetector`.
        by_image (bool): Whether images without pseudo labels cause no loss: the losses
            are then the mean of each image's, normalised by itself. If not, they are
            the detector's own over the batch.

    Returns:
        dict[str, Tensor | list[Tensor]]: The detector's own keys.
    """
    sampling = roi_sampling if supervision.joint else 'per_target'
    if not by_image:
        if supervision.partner is None:
            return supervision.own_policy(student.loss(inputs, supervision.own))
        with SharedForward(student, inputs, sampling) as shared:
            return _losses(shared, supervision)
    losses: List[LossDict] = []
    with SharedForward(student, inputs, sampling) as shared:
        for i in range(len(inputs)):
            with shared.image(i, *ONE_BY_ONE) as image:
                losses.append(_losses(image, supervision.image(i)))
    return weighted_sum(losses, [1 / len(losses)] * len(losses))


def _losses(shared: SharedForward, supervision: Supervision) -> LossDict:
    if supervision.partner is None:
        own = shared.detector.loss(shared.batch_inputs, supervision.own)
        return supervision.own_policy(own)
    return shared.loss(
        [
            LossTerm(supervision.own, supervision.lam, supervision.own_policy),
            LossTerm(
                supervision.partner, 1 - supervision.lam, supervision.partner_policy
            ),
        ]
    )
