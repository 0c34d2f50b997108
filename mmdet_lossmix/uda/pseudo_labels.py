"""From the predictions of a teacher to the annotations that a student trains on."""

from collections import Counter
from typing import Any, Dict, Optional, Union

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.bbox import bbox_overlaps
from mmengine.dataset import ConcatDataset
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.models.one_forward.replay import override

from .class_thresholds import ClassThresholds

ITERATIONS_BEFORE_WARNING = 1000


class PseudoLabels(nn.Module):
    """Keeps what a teacher is sure of.

    Args:
        score_thr (float, optional): The least score of a pseudo label, in [0, 1).
            Sigmoid scores times a centerness are lower than those of a softmax.
            Defaults to None: 0.8, or none with ``per_image`` or ``soft``.
        min_size (float): The least side of a box in pixels, at least 0. Defaults to 1.
        without (str): What an image without any pseudo label means.

            - ``'background'``: nothing is there; its classification losses count.
            - ``'ignored'``: nothing is known; it causes no loss, and has no part in
              the normaliser of the others.

            Defaults to ``'background'``.
        per_image (str or dict, optional): How many boxes of each class an image is to
            have on average: ``'source'``, as many as the source's annotations, or a
            number by the name of each class. Each class then has a threshold of its
            own, see :class:`ClassThresholds`. Defaults to None.
        unsure_thr (float, optional): Boxes of a score from here on that are no pseudo
            labels become ``ignored_instances``, neither object nor background. Needs
            assigners with ``ignore_iof_thr`` above 0. Defaults to None, no box.
        class_score (bool): Whether the score of the class alone counts, without the
            centerness, of a head that multiplies both. Boxes still compete by the
            product. Defaults to False.
        soft (bool): Whether a box is a pseudo label with a probability of its score, in
            each iteration anew. Losses that are linear in the target then have the
            expectation of soft targets, but for normalisers that count positives.
            Defaults to False.

    Raises:
        TypeError, ValueError: If a number is none, or an argument out of its range.
    """

    def __init__(
        self,
        score_thr: Optional[float] = None,
        min_size: float = 1.0,
        without: str = 'background',
        per_image: Union[str, Dict[str, float], None] = None,
        unsure_thr: Optional[float] = None,
        class_score: bool = False,
        soft: bool = False,
    ) -> None:
        super().__init__()
        if score_thr is None:
            score_thr = 0.8 if per_image is None and not soft else 0.0
        check_number('score_thr', score_thr, '[0, 1)')
        check_number('min_size', min_size, '[0, inf)')
        if without not in ('background', 'ignored'):
            raise ValueError(
                f"Set `without` to 'background' or 'ignored', not {without!r}."
            )
        if soft and (unsure_thr, per_image) != (None, None):
            raise ValueError(
                'Leave out `unsure_thr` and `per_image`: with `soft` the score alone '
                'decides.'
            )
        if unsure_thr is not None:
            below = 1.0 if per_image is not None else score_thr
            check_number('unsure_thr', unsure_thr, f'[0, {below})')
        if isinstance(per_image, dict):
            for name, number in per_image.items():
                check_number(name, number, '[0, inf)')
        elif per_image not in (None, 'source'):
            raise ValueError(
                "Set `per_image` to 'source' or a number for each class, not "
                f'{per_image!r}.'
            )
        self.score_thr, self.min_size, self.without = score_thr, min_size, without
        self.per_image: Any = per_image
        self.unsure_thr = torch.inf if unsure_thr is None else unsure_thr
        self.class_score, self.soft = class_score, soft
        self.thresholds = None if per_image is None else ClassThresholds()
        self._iterations_without = 0

    def check_detector(self, detector: nn.Module) -> None:
        """Raise a ``ValueError`` for a detector that an option means nothing to."""
        head = getattr(detector, 'bbox_head', None)
        if self.class_score and not hasattr(head, 'loss_centerness'):
            raise ValueError('Leave out `class_score`: no head here has a centerness.')
        for name, part in detector.named_modules():
            in_rois = isinstance(part, BaseRoIHead)
            found = getattr(part, 'bbox_assigner' if in_rois else 'assigner', None)
            assigners = found if isinstance(found, list) else [found]  # of a cascade
            able = all(getattr(one, 'ignore_iof_thr', -1) > 0 for one in assigners)
            labels = in_rois or hasattr(part, 'loss_by_feat')
            if self.unsure_thr < 1 and labels and not able:
                raise ValueError(
                    'Set `ignore_iof_thr` above 0 in every assigner of `train_cfg`, or '
                    f'leave out `unsure_thr`: `{name}` ({type(part).__name__}) would '
                    'take unsure boxes for background.'
                )

    def count(self, dataset: ConcatDataset) -> None:
        """See how many boxes of each class are wanted; the last dataset is the target.

        Raises:
            ValueError: If ``per_image`` names other classes.
        """
        classes, wanted = dataset.metainfo['classes'], self.per_image
        if self.thresholds is None:
            return
        if wanted == 'source':
            number = len(dataset) - len(dataset.datasets[-1])
            counts: Counter = Counter()
            for i in range(number):
                for one in dataset.get_data_info(i)['instances']:
                    counts[one['bbox_label']] += not one.get('ignore_flag')
            wanted = {name: counts[i] / number for i, name in enumerate(classes)}
        if set(wanted) != set(classes):
            raise ValueError(
                f'Name every class of the source in `per_image`, {list(classes)}, and '
                f'no other, not {list(wanted)}.'
            )
        self.thresholds.want(torch.tensor([float(wanted[name]) for name in classes]))
        logger = MMLogger.get_current_instance()
        logger.info(f'Pseudo labels wanted in an image: {wanted}')

    def predictions(
        self, detector: BaseDetector, inputs: Tensor, views: SampleList
    ) -> SampleList:
        """What a detector finds, with the scores that count here."""
        if not self.class_score:
            return detector.predict(inputs, views, rescale=False)
        head: Any = detector.bbox_head  # type: ignore[attr-defined]
        process = head._bbox_post_process

        def keep(results: InstanceData, **kwargs: Any) -> InstanceData:
            results.class_scores = results.scores
            results = process(results=results, **kwargs)
            results.scores = results.pop('class_scores')
            return results

        with override(head, '_bbox_post_process', keep):
            return detector.predict(inputs, views, rescale=False)

    def sure(self, found: InstanceData) -> Tensor:
        """Which boxes are pseudo labels by their scores, shape (n,), bool."""
        least = found.scores.new_full(found.scores.shape, self.score_thr)
        if self.thresholds is not None:
            least = torch.maximum(least, self.thresholds()[found.labels])
        if self.soft:
            least = torch.maximum(least, torch.rand_like(least))
        return found.scores >= least

    def attach(self, views: SampleList, predictions: SampleList) -> SampleList:
        """Make annotations of predictions.

        Args:
            views (list[:obj:`DetDataSample`]): N images for the student. Whatever
                annotations they have are not looked at.
            predictions (list[:obj:`DetDataSample`]): For views of the same geometry.

        Returns:
            list[:obj:`DetDataSample`]: Copies of ``views`` with ``gt_instances`` and
            ``ignored_instances`` of ``bboxes``, ``labels``.
        """
        found = [sample.pred_instances for sample in predictions]
        sides = [one.bboxes[:, 2:] - one.bboxes[:, :2] for one in found]
        found = [x[(s >= self.min_size).all(1)] for x, s in zip(found, sides)]
        if self.thresholds is not None:
            scores = torch.cat([one.scores for one in found])
            labels = torch.cat([one.labels for one in found])
            self.thresholds.see(scores, labels, len(found))
        labelled = list(map(self._labelled, views, found))
        nothing = not any(len(sample.gt_instances) for sample in labelled)
        self._iterations_without = nothing * (self._iterations_without + 1)
        if self._iterations_without == ITERATIONS_BEFORE_WARNING:
            MMLogger.get_current_instance().warning(  # it says the same but once
                'The teacher has found no pseudo label in the last '
                f'{ITERATIONS_BEFORE_WARNING} iterations (of this process). Its scores '
                f'may all be below `score_thr={self.score_thr}`: lower it (to half or '
                'less for sigmoids), or burn in for longer, until the student alone '
                'finds something on the target (`student/...` of the validation).'
            )
        return labelled

    def _labelled(self, view: DetDataSample, found: InstanceData) -> DetDataSample:
        sure = self.sure(found)
        unsure = ~sure & (found.scores >= self.unsure_thr)
        # One that covers an object, as of another class, would hide it, too.
        covers = bbox_overlaps(found.bboxes[sure], found.bboxes, mode='iof') > 0.5
        sample = DetDataSample(metainfo=view.metainfo)
        sample.gt_instances, sample.ignored_instances = (
            InstanceData(bboxes=found.bboxes[keep], labels=found.labels[keep])
            for keep in (sure, unsure & ~covers.any(dim=0))
        )
        return sample
