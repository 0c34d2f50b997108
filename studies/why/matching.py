"""Which detection finds which object, and how far its confidence can be trusted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from mmdet.evaluation.functional.bbox_overlaps import bbox_overlaps

IOU = 0.5
LEAST = 8  # detections in a bin of several dimensions, as netcal has it


class Objects(NamedTuple):
    """N objects of an image.

    Attributes:
        boxes: Shape (N, 4), left, top, right, bottom.
        labels: Shape (N,).
        ignored: Shape (N,): difficult ones, which count neither for nor against.
    """

    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray


class Detections(NamedTuple):
    """D detections in an image: boxes (D, 4), labels (D,) and scores (D,)."""

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


def match(found: Detections, objects: Objects) -> np.ndarray:
    """Match detections to objects, as COCO's evaluation does at an IoU of 0.5.

    The detection with the highest score chooses first, among the objects of its class
    that are free: the one with the largest IoU. Only if there is none it may fall to an
    ignored object, which stays free, by its share inside of that.

    Returns:
        np.ndarray: Shape (D,), the index of an object; -1 where nothing is found.
    """
    found_in = np.full(len(found.scores), -1)
    alike = found.labels[:, None] == objects.labels
    iou, inside = (
        np.where(alike, bbox_overlaps(found.boxes, objects.boxes, mode), 0)
        for mode in ('iou', 'iof')
    )
    free = ~objects.ignored
    for d in np.argsort(-found.scores, kind='stable'):
        for overlap, allowed in ((iou[d], free), (inside[d], objects.ignored)):
            overlap = np.where(allowed, overlap, 0)
            if overlap.max(initial=0) >= IOU:
                found_in[d] = overlap.argmax()
                free[found_in[d]] = False
                break
    return found_in


def object_scores(
    found: Detections, found_in: np.ndarray, objects: Objects
) -> np.ndarray:
    """The score of the detection of each object; 0 if it is not found."""
    scores = np.zeros(len(objects.labels))
    scores[found_in[found_in >= 0]] = found.scores[found_in >= 0]
    return scores


def d_ece(
    scores: np.ndarray, hits: np.ndarray, *dimensions: np.ndarray, bins: int = 20
) -> float:
    """Detection expected calibration error (Küppers et al., arXiv:2004.13546).

    Detections are put into bins by confidence, and by further properties of boxes if
    given. The error is the mean over detections of the difference between the precision
    and the mean confidence of their bin.

    Args:
        scores: Shape (D,), the confidence of each detection in [0, 1].
        hits: Shape (D,), whether it finds an object.
        *dimensions: Each of shape (D,), in [0, 1]. With any, bins with fewer than 8
            detections are left out.
        bins: Of equal width, along each dimension.

    Returns:
        float: In [0, 1]; NaN if no bin is left.
    """
    sample = np.stack([scores, *dimensions], axis=1).astype(float)
    edges = [np.linspace(0, 1, bins + 1)] * sample.shape[1]
    count, confidence, right = (
        np.histogramdd(sample, edges, weights=weights)[0]
        for weights in (None, scores.astype(float), hits.astype(float))
    )
    kept = count >= (LEAST if dimensions else 1)
    if not kept.any():
        return float('nan')
    return float(np.abs(right - confidence)[kept].sum() / count[kept].sum())


def score_for_false_positives(
    scores: np.ndarray, hits: np.ndarray, images: int, per_image: float = 1.0
) -> float:
    """The lowest score from which on there are so many false positives for an image.

    It makes detectors comparable whose scores are not: each is asked at its own score,
    where it is wrong equally often.
    """
    wrong = np.sort(scores[~hits])[::-1]
    allowed = int(per_image * images)
    return float(np.nextafter(wrong[allowed], 1)) if len(wrong) > allowed else 0.0
