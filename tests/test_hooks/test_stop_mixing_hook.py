"""Mixing stops: judged by the batches that the model is fed, and by nothing else."""

import functools
import itertools
import json
from pathlib import Path
from typing import List, Optional

import pytest
from mmdet.registry import HOOKS
from mmengine.config import Config
from mmengine.runner import Runner

from tests.helpers.processes import dump, end_workers, mim, run
from tests.helpers.recorded_batches import RecordedBatch
from tests.helpers.tiny_configs import iteration_based, tiny_config

run_number = itertools.count()
LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 64), keep_ratio=True),
]
LOAD_ALL = [LOAD[0], dict(type='LoadAnnotations', with_bbox=True), LOAD[1]]
MIX = dict(type='LossMixTransform', alpha=5.0)
UNION = dict(type='UnionMixTransform', alpha=5.0)
PACK = [dict(type='PackLossMixInputs')]
WORKERS, PER_EPOCH, EPOCHS = 2, 6, 2
AHEAD = WORKERS * 2  # torch's prefetch_factor
PERSISTENT = {'train_dataloader': {'num_workers': WORKERS, 'persistent_workers': True}}
ITERS, LAST = 10, 4
SLOW = pytest.mark.slow
ON_DEVICE = {
    'model.data_preprocessor': {
        'batch_augments': [dict(type='BatchLossMix', alpha=5.0)]
    },
    'model.weighting': 'batch',
}


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
    return nested(root, [*LOAD_ALL, mix, *PACK])


def in_random_choice(root: Path) -> dict:
    return in_pipeline(root, dict(type='RandomChoice', transforms=[[MIX], [UNION]]))


def in_multi_image_mix(root: Path) -> dict:
    dataset = nested(root, LOAD_ALL)
    return dict(type='MultiImageMixDataset', dataset=dataset, pipeline=[MIX, *PACK])


def unmixed(root: Path) -> dict:
    return nested(root, [*LOAD_ALL, dict(type='PackDetInputs')])


@functools.lru_cache(maxsize=None)  # reading mmdet's config takes a while
def fcos(root: Path) -> Config:
    return tiny_config('baseline_fcos_voc', root, root)


def config(
    root: Path, work_dir: Path, dataset: dict, stop: Optional[dict], **overrides
) -> Config:
    """Two epochs of a thin FCOS, of six batches of two images each."""
    cfg = fcos(root).copy()
    cfg.work_dir = str(work_dir)
    cfg.visualizer.name = f'stop_mixing in {work_dir}'
    cfg.model = dict(type='LossMixDetector', detector=cfg.model, weighting='image')
    cfg.model.detector.bbox_head.stacked_convs = 1
    cfg.train_dataloader = dict(
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dataset,
        num_workers=0,
    )
    cfg.custom_hooks = [dict(type='RecordBatches', pipeline=LOAD, wait=0.06)]
    if stop is not None:
        cfg.custom_hooks.insert(0, dict(type='StopMixingHook', **stop))
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=EPOCHS)
    cfg.default_hooks.checkpoint.update(interval=1000, save_last=False)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.merge_from_dict(overrides)
    return cfg


def iterations(save_every: int = 1000, num_workers: int = WORKERS) -> dict:
    """Overrides for an iteration-based run with persistent workers."""
    return iteration_based(ITERS, save_every, num_workers=num_workers)


def start(cfg: Config, resume_from: Optional[Path] = None) -> Runner:
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
        if not isinstance(runner._train_loop, dict):
            end_workers(runner)
    return runner


def train(cfg: Config, resume_from: Optional[Path] = None) -> List[RecordedBatch]:
    return start(cfg, resume_from).recorded_batches


def mixed(batches: List[RecordedBatch]) -> List[bool]:
    return [batch.mixed for batch in batches]


def order(cfg: Config) -> List[str]:
    """The images in the order of the sampler, by name, as without any hook."""
    loader = Runner.build_dataloader(cfg.train_dataloader, cfg.randomness.seed)
    names = []
    for epoch in range(EPOCHS):
        loader.sampler.set_epoch(epoch)
        for index in loader.sampler:
            names.append(loader.dataset.get_data_info(index)['img_path'])
    return names


def expected(before: int, last: int) -> List[bool]:
    return [True] * before + [False] * last


