"""Means, paired differences and intervals against naive computations."""

import numpy as np
import pandas as pd
import pytest

from studies.statistics import (
    mean_interval,
    over_seeds,
    paired_differences,
    summarise_differences,
)


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    rows = [
        dict(strategy=s, detector=d, seed=seed, AP=float(rng.random()))
        for s in ('none', 'union', 'lossmix')
        for d in ('fcos', 'retinanet')
        for seed in range(5)
    ]
    rng.shuffle(rows)
    return pd.DataFrame(rows)


AXES = ['strategy', 'detector', 'seed']


def test_over_seeds(table):
    summary = over_seeds(table, AXES, ['AP'])
    for (strategy, detector), row in summary['AP'].iterrows():
        values = [
            r.AP
            for r in table.itertuples()
            if (r.strategy, r.detector) == (strategy, detector)
        ]
        assert row['mean'] == pytest.approx(sum(values) / 5)
        deviation = (sum((v - sum(values) / 5) ** 2 for v in values) / 4) ** 0.5
        assert row['std'] == pytest.approx(deviation)
        assert row['count'] == 5
    assert len(summary) == 6


def test_paired_differences(table):
    aps = {(r.strategy, r.detector, r.seed): r.AP for r in table.itertuples()}
    found = paired_differences(table, AXES, {'strategy': 'none'})
    assert len(found) == 20
    for r in found.itertuples():
        reference = aps['none', r.detector, r.seed]
        assert r.difference == pytest.approx(aps[r[1:4]] - reference)


def test_runs_without_a_partner_are_left_out(table):
    missing = (table.strategy == 'none') & (table.seed == 2)
    found = paired_differences(table[~missing], AXES, {'strategy': 'none'})
    assert len(found) == 16
    assert 2 not in set(found.seed)


def test_interval_against_the_formula(table):
    found = paired_differences(table, AXES, {'strategy': 'none'})
    summary = summarise_differences(found, ['strategy'])
    for strategy, row in summary.iterrows():
        values = found[found.strategy == strategy].difference.to_numpy()
        half = 2.262157 * values.std(ddof=1) / 10**0.5  # t of nine degrees of freedom
        assert row['mean'] == pytest.approx(values.mean())
        assert row['low'] == pytest.approx(values.mean() - half)
        assert row['high'] == pytest.approx(values.mean() + half)
        assert (row['pairs'], row['up']) == (10, (values > 0).sum())


def test_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = [mean_interval(rng.normal(1, 3, size=3)) for _ in range(2000)]
    held = np.mean([low < 1 < high for _, low, high in intervals])
    assert held == pytest.approx(0.95, abs=0.02)


def test_interval_of_one_value_and_of_equal_ones():
    mean, low, high = mean_interval([0.3])
    assert mean == 0.3
    assert np.isnan([low, high]).all()
    assert mean_interval([0.2, 0.2, 0.2]) == (0.2, 0.2, 0.2)
