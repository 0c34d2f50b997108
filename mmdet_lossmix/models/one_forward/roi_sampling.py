"""One set of RoIs for both targets of a mixed image.

By itself a RoI head samples proposals against each target, and runs RoIAlign and the
box head for each. With joint sampling it samples once, against the objects of both
images together; both targets then label the same RoIs, and both losses look at one
prediction, as they do in the rest of the detector.
"""

from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Optional

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.task_modules import BaseAssigner, BaseSampler, SamplingResult
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_lossmix.structures import MixedTargets

from .replay import override


def joint_roi_sampling(
    detector: BaseDetector, targets: MixedTargets, lam: float
) -> ContextManager:
    """Context in which a detector's RoI head samples for both targets together.

    Inside, ``detector.loss`` is to be called for the own, then for the partner target.
    Does nothing to detectors without a ``StandardRoIHead`` or ``CascadeRoIHead``, or
    with one that samples in a way of its own: they sample per target.

    Mask heads look at the positive RoIs of a target. These are about as many for both
    targets together as for one that is sampled alone, so they run for each.

    Args:
        detector (:obj:`BaseDetector`): The detector.
        targets (MixedTargets): The batch, or the one image, of the losses.
        lam (float): Weight of the own targets. A target that does not count (at 0 or 1)
            has no say in the sampling, which is then the plain detector's.
    """
    roi_head = getattr(detector, 'roi_head', None)
    loss = getattr(type(roi_head), 'loss', None)
    if loss is StandardRoIHead.loss:
        return _standard(roi_head, targets, lam)
    if loss is CascadeRoIHead.loss:
        return _cascade(roi_head, targets, lam)
    return nullcontext()


@contextmanager
def _standard(
    roi_head: StandardRoIHead, targets: MixedTargets, lam: float
) -> Iterator[None]:
    sampler = JointSampler(
        roi_head.bbox_assigner,
        roi_head.bbox_sampler,
        roi_head._bbox_forward,
        targets,
        lam,
        # The features are large, and only a mask head without RoIAlign looks at them.
        keep_features=roi_head.share_roi_extractor if roi_head.with_mask else False,
    )
    with override(roi_head, 'bbox_sampler', sampler), override(
        roi_head, '_bbox_forward', sampler.bbox_forward
    ):
        yield


@contextmanager
def _cascade(
    roi_head: CascadeRoIHead, targets: MixedTargets, lam: float
) -> Iterator[None]:
    """Each stage samples once, from what the stage before made of the first target's.

    A stage refines all RoIs of the stage before, whatever their labels, so that the
    second target's would be the same boxes.
    """
    samplers = [
        JointSampler(
            assigner, sampler, partial(roi_head._bbox_forward, stage), targets, lam
        )
        for stage, (assigner, sampler) in enumerate(
            zip(roi_head.bbox_assigner, roi_head.bbox_sampler)
        )
    ]

    def bbox_forward(stage: int, x: Any, rois: Tensor) -> Dict[str, Any]:
        return samplers[stage].bbox_forward(x, rois)

    with override(roi_head, 'bbox_sampler', samplers), override(
        roi_head, '_bbox_forward', bbox_forward
    ):
        yield