@pytest.mark.parametrize(
    'dataset', [in_random_choice, pytest.param(in_multi_image_mix, marks=SLOW)]
)
def test_last_epoch_is_unmixed_in_persistent_workers(voc_root, tmp_path, dataset):
    stop = dict(num_last_epochs=1)
    cfg = config(voc_root, tmp_path, dataset(voc_root), stop, **PERSISTENT)
    batches = train(cfg)
    # Caches are empty at first.
    assert mixed(batches)[3:] == expected(PER_EPOCH - 3, PER_EPOCH)
    assert [path for batch in batches for path in batch.paths] == order(cfg)


def test_last_iterations_are_unmixed_and_no_others(voc_root, tmp_path):
    """Workers that have loaded all they were asked for are told exactly in time."""
    stop, dataset = dict(num_last_iters=LAST), in_multi_image_mix(voc_root)
    cfg = config(voc_root, tmp_path, dataset, stop, **iterations())
    assert mixed(train(cfg)) == expected(ITERS - LAST, LAST)


@pytest.mark.slow
def test_last_iterations_of_epochs_whatever_the_workers_do(voc_root, tmp_path):
    """Unhurried workers, not waited for: they may stop a few batches early."""
    number = PER_EPOCH + 2  # from within an epoch on
    overrides = {**PERSISTENT, 'custom_hooks.1.wait': 0, 'train_cfg.max_epochs': 3}
    stop, dataset = dict(num_last_iters=number), in_multi_image_mix(voc_root)
    batches = mixed(train(config(voc_root, tmp_path, dataset, stop, **overrides)))
    assert not any(batches[-number:])
    assert all(batches[: -number - AHEAD - 1])


@pytest.mark.parametrize(
    ('stop', 'last'),
    [
        pytest.param(dict(num_last_epochs=1), PER_EPOCH, marks=SLOW),
        (dict(num_last_iters=LAST), LAST),
    ],
)
def test_batch_augments_stop_exactly(voc_root, tmp_path, stop, last):
    cfg = config(voc_root, tmp_path, unmixed(voc_root), stop, **ON_DEVICE)
    assert mixed(train(cfg)) == expected(EPOCHS * PER_EPOCH - last, last)


def test_resumed_iterations(voc_root, tmp_path):
    """From before the switch, when workers load ahead of it; and from after it."""
    stop, dataset = dict(num_last_iters=LAST), in_multi_image_mix(voc_root)
    cfg = config(voc_root, tmp_path, dataset, stop, **iterations(save_every=4))
    train(cfg)
    before = mixed(train(cfg, tmp_path / 'iter_4.pth'))
    assert len(before) == ITERS - 4
    assert not any(before[-LAST:])
    assert mixed(train(cfg, tmp_path / 'iter_8.pth')) == expected(0, ITERS - 8)


@pytest.mark.slow
def test_resumed_before_workers_load_ahead_of_the_switch(voc_root, tmp_path):
    stop, dataset = dict(num_last_iters=LAST), in_multi_image_mix(voc_root)
    cfg = config(voc_root, tmp_path, dataset, stop, **iterations(save_every=1))
    train(cfg)
    resumed = mixed(train(cfg, tmp_path / 'iter_1.pth'))
    assert resumed == expected(ITERS - LAST - 1, LAST)


@pytest.mark.slow
@pytest.mark.parametrize('dataset', [in_pipeline, in_multi_image_mix])
def test_resumed_epochs(voc_root, tmp_path, dataset):
    overrides = {
        **PERSISTENT,
        'default_hooks.checkpoint.interval': 1,
        'train_cfg.max_epochs': 3,
    }
    stop = dict(num_last_epochs=1)
    cfg = config(voc_root, tmp_path, dataset(voc_root), stop, **overrides)
    train(cfg)
    resumed = mixed(train(cfg, tmp_path / 'epoch_1.pth'))
    assert resumed[3:] == expected(PER_EPOCH - 3, PER_EPOCH)
    assert mixed(train(cfg, tmp_path / 'epoch_2.pth')) == expected(0, PER_EPOCH)


