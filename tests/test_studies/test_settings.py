"""What the settings of a cell do to a config."""

import pytest
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from studies.cell_config import build_config, corrupted, measure_ap
from studies.mixing import _datasets
from studies.study import Cell
from tests.helpers import ROOT

THIN = str(ROOT / 'configs/studies/fcos_synthetic.py')
VOC = str(ROOT / 'configs/baseline_fcos_voc.py')


def config(path=THIN, overrides=None, **settings):
    return build_config(Cell({}, path, settings, overrides or {}))


def steps(dataset):
    return [
        [step['type'] for step in node['pipeline']]
        for node in _datasets(dataset)
        if 'pipeline' in node
    ]


def test_batch_carrier():
    cfg = config(strategy='lossmix', alpha=2, prob=0.5)
    assert cfg.model.type == 'LossMixDetector'
    assert (cfg.model.weighting, cfg.model.roi_sampling) == ('batch', 'joint')
    (augment,) = cfg.model.detector.data_preprocessor.batch_augments
    assert augment == dict(type='BatchLossMix', alpha=2.0, prob=0.5)
    MODELS.build(cfg.model)
    cfg = config(strategy='union')
    assert cfg.model.type == 'FCOS'
    assert cfg.model.data_preprocessor.batch_augments[0].type == 'BatchUnionMix'


@pytest.mark.parametrize('path', [THIN, VOC])
def test_pipeline_carrier(path):
    cfg = config(path, strategy='lossmix', carrier='pipeline')
    assert cfg.model.weighting == 'image'
    for types in steps(cfg.train_dataloader.dataset):
        assert types[-2:] == ['LossMixTransform', 'PackLossMixInputs']
    cfg = config(path, strategy='noise', carrier='pipeline')
    for types in steps(cfg.train_dataloader.dataset):
        assert types[-2:] == ['NoiseMixTransform', 'PackDetInputs']


def test_uncoupled():
    cfg = config(strategy='lossmix', coupling='half')
    (augment,) = cfg.model.detector.data_preprocessor.batch_augments
    assert (augment.type, augment.loss_weight) == ('BatchUncoupledLossMix', 'half')
    with pytest.raises(ValueError, match='only BatchUncoupledLossMix has it'):
        config(strategy='lossmix', coupling='half', carrier='pipeline')


def test_cutmix_is_an_operator():
    cfg = config(strategy='union', operator='cutmix')
    (augment,) = cfg.model.data_preprocessor.batch_augments
    assert augment.operator == dict(type='CutMix')


@pytest.mark.parametrize('strategy', ['mmdet_mixup', 'mosaic'])
@pytest.mark.parametrize('path', [THIN, VOC])
def test_mixing_of_mmdet(path, strategy, voc_root):
    cfg = config(path, strategy=strategy)
    dataset = cfg.train_dataloader.dataset
    for node in _datasets(dataset):
        if 'data_root' in node:
            node.data_root = f'{voc_root}/'
    built = DATASETS.build(dataset)
    types = {'mmdet_mixup': 'MixUp', 'mosaic': 'Mosaic'}
    assert types[strategy] in steps(dataset)[0]
    (resize,) = [step for step in dataset.pipeline if step['type'] == 'Resize']
    sample = built[0]
    assert max(sample['inputs'].shape) <= max(resize['scale'])
    assert len(sample['data_samples'].gt_instances) > 0
    with pytest.raises(ValueError, match='it has no probability'):
        config(strategy='mmdet_mixup', prob=0.5)


@pytest.mark.parametrize(
    'settings',
    [
        dict(label_noise=0.4, noise_kinds=['wrong_class']),
        dict(imbalance=10),
        dict(data_fraction=0.5),
        dict(strategy='lossmix', carrier='pipeline'),
        dict(strategy='mosaic'),
    ],
)
@pytest.mark.parametrize('path', [THIN, VOC])
def test_evaluation_data_stay_as_they_are(path, settings):
    plain, changed = config(path), config(path, **settings)
    assert plain.train_dataloader != changed.train_dataloader
    for name in (
        'val_dataloader',
        'test_dataloader',
        'val_evaluator',
        'test_evaluator',
    ):
        assert plain[name] == changed[name]


