"""One set of RoIs for all annotations of a mixed image.

By itself a RoI head samples proposals against each set of annotations. With joint
sampling it samples once, against all objects together. All annotations then label the
same RoIs, and all losses look at one prediction.
"""

from contextlib import contextmanager
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, cast

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.task_modules import BaseAssigner, BaseSampler, SamplingResult
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_lossmix.mixing.annotations import concat

from .replay import override
from .terms import LossTerm

BY_ROI = 'cls_score', 'bbox_pred', 'bbox_feats'  # outputs with a row for each RoI


def sampling_loss(roi_head: Any) -> Optional[Callable]:
    """The ``loss`` of a RoI head that samples as mmdet's two base classes do."""
    loss = getattr(type(roi_head), 'loss', None)
    return loss if loss in (StandardRoIHead.loss, CascadeRoIHead.loss) else None


class JointSampling:
    """Lets a detector's RoI head sample once for all terms of a loss.

    Does nothing to detectors without a ``StandardRoIHead`` or ``CascadeRoIHead``, or
    with one that samples in a way of its own: they sample for each term.

    Mask heads look at the positive RoIs of a term. These are about as many for two
    terms together as for one that is sampled alone, so mask heads run for each.

    Args:
        detector (:obj:`BaseDetector`): The detector.
        terms (Sequence[LossTerm]): All terms of the loss, in any order. A term of
            weight 0 has no say in the sampling.
    """

    def __init__(self, detector: BaseDetector, terms: Sequence[LossTerm]) -> None:
        self.roi_head = head = cast(Any, getattr(detector, 'roi_head', None))
        self.stages: List[JointRoIs] = []
        if sampling_loss(head) is StandardRoIHead.loss:
            stage = head.bbox_assigner, head.bbox_sampler, head._bbox_forward
            self.stages = [JointRoIs(*stage, terms)]
        elif sampling_loss(head):
            # A stage refines all RoIs of the stage before, whatever their labels, so
            # the boxes that it samples from are the same for every term.
            pairs = zip(head.bbox_assigner, head.bbox_sampler)
            self.stages = [
                JointRoIs(*pair, partial(head._bbox_forward, stage), terms)
                for stage, pair in enumerate(pairs)
            ]

    @contextmanager
    def serving(self, samples: SampleList) -> Iterator[None]:
        """Context in which the RoI head is to evaluate the term with these samples.

        They have to be the same objects that the detector's loss is given.
        """
        views = [LabelledRoIs(stage, samples) for stage in self.stages]

        def of_stage(stage: int, x: Any, rois: Tensor) -> Dict[str, Any]:
            return views[stage].bbox_forward(x, rois)

        if not views:
            yield
            return
        sampler: Any = views
        bbox_forward: Callable = of_stage
        if not isinstance(self.roi_head, CascadeRoIHead):
            (sampler,), bbox_forward = views, views[0].bbox_forward
        with override(self.roi_head, 'bbox_sampler', sampler), override(
            self.roi_head, '_bbox_forward', bbox_forward
        ):
            yield


