"""What `mim test ... --out results.pkl` has found, as pictures and as AP per class."""

from pathlib import Path
from typing import Dict, List, Sequence

import mmengine
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from mmdet.evaluation import eval_map
from mmengine.dataset import BaseDataset

from .boxes import BOTTOM, IGNORED, OWN, PARTNER, TOP, BoxPainter, legend_entry
from .mixed import show_image

LEGEND: List[Patch] = [
    legend_entry(OWN, 'ground truth'),
    legend_entry(PARTNER, 'detection with its score'),
    legend_entry(IGNORED, 'difficult, does not count', dashed=True),
]


def read_results(path: Path, dataset: BaseDataset) -> List[dict]:
    """Read the detections of a test, one entry per image of ``dataset``.

    Raises:
        ValueError: If they belong to another dataset.
    """
    results = mmengine.load(path)
    ids = [result['img_id'] for result in results]
    expected = [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))]
    if ids != expected:
        raise ValueError(
            f'Expected detections on the {len(expected)} images of the test set in '
            f'{path} but got {len(ids)} others; run the test again.'
        )
    return results


def draw_detections(
    ax: Axes,
    image: np.ndarray,
    instances: Sequence[dict],
    detections: dict,
    classes: Sequence[str],
    score_thr: float = 0.3,
) -> None:
    """Draw ground truth and detections on an image.

    Args:
        ax (:obj:`Axes`): Empty axes.
        image (np.ndarray): The image as RGB, shape (H, W, 3).
        instances (Sequence[dict]): The objects as a dataset's ``get_data_info`` has
            them, with ``bbox``, ``bbox_label`` and ``ignore_flag``.
        detections (dict): ``bboxes`` (N, 4), ``labels`` (N, ), ``scores`` (N, ).
        classes (Sequence[str]): Names of the classes.
        score_thr (float): Detections below are left out. Defaults to 0.3.
    """
    show_image(ax, image)
    painter = BoxPainter(ax)
    found = zip(
        detections['bboxes'].tolist(),
        detections['labels'].tolist(),
        detections['scores'].tolist(),
    )
    for box, label, score in sorted(found, key=lambda entry: -entry[2]):
        if score >= score_thr:
            painter.draw(box, PARTNER, f'{classes[label]} {score:.2f}', score, BOTTOM)
    for instance in instances:
        if instance['ignore_flag']:
            painter.draw_ignored(instance['bbox'])
        else:
            name = classes[instance['bbox_label']]
            painter.draw(instance['bbox'], OWN, name, 0.7, TOP)


def evaluate_classes(
    dataset: BaseDataset,
    results: Sequence[dict],
    iou_thr: float = 0.5,
    eval_mode: str = '11points',
) -> Dict[str, dict]:
    """AP of each class, computed as ``VOCMetric`` does but not thrown away.

    Args:
        dataset (:obj:`BaseDataset`): The test set.
        results (Sequence[dict]): What :func:`read_results` returns.
        iou_thr (float): From which overlap a detection counts. Defaults to 0.5.
        eval_mode (str): '11points' or 'area'. Defaults to '11points', as in VOC 2007.

    Returns:
        dict[str, dict]: By class name: ``num_gts``, ``num_dets``, ``ap``, ...
    """
    classes = dataset.metainfo['classes']
    truths = [
        _annotation(dataset.get_data_info(index)['instances'])
        for index in range(len(dataset))
    ]
    found = [_by_class(result['pred_instances'], len(classes)) for result in results]
    _, per_class = eval_map(
        found,
        truths,
        iou_thr=iou_thr,
        dataset=classes,
        logger='silent',
        eval_mode=eval_mode,
        use_legacy_coordinate=True,
    )
    return dict(zip(classes, per_class))


def _annotation(instances: Sequence[dict]) -> Dict[str, np.ndarray]:
    boxes = np.array([i['bbox'] for i in instances], np.float32).reshape(-1, 4)
    labels = np.array([i['bbox_label'] for i in instances], np.int64)
    ignored = np.array([i['ignore_flag'] for i in instances], bool)
    return {
        'bboxes': boxes[~ignored],
        'labels': labels[~ignored],
        'bboxes_ignore': boxes[ignored],
        'labels_ignore': labels[ignored],
    }


def _by_class(detections: dict, num_classes: int) -> List[np.ndarray]:
    """Split detections into one array (N, 5) per class, the score at the end."""
    boxes = np.hstack([detections['bboxes'], detections['scores'][:, None]])
    labels = detections['labels'].numpy()
    return [boxes[labels == label] for label in range(num_classes)]
