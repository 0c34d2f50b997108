"""The losses of a student under a supervision, at once or image by image."""

from typing import List

from mmdet.models.detectors.base import BaseDetector
from torch import Tensor

from mmdet_lossmix.functional import LossDict, weighted_sum
from mmdet_lossmix.models.detectors.lossmix import explained
from mmdet_lossmix.models.one_forward.interpolated_loss import interpolated_loss
from mmdet_lossmix.models.one_forward.shared_forward import SharedForward

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
    if not by_image:
        if supervision.partner is None:
            return _losses(student, inputs, supervision, roi_sampling)
        with SharedForward(student, inputs):
            return _losses(student, inputs, supervision, roi_sampling)
    losses: List[LossDict] = []
    with SharedForward(student, inputs) as shared:
        for i in range(len(inputs)):
            with shared.image(i) as image, explained(*ONE_BY_ONE):
                one = supervision.image(i)
                losses.append(_losses(student, image, one, roi_sampling))
    return weighted_sum(losses, [1 / len(losses)] * len(losses))


def _losses(
    student: BaseDetector, inputs: Tensor, supervision: Supervision, roi_sampling: str
) -> LossDict:
    if supervision.partner is None:
        return supervision.own_policy(student.loss(inputs, supervision.own))
    return interpolated_loss(
        student,
        inputs,
        supervision.targets(),
        supervision.lam,
        roi_sampling if supervision.joint else 'per_target',
        (supervision.own_policy, supervision.partner_policy),
    )
