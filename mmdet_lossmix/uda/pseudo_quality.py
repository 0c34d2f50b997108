"""How many pseudo labels are right, and how much of the truth they find."""

from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, NamedTuple, Sequence

import torch
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps, bbox_project, get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from .views import homography


class Truth(NamedTuple):
    """The objects of an image, N of them.

    Attributes:
        bboxes (Tensor): Shape (N, 4).
        labels (Tensor): Shape (N,).
        ignored (Tensor): Whether an object counts neither for nor against, shape (N,).
    """

    bboxes: Tensor
    labels: Tensor
    ignored: Tensor


class Counts(NamedTuple):
    """What a comparison counts.

    Attributes:
        right (int): Pseudo labels with a true object of their own.
        labels (int): Pseudo labels, less those that find an ignored object.
        objects (int): True objects that are not ignored.
    """

    right: int = 0
    labels: int = 0
    objects: int = 0


class HiddenTruth:
    """The annotations of target images, by the stems of their file names.

    Args:
        dataset (dict): Config of a dataset with annotations. No image of it is loaded,
            and none is filtered out.

    Raises:
        ValueError: If two images have the same stem.
    """

    def __init__(self, dataset: dict) -> None:
        # An image without an object has a truth, too: nothing is there.
        built = DATASETS.build({**dataset, 'filter_cfg': None, 'pipeline': []})
        self.classes = tuple(built.metainfo['classes'])
        infos = [built.get_data_info(i) for i in range(len(built))]
        stems = Counter(Path(info['img_path']).stem for info in infos)
        twice = [stem for stem, count in stems.items() if count > 1]
        if twice:
            raise ValueError(
                'Expected one image of each name in the truth but got several of '
                f'{twice[:3]}; images are told apart by the stem of their file name.'
            )
        self._truths = {Path(info['img_path']).stem: _truth(info) for info in infos}

    def missing(self, paths: Iterable[str]) -> list:
        """The images of which nothing is known."""
        return [path for path in paths if Path(path).stem not in self._truths]

    def in_view(self, view: DetDataSample) -> Truth:
        """The objects of an image in the frame of a view, without those outside it.

        Raises:
            ValueError: If the view does not say how it came about.
        """
        truth = self._truths[Path(view.img_path).stem]
        bboxes = bbox_project(truth.bboxes, homography(view), view.img_shape[:2])
        inside = (bboxes[:, 2:] > bboxes[:, :2]).all(dim=1)
        return Truth(bboxes[inside], truth.labels[inside], truth.ignored[inside])


def _truth(info: dict) -> Truth:
    objects = info['instances']
    return Truth(
        torch.tensor([o['bbox'] for o in objects], dtype=torch.float32).reshape(-1, 4),
        torch.tensor([o['bbox_label'] for o in objects], dtype=torch.long),
        torch.tensor([bool(o.get('ignore_flag')) for o in objects], dtype=torch.bool),
    )


def compare(found: InstanceData, truth: Truth, iou_thr: float) -> Counts:
    """Match pseudo labels to true objects, greedily and one to one.

    The label with the highest score chooses first, if there are scores; else they
    choose in their order, which detectors sort by score. Each takes the free object of
    its class that it overlaps the most, by ``iou_thr`` or more; or, if there is none,
    an ignored one, which any number may take.

    Args:
        found (:obj:`InstanceData`): ``bboxes``, ``labels`` and perhaps ``scores``.
        truth (Truth): In the same frame.
        iou_thr (float): The least IoU of a match.

    Returns:
        Counts: Of this image.
    """
    objects = int((~truth.ignored).sum())
    bboxes = get_box_tensor(found.bboxes).cpu()
    labels = found.labels.cpu()
    order: Iterable[int] = range(len(labels))
    if 'scores' in found:
        order = found.scores.cpu().argsort(descending=True, stable=True).tolist()
    if not len(labels) or not len(truth.labels):
        return Counts(0, len(labels), objects)
    ious = bbox_overlaps(bboxes, truth.bboxes)
    ious[labels[:, None] != truth.labels[None]] = -1
    free = ~truth.ignored
    right = neither = 0
    for i in order:
        best, at = ious[i].masked_fill(~free, -1).max(dim=0)
        if best >= iou_thr:
            free[at] = False
            right += 1
        elif (ious[i][truth.ignored] >= iou_thr).any():
            neither += 1
    return Counts(right, len(labels) - neither, objects)


def rates(counts: Sequence[float]) -> Dict[str, float]:
    """Precision and recall of sums of :class:`Counts`; one of nothing is left out."""
    right, labels, objects = counts
    found = {}
    if labels:
        found['pseudo_precision'] = right / labels
    if objects:
        found['pseudo_recall'] = right / objects
    return found
