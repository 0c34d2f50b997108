"""Configs in which mixing goes wrong without a word are refused, naming the places."""

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmdet_lossmix.mixing import run_check
from mmdet_lossmix.mixing.run_check import check_config
from tests.helpers.tiny_configs import tiny_config

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
PACK, PACK_BOTH = dict(type='PackDetInputs'), dict(type='PackLossMixInputs')
LOSSMIX, UNION = dict(type='LossMixTransform'), dict(type='UnionMixTransform')
BATCH_LOSSMIX, BATCH_UNION = dict(type='BatchLossMix'), dict(type='BatchUnionMix')
MIXUP = dict(type='MixUp', img_scale=(64, 64))
BY_IMAGE = dict(weighting='image')


def dataset(*steps):
    return dict(type='VOCDataset', pipeline=[*LOAD, *steps])


def config(*steps, augments=(), model='LossMixDetector', train=None, **arguments):
    detector = dict(type='FCOS') if model == 'LossMixDetector' else None
    preprocessor = dict(type='DetDataPreprocessor', batch_augments=list(augments))
    return Config(
        dict(
            default_scope='mmdet',
            train_dataloader=dict(dataset=train or dataset(*steps)),
            model=dict(
                type=model,
                detector=detector,
                data_preprocessor=preprocessor,
                **arguments,
            ),
        )
    )


def nested(*steps, outer=None):
    concat = dict(type='ConcatDataset', datasets=[dataset(PACK), dataset(*steps)])
    wrapped = dict(type='RepeatDataset', times=2, dataset=concat)
    if outer is not None:
        wrapped = dict(type='MultiImageMixDataset', dataset=wrapped, pipeline=outer)
    return wrapped


def choice(*steps):
    return dict(type='RandomChoice', transforms=[[step] for step in steps])


def switching(cfg, *steps):
    hook = dict(type='PipelineSwitchHook', switch_epoch=1)
    cfg.custom_hooks = [dict(hook, switch_pipeline=[*LOAD, *steps])]
    return cfg


TRAIN = 'train_dataloader.dataset'
REFUSED = {
    'pipeline, then batch': (
        config(LOSSMIX, PACK_BOTH, augments=[BATCH_LOSSMIX], **BY_IMAGE),
        f'{TRAIN}.pipeline[2] or BatchLossMix at model.data_preprocessor',
    ),
    'twice in a pipeline': (
        config(LOSSMIX, LOSSMIX, PACK_BOTH, **BY_IMAGE),
        f'LossMixTransform at {TRAIN}.pipeline[2] or LossMixTransform at',
    ),
    'twice in a batch': (
        config(PACK, augments=[BATCH_LOSSMIX, BATCH_LOSSMIX]),
        'batch_augments[0] or BatchLossMix at model.data_preprocessor.batch_augments[1',
    ),
    'LossMix, then Union': (
        config(LOSSMIX, UNION, PACK_BOTH, **BY_IMAGE),
        'pipeline[2] or UnionMixTransform',
    ),
    'in the dataset and in its wrapper': (
        config(
            train=nested(LOSSMIX, outer=[LOSSMIX, PACK_BOTH]),
            **BY_IMAGE,
        ),
        f'{TRAIN}.dataset.dataset.datasets[1].pipeline[2] or LossMixTransform at '
        f'{TRAIN}.pipeline[0]',
    ),
    'one of two random branches': (
        config(choice(LOSSMIX, UNION), UNION, PACK_BOTH, **BY_IMAGE),
        'pipeline[2].transforms[0][0] or UnionMixTransform',
    ),
    'a plain detector, pipeline': (
        config(LOSSMIX, PACK_BOTH, model='RetinaNet'),
        "type='LossMixDetector'",
    ),
    'a plain detector, batch': (
        config(PACK, augments=[BATCH_LOSSMIX], model='RetinaNet'),
        'RetinaNet ignores the annotations',
    ),
    'a plain detector, deep in a nest': (
        config(train=nested(LOSSMIX, PACK_BOTH), model='FasterRCNN'),
        'datasets[1].pipeline[2]',
    ),
    'packing that drops partners': (
        config(LOSSMIX, PACK, **BY_IMAGE),
        f'Replace PackDetInputs at {TRAIN}.pipeline[3] by PackLossMixInputs',
    ),
    'objects are hidden after mixing': (
        config(
            LOSSMIX,
            dict(type='RandomErasing', n_patches=1, ratio=0.1),
            PACK_BOTH,
            **BY_IMAGE,
        ),
        f'Put RandomErasing at {TRAIN}.pipeline[3] before LossMixTransform',
    ),
    'mmdet mixes after LossMix': (
        config(LOSSMIX, MIXUP, PACK_BOTH, **BY_IMAGE),
        f'Put MixUp at {TRAIN}.pipeline[3] before LossMixTransform',
    ),
    'a hook switches to packing that drops partners': (
        switching(config(LOSSMIX, PACK_BOTH, **BY_IMAGE), LOSSMIX, PACK),
        'Replace PackDetInputs at custom_hooks[0].switch_pipeline[3] by PackLossMix',
    ),
    'a hook switches to a lambda for each image': (
        switching(config(PACK), LOSSMIX, PACK_BOTH),
        "weighting='image'",
    ),
    'a hook switches to mixing twice': (
        switching(
            config(PACK, augments=[BATCH_LOSSMIX], **BY_IMAGE), LOSSMIX, PACK_BOTH
        ),
        'LossMixTransform at custom_hooks[0].switch_pipeline[2] or BatchLossMix at',
    ),
    'a lambda for each image, one for the batch': (
        config(LOSSMIX, PACK_BOTH),
        "weighting='image'",
    ),
    'validation': (
        Config(dict(val_dataloader=dict(dataset=dataset(UNION, PACK)), model=None)),
        'UnionMixTransform at val_dataloader.dataset.pipeline[2]',
    ),
    'test': (
        Config(dict(test_dataloader=dict(dataset=nested(LOSSMIX, PACK)), model=None)),
        'test_dataloader.dataset.dataset.datasets[1].pipeline[2]',
    ),
    'a branch of the teacher': (
        config(
            dict(
                type='MultiBranch',
                branch_field=['sup', 'unsup_student'],
                unsup_student=[UNION, PACK],
            ),
            model='LossMixTeacher',
        ),
        'pipeline[2].unsup_student[0]',
    ),
}
ACCEPTED = {
    'a hook switches to an unmixed pipeline': switching(
        config(LOSSMIX, PACK_BOTH, **BY_IMAGE), PACK
    ),
    'a hook that changes nothing in a nest': switching(
        config(train=nested(LOSSMIX, PACK_BOTH), **BY_IMAGE), LOSSMIX, PACK
    ),
    'pipeline': config(LOSSMIX, PACK_BOTH, **BY_IMAGE),
    'batch': config(PACK, augments=[BATCH_LOSSMIX]),
    'Union, then LossMix': config(UNION, LOSSMIX, PACK_BOTH, **BY_IMAGE),
    'Union in the pipeline, LossMix of the batch': config(
        UNION, PACK, augments=[BATCH_LOSSMIX]
    ),
    'Union for a plain detector': config(UNION, PACK, model='RetinaNet'),
    'Union of a batch': config(PACK, augments=[BATCH_UNION], model='RetinaNet'),
    'either of two': config(choice(LOSSMIX, UNION), PACK_BOTH, **BY_IMAGE),
    'a nest': config(train=nested(LOSSMIX, PACK_BOTH), **BY_IMAGE),
    'nothing mixes': config(PACK, model='RetinaNet'),
    'no model': Config(dict(train_dataloader=dict(dataset=dataset(PACK)))),
}


