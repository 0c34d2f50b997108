"""Logs how good the pseudo labels are, where the annotations are known after all."""

from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import torch
from mmdet.registry import DATASETS, HOOKS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps, bbox_project, get_box_tensor
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.uda.checks import homography
from mmdet_lossmix.uda.hooks.teacher_hook import teacher_model

NAMES = ('pseudo_precision', 'pseudo_recall')


@HOOKS.register_module()
class PseudoLabelQualityHook(Hook):
    """Compare the pseudo labels of :class:`LossMixTeacher` with ground truth.

    For analysis only: the ground truth of the target never reaches the model, its
    losses, its data or any random generator. Training with this hook ends with the
    weights of one without.

    The labels that the student has been given in an iteration are matched to the true
    objects, see :func:`compare`. Sums over all classes, images and ranks since the last
    log make ``pseudo_precision`` (of the labels, how many are right) and
    ``pseudo_recall`` (of the objects, how many are found), which stand in the log lines
    until the next ones. Without any label there is no precision, and none is logged.

    Args:
        truth (dict): Config of a dataset with the annotations of the target images.
            Images are matched by the stem of their file name; difficult and ignored
            objects count neither for nor against.
        interval (int): Iterations between two logs, at least 1. Defaults to 50.
        iou_thr (float): The least IoU of a match, in (0, 1]. Defaults to 0.5.

    Raises:
        TypeError: If ``interval`` or ``iou_thr`` is no number.
        ValueError: If ``interval`` or ``iou_thr`` is out of its range.

    Examples:
        >>> dict(type='PseudoLabelQualityHook', truth=labelled_target)
    """

    priority = 'NORMAL'  # before LoggerHook

    def __init__(self, truth: dict, interval: int = 50, iou_thr: float = 0.5) -> None:
        check_number('interval', interval, '[1, inf)', whole=True)
        check_number('iou_thr', iou_thr, '(0, 1]')
        self.truth = truth
        self.interval = interval
        self.iou_thr = iou_thr
        self._annotations: Optional[TargetAnnotations] = None
        self._counts = torch.zeros(3)

    def before_train(self, runner: Runner) -> None:
        """Read the annotations, if there are to be pseudo labels.

        Raises:
            ValueError: If a target image is not annotated, or the classes differ.
        """
        if teacher_model(runner).pseudo_labels is None:
            return
        self._annotations = TargetAnnotations(self.truth)
        domains = runner.train_dataloader.dataset
        classes = tuple(domains.metainfo['classes'])
        if self._annotations.classes != classes:
            raise ValueError(
                'Give `truth` of PseudoLabelQualityHook the `metainfo` of the source: '
                f'it has the classes {self._annotations.classes}, not {classes}.'
            )
        target = domains.datasets[-1]
        paths = [target.get_data_info(i)['img_path'] for i in range(len(target))]
        missing = self._annotations.missing(paths)
        if missing:
            raise ValueError(
                'Correct the `ann_file` of `truth`, or remove PseudoLabelQualityHook: '
                f'{len(missing)} of {len(paths)} target images are not annotated, such '
                f'as {missing[0]}.'
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Optional[dict] = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Count, and log now and then."""
        model = teacher_model(runner)
        if self._annotations is None or runner.iter < model.burn_in_iters:
            return
        for sample in model.last_pseudo:
            objects = self._annotations.in_view(sample)
            counts = compare(sample.gt_instances, objects, self.iou_thr)
            self._counts += torch.tensor(counts)
        if self.every_n_train_iters(runner, self.interval):
            self._log(runner)

    def _log(self, runner: Runner) -> None:
        all_reduce(self._counts)
        found = rates(self._counts.tolist())
        for name in NAMES:
            # Else the lines to come would repeat the rate of an earlier interval.
            runner.message_hub.log_scalars.pop(f'train/{name}', None)
            if name in found:
                runner.message_hub.update_scalar(f'train/{name}', found[name])
        self._counts = torch.zeros(3)


class TargetAnnotations:
    """The annotations of target images, by the stems of their file names.

    Args:
        dataset (dict): Config of a dataset with annotations. No image of it is loaded,
            and none is filtered out.

    Raises:
        ValueError: If two images have the same stem.
    """

    def __init__(self, dataset: dict) -> None:
        # An image without an object has annotations, too: nothing is there.
        built = DATASETS.build({**dataset, 'filter_cfg': None, 'pipeline': []})
        self.classes = tuple(built.metainfo['classes'])
        infos = [built.get_data_info(i) for i in range(len(built))]
        stems = Counter(Path(info['img_path']).stem for info in infos)
        several = [stem for stem, count in stems.items() if count > 1]
        if several:
            raise ValueError(
                'Give images of `truth` names of their own, as they are told apart by '
                f'the stem of their file name: there are several of {several[:3]}.'
            )
        self._objects = {Path(info['img_path']).stem: _objects(info) for info in infos}

    def missing(self, paths: Iterable[str]) -> List[str]:
        """The images of which nothing is known."""
        return [path for path in paths if Path(path).stem not in self._objects]

    def of(self, view: DetDataSample) -> InstanceData:
        """The objects of an image in its own frame, see :meth:`in_view`."""
        return self._objects[Path(view.img_path).stem].new()

    def in_view(self, view: DetDataSample) -> InstanceData:
        """The objects of an image in the frame of a view, without those outside it.

        Returns:
            :obj:`InstanceData`: ``bboxes``, ``labels``, and ``ignored``, whether an
            object counts neither for nor against.

        Raises:
            ValueError: If the view does not say how it came about.
        """
        objects = self.of(view)
        shape = view.img_shape[:2]
        objects.bboxes = bbox_project(objects.bboxes, homography(view), shape)
        return objects[(objects.bboxes[:, 2:] > objects.bboxes[:, :2]).all(dim=1)]


def _objects(info: dict) -> InstanceData:
    objects = info['instances']
    return InstanceData(
        bboxes=torch.tensor([o['bbox'] for o in objects]).float().reshape(-1, 4),
        labels=torch.tensor([o['bbox_label'] for o in objects], dtype=torch.long),
        ignored=torch.tensor([bool(o.get('ignore_flag')) for o in objects]).bool(),
    )


def compare(
    found: InstanceData, truth: InstanceData, iou_thr: float
) -> Tuple[int, int, int]:
    """Count what :func:`match` says of pseudo labels.

    Args:
        found (:obj:`InstanceData`): ``bboxes``, ``labels`` and perhaps ``scores``.
        truth (:obj:`InstanceData`): In the same frame, see :class:`TargetAnnotations`.
        iou_thr (float): The least IoU of a match.

    Returns:
        tuple[int, int, int]: How many pseudo labels have a true object of their own;
        how many there are, less those that find an ignored object; and how many true
        objects there are that are not ignored.
    """
    right, counts = match(found, truth, iou_thr)
    return int(right.sum()), int(counts.sum()), int((~truth.ignored).sum())


def match(
    found: InstanceData, truth: InstanceData, iou_thr: float
) -> Tuple[Tensor, Tensor]:
    """Match pseudo labels to true objects, greedily and one to one, as COCO does.

    The label with the highest score chooses first, if there are scores; else they
    choose in their order, which detectors sort by score. Each takes the free object of
    its class that it overlaps the most, by ``iou_thr`` or more; or, if there is none,
    an ignored one, which any number may take.

    Returns:
        tuple[Tensor, Tensor]: Of each label, shape (N,), whether it has a true object
        of its own, and whether it counts, as it does unless it finds an ignored one.
    """
    right = torch.zeros(len(found), dtype=torch.bool)
    counts = ~right
    free = ~truth.ignored
    if not len(found) or not len(free):
        return right, counts
    labels = found.labels.cpu()
    order: Iterable[int] = range(len(labels))
    if 'scores' in found:
        order = found.scores.cpu().argsort(descending=True, stable=True).tolist()
    ious = bbox_overlaps(get_box_tensor(found.bboxes).cpu(), truth.bboxes)
    ious[labels[:, None] != truth.labels[None]] = -1
    for i in order:
        best, at = ious[i].masked_fill(~free, -1).max(dim=0)
        if best >= iou_thr:
            free[at] = False
            right[i] = True
        else:
            counts[i] = not (ious[i][truth.ignored] >= iou_thr).any()
    return right, counts


def rates(counts: Sequence[float]) -> Dict[str, float]:
    """Precision and recall, of sums of what :func:`compare` counts, if of anything."""
    right, labels, objects = counts
    pairs = zip(NAMES, (labels, objects))
    return {name: right / number for name, number in pairs if number}
