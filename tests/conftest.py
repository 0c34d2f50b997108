"""Fixtures that all tests share."""

from multiprocessing.pool import ThreadPool
from pathlib import Path

import cv2
import pytest
import torch
from mmdet.evaluation.functional import mean_ap
from mmengine.config import Config
from mmengine.runner import Runner

import mmdet_lossmix  # noqa: F401  registers everything
from tests.helpers.clone import make_clone
from tests.helpers.processes import end_workers
from tests.helpers.tiny_configs import iteration_based, tiny_config
from tests.helpers.tiny_voc import write_voc

# mmdet's mAP leaves a pool of processes that nobody joins. In a process with threads
# this hangs now and then; a pool of threads counts the same.
mean_ap.Pool = ThreadPool

# One test among many processes: threads would only wait for each other.
torch.set_num_threads(1)
cv2.setNumThreads(0)


@pytest.fixture(scope='session')
def voc_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VOCdevkit of sixteen small images."""
    return write_voc(tmp_path_factory.mktemp('voc') / 'VOCdevkit')


@pytest.fixture(scope='session')
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as a reader of the pages has it, with a finished run."""
    return make_clone(tmp_path_factory.mktemp('clone'))


@pytest.fixture(scope='module')
def unformatted_configs():
    """A runner pretty-prints its config five times, which takes most of a short run."""
    with pytest.MonkeyPatch.context() as patch:
        # mmengine's own name for it, or where onedl's mmengine gets it from each time
        for module in ('mmengine.config.config', 'yapf.yapflib.yapf_api'):
            patch.setattr(
                f'{module}.FormatCode', lambda text, **_: (text, True), raising=False
            )
        yield


@pytest.fixture(scope='session')
def lossmix_run(voc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The config of a finished LossMix run of Faster R-CNN with averaged weights.

    Its ``work_dir`` holds ``iter_3.pth`` and the last one, ``iter_6.pth``.
    """
    cfg = tiny_config(
        'lossmix_faster_rcnn_voc',
        voc_root,
        tmp_path_factory.mktemp('lossmix_run'),
        custom_hooks=[
            dict(type='StepSeedHook'),
            dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.1),
        ],
        experiment_name='lossmix_run',
        **iteration_based(max_iters=6, save_every=3, val_interval=6),
    )
    runner = Runner.from_cfg(cfg.copy())
    runner.train()
    end_workers(runner)
    return cfg