@pytest.mark.slow
def test_command_that_is_resumed(voc_root, tmp_path):
    """`mim train mmdet CONFIG --resume`, which begins in the mixed part."""
    stop, dataset = dict(num_last_epochs=1), in_multi_image_mix(voc_root)
    overrides = {
        **PERSISTENT,
        'default_hooks.checkpoint.interval': 1,
        'custom_imports': dict(
            imports=['mmdet_lossmix', 'tests.helpers.recorded_batches']
        ),
        'custom_hooks.1.out': str(tmp_path / 'batches.json'),
        'train_cfg.max_epochs': 2,
    }
    cfg = config(voc_root, tmp_path, dataset, stop, **overrides)
    train(cfg.copy())
    # Longer by an epoch: what was the unmixed epoch is mixed in a run of three.
    cfg.train_cfg.max_epochs = 3
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))
    path = dump(cfg, tmp_path / 'config.py')
    command = [*mim('train', path, '--work-dir', tmp_path), '--resume']
    done = run(command, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert 'resumed epoch: 1' in done.stdout
    assert done.stdout.count('Mixing has stopped: the last 1 epochs') == 1
    batches = [
        RecordedBatch(*batch)
        for batch in json.loads((tmp_path / 'batches.json').read_text())
    ]
    assert mixed(batches) == expected(PER_EPOCH, PER_EPOCH)


@pytest.mark.slow
def test_spawned_workers(voc_root, tmp_path):
    """Workers that are sent the dataset, instead of being forked with it."""
    stop, dataset = dict(num_last_epochs=1), in_multi_image_mix(voc_root)
    overrides = {
        'train_dataloader': {
            **PERSISTENT['train_dataloader'],
            'multiprocessing_context': 'spawn',
        }
    }
    cfg = config(voc_root, tmp_path, dataset, stop, **overrides)
    assert mixed(train(cfg)) == expected(PER_EPOCH, PER_EPOCH)


@pytest.mark.slow
def test_beside_a_switched_pipeline_and_averaged_weights(voc_root, tmp_path):
    """PipelineSwitchHook puts a pipeline that mixes in place of a stopped one."""
    pipeline = [*LOAD_ALL, MIX, *PACK]
    dataset, stop = voc(voc_root, 'VOC2007', pipeline), dict(num_last_epochs=2)
    cfg = config(voc_root, tmp_path, dataset, stop, **PERSISTENT)
    cfg.train_cfg.max_epochs = 4
    cfg.custom_hooks += [
        dict(type='EMAHook'),
        dict(type='PipelineSwitchHook', switch_epoch=3, switch_pipeline=pipeline),
    ]
    batches = mixed(train(cfg))
    half = len(batches) // 2
    assert batches[3:half] == expected(half - 3, 0)
    assert batches[half:] == expected(0, half)


@pytest.mark.parametrize(
    ('stop', 'loop', 'message'),
    [
        (dict(num_last_epochs=1), iterations(num_workers=0), 'use StopMixingHook with'),
        (dict(num_last_iters=ITERS - 3), iterations(), 'at most the last 6 .* loaded'),
        pytest.param(
            dict(num_last_epochs=EPOCHS), {}, 'at most the last 1 epochs', marks=SLOW
        ),
    ],
)
def test_refuses_what_does_not_fit_the_loop(voc_root, tmp_path, stop, loop, message):
    cfg = config(voc_root, tmp_path, in_pipeline(voc_root), stop, **loop)
    with pytest.raises(ValueError, match=message):
        train(cfg)


@pytest.mark.parametrize(
    ('arguments', 'error'),
    [
        ({}, ValueError),
        (dict(num_last_epochs=1, num_last_iters=1), ValueError),
        (dict(num_last_epochs=0), ValueError),
        (dict(num_last_iters=-3), ValueError),
        (dict(num_last_iters=2.5), ValueError),
        (dict(num_last_epochs=True), TypeError),
        (dict(num_last_epochs='1'), TypeError),
    ],
)
def test_refuses_arguments(arguments, error):
    with pytest.raises(error, match='`num_last_'):
        HOOKS.build(dict(type='StopMixingHook', **arguments))


def log_of(work_dir: Path) -> str:
    (log,) = work_dir.glob('*/*.log')
    return log.read_text()


def test_warns_where_nothing_mixes(voc_root, tmp_path):
    stop = dict(num_last_epochs=1)
    cfg = config(voc_root, tmp_path, unmixed(voc_root), stop)
    cfg.model = cfg.model.detector
    cfg.train_dataloader.dataset = cfg.train_dataloader.dataset.dataset.datasets[0]
    cfg.train_dataloader.dataset.indices = 2
    train(cfg)
    assert log_of(tmp_path).count('found nothing to switch off') == 1
