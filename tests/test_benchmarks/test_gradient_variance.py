"""The noise of gradients: its arithmetic, and the table."""

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from benchmarks.gradient_variance import (
    EXACT,
    PLAIN,
    SAMPLED,
    Moments,
    gradient,
    measure,
    models_of,
    squared_mean,
)
from tests.helpers.tiny_configs import tiny_config


def test_moments_are_those_of_numpy():
    vectors = np.random.default_rng(0).normal(1, 2, (20, 500))
    moments = Moments()
    for vector in vectors:
        moments.add(torch.from_numpy(vector))
    np.testing.assert_allclose(moments.mean, vectors.mean(0))
    assert moments.variance == pytest.approx(vectors.var(0, ddof=1).sum())
    assert squared_mean(moments) == pytest.approx(500, rel=0.2)  # not 500 + 2000 / 20


def test_the_table_is_what_numpy_makes_of_the_gradients(voc_root, tmp_path):
    init_default_scope('mmdet')
    cfg = tiny_config('studies/fcos_synthetic', voc_root, tmp_path)
    models = models_of(cfg, None)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    batches = [pseudo_collate([dataset[2 * i], dataset[2 * i + 1]]) for i in range(3)]
    rows = {row.pop('gradient of'): row for row in measure(models, batches, 3, 4)}

    unmixed = np.array([gradient(models[PLAIN], data, 0).numpy() for data in batches])
    unit = spread(unmixed.astype(float))
    assert rows[PLAIN]['over batches and draws'] == pytest.approx(1)
    assert rows[PLAIN]['variance over draws'] == 0
    found = {
        name: np.array(
            [
                [gradient(models[name], data, 4 * b + i).numpy() for i in range(4)]
                for b, data in enumerate(batches)
            ],
            dtype=float,
        )
        for name in (EXACT, SAMPLED)
    }
    for name, gradients in found.items():
        within = np.mean([spread(of_batch) for of_batch in gradients])
        between = spread(gradients.mean(1)) - within / 4
        assert within > 0
        expected = {
            'variance over draws': within / unit,
            'over batches and draws': (between + within) / unit,
        }
        assert {key: rows[name][key] for key in expected} == pytest.approx(expected)
    difference = (found[SAMPLED] - found[EXACT]).reshape(12, -1)
    assert rows['sampled LossMix - LossMix']['variance over draws'] == pytest.approx(
        (difference**2).sum(1).mean() / unit
    )


def spread(vectors):
    return vectors.var(0, ddof=1).sum()
