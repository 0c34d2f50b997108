"""Means over seeds, and paired differences to a baseline with a t interval."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

SEED = 'seed'


class Interval(NamedTuple):
    """A mean with a confidence interval."""

    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean and its interval by Student's t distribution.

    It takes values for independent and about normal. A bootstrap would be too narrow:
    three values have no more than ten different resamples.

    Args:
        values: At least one.
        confidence: Of the interval, in (0, 1).

    Returns:
        Interval: Bounds are NaN for a single value.
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return Interval(float(array.mean()), float('nan'), float('nan'))
    if np.ptp(array) == 0:
        return Interval(*[float(array[0])] * 3)
    found = ttest_1samp(array, 0).confidence_interval(confidence)
    return Interval(float(array.mean()), float(found.low), float(found.high))


def over_seeds(
    table: pd.DataFrame, axes: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """Mean, standard deviation (of a sample, n - 1) and number of seeds.

    Args:
        table: Rows of one split.
        axes: Of the study; rows that agree in all but the seed make a group.
        columns: To be summarised.

    Returns:
        DataFrame: Indexed by the group, columns (column, ``mean | std | count``).
    """
    groups = [axis for axis in axes if axis != SEED]
    if not groups:
        table, groups = table.assign(study_='all'), ['study_']
    return table.groupby(groups, sort=False)[list(columns)].agg(
        ['mean', 'std', 'count']
    )


def paired_differences(
    table: pd.DataFrame,
    axes: Sequence[str],
    baseline: Mapping[str, Any],
    column: str = 'AP',
) -> pd.DataFrame:
    """Differences of each row to the baseline with the same seed and other axes.

    Args:
        table: Rows of one split.
        axes: Of the study.
        baseline: The axes it fixes and their labels.
        column: What is compared.

    Returns:
        DataFrame: The rows that have a partner, the baseline's own left out, with the
        column ``difference``.
    """
    shared = [axis for axis in axes if axis not in baseline]
    is_baseline = np.logical_and.reduce(
        [table[axis] == label for axis, label in baseline.items()]
    )
    reference = table.loc[is_baseline, [*shared, column]]
    reference = reference.rename(columns={column: 'reference'})
    rows = table.loc[~is_baseline]
    if shared:
        rows = rows.merge(reference, on=shared, how='inner', validate='many_to_one')
    else:
        rows = rows.merge(reference, how='cross')
    return rows.assign(difference=rows[column] - rows['reference'])


def summarise_differences(differences: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Mean difference, its interval, and how many pairs went up.

    Args:
        differences: Of :func:`paired_differences`.
        by: Axes of the groups; pairs of all others are pooled.

    Returns:
        DataFrame: Columns ``mean``, ``low``, ``high``, ``pairs``, ``up``.
    """
    rows = {}
    for key, group in differences.groupby(list(by), sort=False):
        values = group['difference'].to_numpy()
        rows[key if len(by) > 1 else key[0]] = {
            **mean_interval(values)._asdict(),
            'pairs': len(values),
            'up': int((values > 0).sum()),
        }
    frame = pd.DataFrame.from_dict(rows, orient='index')
    frame.index.names = list(by)
    return frame
