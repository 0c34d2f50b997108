"""One set of RoIs for both targets of a mixed image.

By itself a RoI head samples proposals against each target, and runs RoIAlign and the
box head for each. With joint sampling it samples once, against the objects of both
images together; both targets then label the same RoIs, and both losses look at one
prediction, as they do in the rest of the detector.
"""

from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Optional

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules import SamplingResult
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
    Does nothing to detectors without a ``StandardRoIHead``, or with one that samples in
    a way of its own: they sample per target.

    Args:
        detector (:obj:`BaseDetector`): The detector.
        targets (MixedTargets): The batch, or the one image, of the losses.
        lam (float): Weight of the own targets. A target that does not count (at 0 or 1)
            has no say in the sampling, which is then the plain detector's.
    """
    roi_head = getattr(detector, 'roi_head', None)
    if isinstance(roi_head, StandardRoIHead) and (
        type(roi_head).loss is StandardRoIHead.loss
    ):
        return _override_sampling(roi_head, JointSampler(roi_head, targets, lam))
    return nullcontext()


@contextmanager
def _override_sampling(roi_head: StandardRoIHead, sampler: 'JointSampler') -> Iterator:
    with ExitStack() as overrides:
        overrides.enter_context(override(roi_head, 'bbox_sampler', sampler))
        overrides.enter_context(
            override(roi_head, '_bbox_forward', sampler.bbox_forward)
        )
        yield


class JointSampler:
    """Stands in for a RoI head's ``bbox_sampler``, for one batch and two targets.

    Args:
        roi_head (StandardRoIHead): Its own assigner, sampler and box head do the work.
        targets (MixedTargets): N images.
        lam (float): Weight of the own targets, in [0, 1].
    """

    def __init__(
        self, roi_head: StandardRoIHead, targets: MixedTargets, lam: float
    ) -> None:
        self.roi_head = roi_head
        self.assigner = roi_head.bbox_assigner
        self.sampler = roi_head.bbox_sampler
        self._plain_bbox_forward: Callable = roi_head._bbox_forward
        self.targets = targets
        self.lam = lam
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
        result = joint if counting == [target] else self._label(joint.priors, target)
        all_rows = torch.arange(len(joint.priors), device=joint.priors.device)
        self.rows.append(
            all_rows
            if result is joint
            else torch.cat([result.pos_inds, result.neg_inds])
        )
        return result

    def _label(self, rois: Tensor, target: DetDataSample) -> SamplingResult:
        """Let one target label RoIs that were sampled for both, shape (R, 4)."""
        assigned = self.assigner.assign(
            InstanceData(priors=rois),
            target.gt_instances,
            target.get('ignored_instances'),
        )
        positive = (assigned.gt_inds > 0).nonzero()[:, 0]
        return SamplingResult(
            pos_inds=positive,
            neg_inds=(assigned.gt_inds == 0).nonzero()[:, 0],
            priors=rois,
            gt_bboxes=target.gt_instances.bboxes,
            assign_result=assigned,
            gt_flags=positive.new_zeros(len(rois), dtype=torch.uint8),
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
        # The features are large, and only a mask head without RoIAlign looks at them.
        indexed = {'cls_score', 'bbox_pred'}
        if getattr(self.roi_head, 'share_roi_extractor', False):
            indexed.add('bbox_feats')
        return {
            key: value[rows] if key in indexed and value is not None else value
            for key, value in self._outputs.items()
        }


def _all(samples: List[DetDataSample], field: str) -> Optional[InstanceData]:
    values = [sample.get(field) for sample in samples if field in sample]
    return InstanceData.cat(values) if values else None
