"""Lambda as a run draws it: a real dataset, worker processes, several epochs."""

from collections import Counter

import pytest
from mmengine.runner import Runner
from processes import end_dataloader_workers
from scipy.stats import kstest
from tiny import tiny_config

WORKERS, EPOCHS = 2, 3


def draws(voc_root, tmp_path, alpha):
    """Lambdas of each epoch and worker, in the order in which they were drawn."""
    cfg = tiny_config('baseline_faster_rcnn_voc', voc_root, tmp_path).train_dataloader
    cfg.update(num_workers=WORKERS, persistent_workers=True, batch_size=4)
    cfg.dataset.times = 40
    for dataset in cfg.dataset.dataset.datasets:
        dataset.pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='LossMixTransform', alpha=alpha),
            dict(type='PackLossMixInputs'),
        ]
    loader = Runner.build_dataloader(cfg, seed=0)
    epochs = []
    for _ in range(EPOCHS):
        streams = [[] for _ in range(WORKERS)]
        for i, batch in enumerate(loader):  # workers take turns
            lams = [s.get('mix_lambda') for s in batch['data_samples']]
            streams[i % WORKERS] += [lam for lam in lams if lam is not None]
        epochs.append(streams)
    end_dataloader_workers(loader)
    return epochs


@pytest.mark.parametrize('alpha', [0.2, 1.0, 5.0])
def test_lambda_is_beta_over_workers_and_epochs(alpha, voc_root, tmp_path):
    epochs = draws(voc_root, tmp_path, alpha)
    lams = [lam for streams in epochs for stream in streams for lam in stream]
    assert len(lams) > 1200
    assert kstest(lams, 'beta', args=(alpha, alpha)).pvalue > 0.01
    assert kstest(lams, 'beta', args=(2 * alpha, 2 * alpha)).pvalue < 1e-6
    # No two workers share a stream and no epoch repeats one. With alpha = 0.2 some
    # lambdas round to 1, so only what is clearly inside of (0, 1) tells.
    inside = Counter(lam for lam in lams if 0.01 < lam < 0.99)
    assert max(inside.values()) == 1
