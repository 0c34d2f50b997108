"""Mixing stops: judged by the batches that the model is fed, and by nothing else."""

import itertools
from pathlib import Path
from typing import List, Optional

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from processes import end_workers
from tiny import iteration_based, tiny_config

import fed  # noqa: F401  registers RecordFed

run_number = itertools.count()
LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(96, 64), keep_ratio=True),
]
MIX = dict(type='LossMixTransform', alpha=5.0)
UNION = dict(type='UnionMixTransform', alpha=5.0)
PACK = [dict(type='PackLossMixInputs')]
WORKERS, PER_EPOCH = 2, 6
AHEAD = WORKERS * 2  # torch's prefetch_factor
PERSISTENT = {'num_workers': WORKERS, 'persistent_workers': True}


def voc(root: Path, year: str, pipeline: list) -> dict:
    return dict(
        type='VOCDataset',
        data_root=f'{root}/',
        ann_file=f'{year}/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root=f'{year}/'),
        pipeline=pipeline,
    )


def nested(root: Path, pipeline: list) -> dict:
    """VOC's nest and a ClassBalancedDataset that oversamples nothing: 12 images."""
    balanced = dict(
        type='ClassBalancedDataset',
        oversample_thr=1e-9,
        dataset=voc(root, 'VOC2012', pipeline),
    )
    both = dict(
        type='ConcatDataset', datasets=[voc(root, 'VOC2007', pipeline), balanced]
    )
    return dict(type='RepeatDataset', times=1, dataset=both)


def in_pipeline(root: Path, mix: dict = MIX) -> dict:
    return nested(root, [*LOAD, mix, *PACK])


def in_random_choice(root: Path) -> dict:
    choice = dict(type='RandomChoice', transforms=[[MIX], [UNION]])
    return nested(root, [*LOAD, choice, *PACK])


def in_multi_image_mix(root: Path) -> dict:
    dataset = nested(root, LOAD)
    return dict(type='MultiImageMixDataset', dataset=dataset, pipeline=[MIX, *PACK])


def config(root: Path, work_dir: Path, dataset: dict, stop: dict, **overrides):
    """Three epochs of a thin FCOS, of six batches of two images each."""
    cfg = tiny_config('baseline_fcos_voc', root, work_dir)
    cfg.model = dict(type='LossMixDetector', detector=cfg.model)
    cfg.train_dataloader = dict(
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dataset,
        num_workers=0,
    )
    cfg.custom_hooks = [
        dict(type='StopMixingHook', **stop),
        dict(type='RecordFed', pipeline=LOAD),
    ]
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=3, val_interval=9)
    cfg.merge_from_dict(overrides)
    return cfg


def iterations(number: int, save_every: int = 1000) -> dict:
    """Overrides for an iteration-based run with persistent workers."""
    return iteration_based(number, save_every, num_workers=WORKERS)


def train(cfg: Config, resume_from: Optional[Path] = None) -> List[fed.Fed]:
    cfg = cfg.copy()
    cfg.merge_from_dict(
        dict(
            resume=resume_from is not None,
            load_from=resume_from and str(resume_from),
            experiment_name=f'stop_mixing_{next(run_number)}',
        )
    )
    runner = Runner.from_cfg(cfg)
    try:
        runner.train()
    finally:
        end_workers(runner)
    return runner.fed


def mixed(batches: List[fed.Fed]) -> List[bool]:
    return [batch.mixed for batch in batches]


@pytest.mark.parametrize('dataset', [in_pipeline, in_random_choice, in_multi_image_mix])
def test_last_epoch_is_unmixed_in_persistent_workers(voc_root, tmp_path, dataset):
    stop = dict(num_last_epochs=1)
    overrides = {'train_dataloader': PERSISTENT}
    batches = train(config(voc_root, tmp_path, dataset(voc_root), stop, **overrides))
    assert mixed(batches) == [True] * 2 * PER_EPOCH + [False] * PER_EPOCH