@pytest.mark.parametrize('name', REFUSED)
def test_refused(name):
    cfg, words = REFUSED[name]
    with pytest.raises(ValueError, match=r'Remove|Replace|Wrap|Set|Put') as error:
        check_config(cfg)
    assert words in str(error.value)


@pytest.mark.parametrize('name', ACCEPTED)
def test_accepted(name):
    check_config(ACCEPTED[name])


@pytest.mark.parametrize('mixing', ['pipeline', 'batch'])
def test_a_real_run_stops_before_its_first_step(
    mixing, voc_root, tmp_path, monkeypatch
):
    cfg = tiny_config('baseline_fcos_voc', voc_root, tmp_path)
    if mixing == 'batch':
        cfg.model.data_preprocessor.batch_augments = [BATCH_LOSSMIX]
    else:
        for part in cfg.train_dataloader.dataset.dataset.datasets:
            part.pipeline[-1:] = [LOSSMIX, PACK_BOTH]
    cfg.train_dataloader.num_workers = 1
    runner = Runner.from_cfg(cfg)
    monkeypatch.setattr(
        type(runner.model), 'loss', lambda *_: pytest.fail('a step was made')
    )
    with pytest.raises(ValueError, match=r'Wrap the detector.*LossMixDetector'):
        runner.train()


@pytest.mark.parametrize('mixing', ['pipeline', 'batch'])
@pytest.mark.parametrize('kind', ['MixUp', 'CachedMixUp'])
def test_mmdets_own_mixing_beside_ours_is_named(kind, mixing, monkeypatch):
    """Both work together, but a reader of the config should know."""
    other = dict(type=kind, img_scale=(64, 64))
    cfg = config(other, PACK, augments=[BATCH_LOSSMIX])
    place = 'BatchLossMix at model.data_preprocessor.batch_augments[0]'
    if mixing == 'pipeline':
        cfg = config(
            train=nested(PACK, outer=[other, LOSSMIX, PACK_BOTH]), weighting='image'
        )
        place = f'LossMixTransform at {TRAIN}.pipeline[1]'
    messages = warnings_of(cfg, monkeypatch)
    assert len(messages) == 1
    assert f'Both {kind} at {TRAIN}.pipeline[' in messages[0]
    assert place in messages[0]


@pytest.mark.parametrize('name', ACCEPTED)
def test_mixing_of_one_kind_warns_of_nothing(name, monkeypatch):
    assert not warnings_of(ACCEPTED[name], monkeypatch)


def test_mmdets_mixing_alone_warns_of_nothing(monkeypatch):
    cfg = config(MIXUP, PACK, model='RetinaNet')
    assert not warnings_of(cfg, monkeypatch)


def warnings_of(cfg, monkeypatch):
    """What the check of a run with this config says."""
    messages = []
    monkeypatch.setattr(run_check, 'print_log', lambda text, **_: messages.append(text))
    run_check.warn_of_other_mixing(cfg)
    return messages
