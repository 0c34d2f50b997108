"""From the predictions of a teacher to the annotations that a student trains on."""

from mmdet.structures import DetDataSample, SampleList
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmdet_lossmix.arguments import check_number

ITERATIONS_BEFORE_WARNING = 1000


class PseudoLabels:
    """Keeps what a teacher is sure of.

    Args:
        score_thr (float): The least score of a pseudo label, in [0, 1). Defaults to
            0.8, for detectors with a softmax; sigmoid scores times a centerness are
            lower.
        min_size (float): The least side of a box in pixels, at least 0. Defaults to 1.
        without (str): What an image without any pseudo label means.

            - ``'background'``: nothing is there; its classification losses count.
            - ``'ignored'``: nothing is known; it causes no loss, and has no part in
              the normaliser of the others.

            Defaults to ``'background'``.

    Raises:
        TypeError: If a number is none.
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self, score_thr: float = 0.8, min_size: float = 1.0, without: str = 'background'
    ) -> None:
        check_number('score_thr', score_thr, '[0, 1)')
        check_number('min_size', min_size, '[0, inf)')
        if without not in ('background', 'ignored'):
            raise ValueError(
                f"Set `without` to 'background' or 'ignored', not {without!r}."
            )
        self.score_thr = score_thr
        self.min_size = min_size
        self.without = without
        self._iterations_without = 0

    def attach(self, views: SampleList, predictions: SampleList) -> SampleList:
        """Make annotations of predictions.

        Args:
            views (list[:obj:`DetDataSample`]): N images for the student. Whatever
                annotations they have are not looked at.
            predictions (list[:obj:`DetDataSample`]): For views of the same geometry.

        Returns:
            list[:obj:`DetDataSample`]: Copies of ``views`` with ``gt_instances`` of
            ``bboxes``, ``labels``, and no other annotations.
        """
        labelled = list(map(self._labelled, views, predictions))
        found = any(len(sample.gt_instances) for sample in labelled)
        self._iterations_without = 0 if found else self._iterations_without + 1
        if self._iterations_without == ITERATIONS_BEFORE_WARNING:
            MMLogger.get_current_instance().warning(  # it says the same but once
                'The teacher has found no pseudo label in the last '
                f'{ITERATIONS_BEFORE_WARNING} iterations (of this process). Its scores '
                f'may all be below `score_thr={self.score_thr}`: lower it (detectors '
                'with a sigmoid need half or less), or burn in for longer, until the '
                'student alone finds something on the target (`student/...` of the '
                'validation).'
            )
        return labelled

    def _labelled(self, view: DetDataSample, seen: DetDataSample) -> DetDataSample:
        found = seen.pred_instances
        sides = found.bboxes[:, 2:] - found.bboxes[:, :2]
        keep = (found.scores >= self.score_thr) & (sides >= self.min_size).all(dim=1)
        sample = DetDataSample(metainfo=view.metainfo)
        sample.gt_instances = InstanceData(
            bboxes=found.bboxes[keep], labels=found.labels[keep]
        )
        sample.ignored_instances = InstanceData(
            bboxes=found.bboxes.new_zeros(0, 4), labels=found.labels.new_zeros(0)
        )
        return sample
