"""The answers of a run as numbers, one in a row."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from .blends import Answers
from .matching import d_ece, score_for_false_positives

SCORE, RECALL, PRECISION = 'score of objects', 'recall', 'precision'
D_ECE = 'D-ECE'
BINS = np.linspace(0, 1, 11)  # of confidence, in the diagram
POSITION, SIZE = ('x', 'y'), ('width', 'height')
NAMES = {
    'none': 'no mixing',
    'lossmix': 'LossMix',
    'sampled': 'sampled LossMix',
    'union': 'Union',
    'noise': 'Noise',
    'mmdet_mixup': 'mmdet MixUp',
}


def summarise(answers: Sequence[Answers]) -> pd.DataFrame:
    """What is drawn and written of a run.

    Args:
        answers: Of all batches.

    Returns:
        DataFrame: ``quantity``; ``at``, how visible objects are or, for the precision,
        the mean confidence of a bin; ``value``; and ``count``, the objects or
        detections that it is a mean of.
    """
    objects = pd.concat([a.objects for a in answers])
    detections = pd.concat([a.detections for a in answers])
    images = sum(a.images for a in answers)
    rows = [
        *_by_visibility(objects, detections, images),
        *_calibration(detections),
    ]
    return pd.DataFrame(rows, columns=['quantity', 'at', 'value', 'count'])


def _by_visibility(
    objects: pd.DataFrame, detections: pd.DataFrame, images: int
) -> Iterator[tuple]:
    scores, hits = (detections[name].to_numpy() for name in ('score', 'hit'))
    threshold = score_for_false_positives(scores, hits, images)
    yield 'score with one false positive an image', np.nan, threshold, len(detections)
    for visible, group in objects.groupby('visible'):
        found = group['score'] >= max(threshold, 1e-9)
        yield SCORE, visible, group['score'].mean(), len(group)
        yield RECALL, visible, found.mean(), len(group)


def _calibration(detections: pd.DataFrame) -> Iterator[tuple]:
    bins = np.digitize(detections['score'], BINS)
    for _, group in detections.groupby(bins):
        yield PRECISION, group['score'].mean(), group['hit'].mean(), len(group)
    scores, hits = (detections[name].to_numpy() for name in ('score', 'hit'))
    for name, dimensions, bins in (
        (D_ECE, (), 20),
        (f'{D_ECE} with position', POSITION, 8),
        (f'{D_ECE} with size', SIZE, 8),
    ):
        # A box may end just outside of its image.
        more = [detections[key].clip(0, 1).to_numpy() for key in dimensions]
        yield name, np.nan, d_ece(scores, hits, *more, bins=bins), len(scores)


def labels(traits: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to call each run: the settings in which any two differ, less the seed."""
    names = [
        name
        for name in traits[0]
        if name != 'seed' and len({str(run.get(name)) for run in traits}) > 1
    ]
    return [
        ' '.join(
            NAMES.get(str(run[name]), str(run[name])) for name in names or ['strategy']
        )
        for run in traits
    ]