class JointRoIs:
    """The RoIs of N images that all terms of a loss share, and their predictions.

    Made of a RoI head's ``bbox_assigner``, ``bbox_sampler`` and ``_bbox_forward``.
    """

    def __init__(
        self,
        assigner: BaseAssigner,
        sampler: BaseSampler,
        bbox_forward: Callable,
        terms: Sequence[LossTerm],
    ) -> None:
        self.assigner = assigner
        self.sampler = sampler
        self.plain_bbox_forward = bbox_forward
        self.terms = terms
        self.sampled: Dict[int, SamplingResult] = {}  # by the number of the image
        self._outputs: Optional[Dict[str, Any]] = None

    def counting(self, image: int) -> List[DetDataSample]:
        """The sets of annotations of an image that have a weight, each once.

        Both terms of an unmixed image hold the same boxes.
        """
        samples: Dict[int, DetDataSample] = {}
        for term in self.terms:
            if term.weight:
                sample = term.samples[image]
                samples.setdefault(id(sample.gt_instances.bboxes), sample)
        return list(samples.values())

    def of_image(
        self, image: int, pred_instances: InstanceData, **kwargs: Any
    ) -> SamplingResult:
        """The RoIs of one image, sampled when they are first asked for."""
        if image not in self.sampled:
            counting = self.counting(image)
            objects = _all(counting, 'gt_instances')
            assigned = self.assigner.assign(
                pred_instances, objects, _all(counting, 'ignored_instances')
            )
            self.sampled[image] = self.sampler.sample(
                assigned, pred_instances, objects, **kwargs
            )
        return self.sampled[image]

    def outputs(self, x: Any) -> Dict[str, Any]:
        """What the box head makes of all RoIs, run once."""
        if self._outputs is None:
            rois = bbox2roi([self.sampled[i].priors for i in sorted(self.sampled)])
            self._outputs = self.plain_bbox_forward(x, rois)
        return self._outputs


class LabelledRoIs:
    """Joint RoIs as the annotations of one term label them.

    Stands in for a RoI head's ``bbox_sampler`` while it evaluates the N samples of the
    term.
    """

    def __init__(self, joint: JointRoIs, samples: SampleList) -> None:
        self.joint = joint
        self.samples = samples
        self.rows: Dict[int, Tensor] = {}  # by image: the term's order of joint RoIs

    def sample(
        self,
        assign_result: Any,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        **kwargs: Any,
    ) -> SamplingResult:
        """Sample for an image; the signature is that of mmdet's samplers."""
        (image,) = (
            i for i, s in enumerate(self.samples) if s.gt_instances is gt_instances
        )
        joint = self.joint.of_image(image, pred_instances, **kwargs)
        if len(self.joint.counting(image)) == 1:  # as the plain detector samples
            rows = torch.arange(len(joint.priors), device=joint.priors.device)
            self.rows[image] = rows
            return joint
        result = self._label(joint, self.samples[image])
        self.rows[image] = torch.cat([result.pos_inds, result.neg_inds])
        return result

    def _label(self, joint: SamplingResult, sample: DetDataSample) -> SamplingResult:
        """Let annotations label the R RoIs that were sampled for all of them."""
        assigned = self.joint.assigner.assign(
            InstanceData(priors=joint.priors),
            sample.gt_instances,
            sample.get('ignored_instances'),
        )
        positive = (assigned.gt_inds > 0).nonzero()[:, 0]
        # Objects themselves are among the RoIs; a cascade does not refine these.
        objects = positive.new_zeros(len(joint.priors), dtype=torch.uint8)
        objects[: len(joint.pos_is_gt)] = joint.pos_is_gt
        return SamplingResult(
            pos_inds=positive,
            neg_inds=(assigned.gt_inds == 0).nonzero()[:, 0],
            priors=joint.priors,
            gt_bboxes=sample.gt_instances.bboxes,
            assign_result=assigned,
            gt_flags=objects,
        )

    def bbox_forward(self, x: Any, rois: Tensor) -> Dict[str, Any]:
        """``StandardRoIHead._bbox_forward`` from the predictions for all joint RoIs.

        ``rois`` of shape (R, 5) are those of all images, in the order of this term.
        """
        if len(self.rows) < len(self.samples):  # a sampler that looks at losses
            return self.joint.plain_bbox_forward(x, rois)
        outputs = self.joint.outputs(x)
        rows, offset = [], 0
        for image in range(len(self.samples)):
            rows.append(self.rows[image] + offset)
            offset += len(self.joint.sampled[image].priors)
        order = torch.cat(rows)
        return {
            key: value[order] if key in BY_ROI and value is not None else value
            for key, value in outputs.items()
        }


def _all(samples: List[DetDataSample], field: str) -> Optional[InstanceData]:
    values = [sample.get(field) for sample in samples if field in sample]
    return concat(values) if values else None
