"""What the settings of a run do to a config."""

import pytest
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config

from mmdet_lossmix.datasets.walk import dicts_in
from studies.run_config import build_config, corrupted
from studies.study import Run
from tests.helpers import ROOT

THIN = str(ROOT / 'configs/studies/fcos_synthetic.py')
VOC = str(ROOT / 'configs/baseline_fcos_voc.py')
FCOS = 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py'


def config(path=THIN, overrides=None, **settings):
    return build_config(Run({}, str(path), settings, overrides or {}), {})


def steps(dataset):
    return [
        [step['type'] for step in node['pipeline']]
        for node in dicts_in(dataset)
        if 'pipeline' in node
    ]


def test_mixing_in_the_batch():
    cfg = config(strategy='lossmix', alpha=2, prob=0.5)
    assert cfg.model.type == 'LossMixDetector'
    assert (cfg.model.weighting, cfg.model.roi_sampling) == ('batch', 'per_target')
    (augment,) = cfg.model.data_preprocessor.batch_augments
    assert augment == dict(type='BatchLossMix', alpha=2.0, prob=0.5)
    MODELS.build(cfg.model)
    cfg = config(strategy='union')
    assert cfg.model.type == 'FCOS'
    assert cfg.model.data_preprocessor.batch_augments[0].type == 'BatchUnionMix'


@pytest.mark.parametrize('path', [THIN, VOC])
def test_mixing_in_the_pipeline(path):
    cfg = config(path, strategy='lossmix', mix_in='pipeline')
    assert cfg.model.weighting == 'image'
    for types in steps(cfg.train_dataloader.dataset):
        assert types[-2:] == ['LossMixTransform', 'PackLossMixInputs']
    cfg = config(path, strategy='noise', mix_in='pipeline')
    for types in steps(cfg.train_dataloader.dataset):
        assert types[-2:] == ['NoiseMixTransform', 'PackDetInputs']


def test_uncoupled():
    cfg = config(strategy='lossmix', coupling='half')
    (augment,) = cfg.model.data_preprocessor.batch_augments
    assert (augment.type, augment.loss_weight) == ('BatchUncoupledLossMix', 'half')
    with pytest.raises(ValueError, match='option of BatchUncoupledLossMix alone'):
        config(strategy='lossmix', coupling='half', mix_in='pipeline')


def test_cutmix_is_an_operator():
    cfg = config(strategy='union', operator='cutmix')
    (augment,) = cfg.model.data_preprocessor.batch_augments
    assert augment.operator == dict(type='CutMix')


@pytest.mark.parametrize('strategy', ['mmdet_mixup', 'mosaic'])
@pytest.mark.parametrize('path', [THIN, VOC])
def test_mixing_of_mmdet(path, strategy, voc_root):
    cfg = config(path, strategy=strategy)
    dataset = cfg.train_dataloader.dataset
    for node in dicts_in(dataset):
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
        dict(strategy='lossmix', mix_in='pipeline'),
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
    cfg = config(FCOS)
    assert cfg.test_evaluator.ann_file
    assert cfg.test_evaluator.classwise


def test_lists_of_yaml_stay_tuples_where_the_config_has_them():
    """mmcv refuses a list as the scale of a Resize."""
    scale = 'train_dataloader.dataset.datasets.0.pipeline.2.scale'
    cfg = config(overrides={scale: [64, 64], 'model.neck.in_channels': [1, 2]})
    assert cfg.train_dataloader.dataset.datasets[0].pipeline[2].scale == (64, 64)
    assert cfg.model.neck.in_channels == [1, 2]


def test_a_plain_config_of_anybody(tmp_path):
    """It imports what its entries need, and loses nothing of its own."""
    path = tmp_path / 'mine.py'
    path.write_text(
        "_base_ = 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py'\n"
        "custom_imports = dict(imports=['mmdet.models'], allow_failed_imports=False)\n"
        'model = dict(data_preprocessor=dict(batch_augments=[dict('
        "type='BatchFixedSizePad', size=(64, 64))]))\n"
        "load_from = 'start.pth'\n"
        'randomness = dict(deterministic=True)\n'
        "default_hooks = dict(checkpoint=dict(save_best='auto', save_last=False))\n"
        'test_dataloader = None\ntest_evaluator = dict(format_only=True)\n'
    )
    cfg = config(path, strategy='lossmix', label_noise=0.1, seed=2)
    names = ['mmdet.models', 'mmdet_lossmix', 'studies.parts']
    assert cfg.custom_imports.imports == names
    types = [augment.type for augment in cfg.model.data_preprocessor.batch_augments]
    assert types == ['BatchFixedSizePad', 'BatchLossMix']
    assert (cfg.model.type, cfg.model.detector) == ('LossMixDetector', 'FCOS')
    assert cfg.randomness == dict(deterministic=True, seed=2)
    assert cfg.load_from == 'start.pth'
    assert 'save_best' not in cfg.default_hooks.checkpoint
    assert cfg.default_hooks.checkpoint.save_last
    assert cfg.test_dataloader == cfg.val_dataloader
    assert cfg.test_evaluator == cfg.val_evaluator
    assert config(path).custom_imports.imports == names[:2]
    foggy = corrupted(config(path), 'fog', 2)
    assert foggy.custom_imports.imports == names


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
    for key in ('model', 'train_dataloader', 'train_cfg', 'val_cfg'):
        assert cfg[key] == plain[key]
    *hooks, analysis = cfg.custom_hooks
    assert hooks == plain.custom_hooks
    assert analysis.type == 'PseudoLabelQualityHook'
    assert analysis.truth == plain.labelled_target
    assert 'studies.parts' in cfg.custom_imports.imports
    with pytest.raises(ValueError, match='`strategy: none` with a LossMixTeacher'):
        config(str(path), strategy='lossmix')
    for wrong in (dict(data_fraction=0.5), dict(imbalance=10)):
        with pytest.raises(ValueError, match='a training set of one domain'):
            config(str(path), **wrong)


def test_a_config_that_mixes_already_is_refused():
    for name in ('lossmix_fcos_voc', 'union_fcos_voc'):
        with pytest.raises(ValueError, match='config of a plain detector'):
            config(ROOT / f'configs/{name}.py', strategy='union')