class JointSampler:
    """Stands in for a RoI head's ``bbox_sampler``, for one batch and two targets.

    Args:
        assigner (:obj:`BaseAssigner`): The RoI head's.
        sampler (:obj:`BaseSampler`): The RoI head's.
        bbox_forward (Callable): The RoI head's, of features and RoIs.
        targets (MixedTargets): N images.
        lam (float): Weight of the own targets, in [0, 1].
        keep_features (bool): Whether ``bbox_feats`` are needed in the order of a
            target's RoIs. Defaults to False.
    """

    def __init__(
        self,
        assigner: BaseAssigner,
        sampler: BaseSampler,
        bbox_forward: Callable,
        targets: MixedTargets,
        lam: float,
        keep_features: bool = False,
    ) -> None:
        self.assigner = assigner
        self.sampler = sampler
        self._plain_bbox_forward = bbox_forward
        self.targets = targets
        self.lam = lam
        self.indexed = {'cls_score', 'bbox_pred'}
        if keep_features:
            self.indexed.add('bbox_feats')
        self.joint: List[SamplingResult] = []  # of each image
        self.rows: List[Tensor] = []  # of each image: the target's joint RoIs
        self._outputs: Optional[Dict[str, Any]] = None

    def sample(
        self,
        assign_result: Any,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        **kwargs: Any,
    ) -> SamplingResult:
        """Sample for the next image; the signature is that of mmdet's samplers."""
        num_images = len(self.targets.own)
        if len(self.rows) == num_images:  # the first target has been served
            self.rows = []
        index = len(self.rows)
        own, partner = self.targets.own[index], self.targets.partner[index]
        target = own if own.gt_instances is gt_instances else partner
        if self.targets.lams[index] is None:
            counting = [target]
        else:
            counting = [t for t, w in ((own, self.lam), (partner, 1 - self.lam)) if w]
        if len(self.joint) < num_images:
            objects = _all(counting, 'gt_instances')
            assigned = self.assigner.assign(
                pred_instances, objects, _all(counting, 'ignored_instances')
            )
            self.joint.append(
                self.sampler.sample(assigned, pred_instances, objects, **kwargs)
            )
        joint = self.joint[index]
        result = joint if counting == [target] else self._label(joint, target)
        all_rows = torch.arange(len(joint.priors), device=joint.priors.device)
        self.rows.append(
            all_rows
            if result is joint
            else torch.cat([result.pos_inds, result.neg_inds])
        )
        return result

    def _label(self, joint: SamplingResult, target: DetDataSample) -> SamplingResult:
        """Let one target label the R RoIs that were sampled for both."""
        assigned = self.assigner.assign(
            InstanceData(priors=joint.priors),
            target.gt_instances,
            target.get('ignored_instances'),
        )
        positive = (assigned.gt_inds > 0).nonzero()[:, 0]
        # Objects themselves are among the RoIs; a cascade does not refine these.
        objects = positive.new_zeros(len(joint.priors), dtype=torch.uint8)
        objects[: len(joint.pos_is_gt)] = joint.pos_is_gt
        return SamplingResult(
            pos_inds=positive,
            neg_inds=(assigned.gt_inds == 0).nonzero()[:, 0],
            priors=joint.priors,
            gt_bboxes=target.gt_instances.bboxes,
            assign_result=assigned,
            gt_flags=objects,
        )

    def bbox_forward(self, x: Any, rois: Tensor) -> Dict[str, Any]:
        """``StandardRoIHead._bbox_forward``, run once, on the RoIs of both targets.

        Args:
            x (tuple[Tensor]): Features.
            rois (Tensor): The RoIs of all images in the order of the target at hand,
                shape (R, 5).

        Returns:
            dict[str, Tensor]: ``cls_score``, ``bbox_pred`` and ``bbox_feats`` in the
            order of ``rois``.
        """
        if len(self.rows) < len(self.targets.own):  # a sampler that looks at losses
            return self._plain_bbox_forward(x, rois)
        if self._outputs is None:
            self._outputs = self._plain_bbox_forward(
                x, bbox2roi([result.priors for result in self.joint])
            )
        counts = [len(result.priors) for result in self.joint]
        offsets = [sum(counts[:i]) for i in range(len(counts))]
        rows = torch.cat([r + offset for r, offset in zip(self.rows, offsets)])
        return {
            key: value[rows] if key in self.indexed and value is not None else value
            for key, value in self._outputs.items()
        }


def _all(samples: List[DetDataSample], field: str) -> Optional[InstanceData]:
    values = [sample.get(field) for sample in samples if field in sample]
    return InstanceData.cat(values) if values else None