def test_data_regime():
    cfg = config(VOC, data_fraction=0.25, imbalance=10, label_noise=0.2)
    repeat = cfg.train_dataloader.dataset
    assert (repeat.type, repeat.times) == ('RepeatDataset', 12)  # 3 / 0.25
    assert repeat.dataset.type == 'DataFraction'
    assert repeat.dataset.dataset.type == 'LongTailed'
    for types in steps(repeat):
        assert types[1:3] == ['LoadAnnotations', 'NoisyLabels']
    noise = repeat.dataset.dataset.dataset.datasets[0].pipeline[2]
    assert (noise.num_classes, noise.rate) == (20, 0.2)
    assert config(data_fraction=0.25).train_dataloader.dataset.type == 'DataFraction'
    bccd = str(ROOT / 'configs/studies/fcos_bccd.py')
    pipeline = config(bccd, label_noise=0.2).train_dataloader.dataset.pipeline
    assert pipeline[2].num_classes == 3


def test_stop_mixing():
    hooks = config(strategy='lossmix', stop_mixing=0.25).custom_hooks
    assert hooks[-1] == dict(type='StopMixingHook', num_last_iters=80)
    hooks = config(VOC, strategy='lossmix', stop_mixing=0.25).custom_hooks
    assert hooks[-1] == dict(type='StopMixingHook', num_last_epochs=1)
    assert 'StopMixingHook' not in str(config(stop_mixing=0.25).custom_hooks)


def test_ap_of_coco_on_any_data():
    cfg = config(VOC)
    assert cfg.test_evaluator == dict(type='CocoMetric', metric='bbox', classwise=True)
    assert 'instances' in cfg.test_dataloader.dataset.pipeline[-1].meta_keys
    assert cfg.default_hooks.checkpoint.max_keep_ckpts == 2
    init_default_scope('mmdet')
    base = 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py'
    coco = Config.fromstring(f'_base_ = {base!r}', '.py')
    measure_ap(coco)
    assert coco.test_evaluator.ann_file
    assert coco.test_evaluator.classwise


def test_corruption_of_the_test_images_alone():
    cfg = config()
    foggy, noisy = corrupted(cfg, 'fog', 2), corrupted(cfg, 'gaussian_noise', 2)
    assert foggy.train_dataloader == cfg.train_dataloader
    assert foggy.val_dataloader == cfg.val_dataloader
    for one, name in ((foggy, 'fog'), (noisy, 'gaussian_noise')):
        (types,) = steps(one.test_dataloader.dataset)
        assert types.count('CorruptTestImage') == 1
        step = one.test_dataloader.dataset.pipeline[1]
        assert step == dict(type='CorruptTestImage', corruption=name, severity=2)
    assert cfg.to_dict() == config().to_dict()


def test_domain_adaptation_passes_through():
    path = ROOT / 'configs/uda/demo_lossmix_fcos.py'
    plain, cfg = Config.fromfile(path), config(str(path), seed=3)
    assert cfg.randomness.seed == 3
    for key in ('model', 'train_dataloader', 'custom_hooks', 'train_cfg', 'val_cfg'):
        assert cfg[key] == plain[key]
    with pytest.raises(ValueError, match='`strategy: none` with a LossMixTeacher'):
        config(str(path), strategy='lossmix')
    for wrong in (dict(data_fraction=0.5), dict(imbalance=10)):
        with pytest.raises(ValueError, match='a training set of one domain'):
            config(str(path), **wrong)


def test_a_config_that_mixes_already_is_refused():
    with pytest.raises(ValueError, match='config of a plain detector'):
        config(str(ROOT / 'configs/lossmix_fcos_voc.py'), strategy='union')
