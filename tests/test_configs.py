"""Every config of the project trains and evaluates, shrunk by overrides only."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from tiny import ROOT, tiny_config

AUGMENTS = dict(
    lossmix=['BatchLossMix'],
    union=['BatchUnionMix'],
    noise=['BatchNoiseMix'],
    baseline=[],
)
DETECTORS = ('faster_rcnn', 'retinanet', 'fcos')
VOC_CONFIGS = [f'{s}_{d}_voc' for s in AUGMENTS for d in DETECTORS]
CUTMIX_CONFIG = 'lossmix_cutmix_faster_rcnn_voc'
BCCD = ROOT / 'data' / 'bccd'


@pytest.mark.parametrize('name', [*VOC_CONFIGS, CUTMIX_CONFIG])
def test_voc_config_trains_and_evaluates(name, voc_root, tmp_path):
    cfg = tiny_config(name, voc_root, tmp_path)
    cfg.train_cfg.max_epochs = 1
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = read_scalars(runner)
    losses = [row['loss'] for row in scalars if 'loss' in row]
    assert len(losses) == len(runner.train_dataloader) >= 3
    assert all(loss == loss for loss in losses)
    assert any('pascal_voc/mAP' in row for row in scalars)


@pytest.mark.parametrize('name', VOC_CONFIGS)
def test_voc_config_is_the_mmdet_base_but_for_the_mixing(name):
    strategy, detector = name.split('_', 1)
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    base = Config.fromfile(ROOT / f'configs/baseline_{detector}.py')
    for key in ('optim_wrapper', 'param_scheduler', 'train_dataloader', 'train_cfg'):
        assert cfg[key] == base[key]
    if strategy == 'lossmix':
        assert cfg.model.type == 'LossMixDetector'
        assert cfg.model.detector == base.model
    given = [a.type for a in cfg.model.data_preprocessor.get('batch_augments', [])]
    assert given == AUGMENTS[strategy]


def test_cutmix_config_is_the_lossmix_one_but_for_the_operator():
    cfg = Config.fromfile(ROOT / f'configs/{CUTMIX_CONFIG}.py')
    base = Config.fromfile(ROOT / 'configs/lossmix_faster_rcnn_voc.py')
    (augment,) = cfg.model.data_preprocessor.batch_augments
    assert augment.pop('operator') == dict(type='CutMix')
    assert cfg.to_dict() == base.to_dict()


@pytest.mark.parametrize(
    'name', [*(n for n in VOC_CONFIGS if 'baseline' not in n), CUTMIX_CONFIG]
)
def test_configs_are_deltas_of_a_few_lines(name):
    lines = (ROOT / f'configs/{name}.py').read_text().splitlines()
    assert len(lines) <= 10


@pytest.mark.skipif(
    not BCCD.exists(), reason='no data/bccd; docs/data.md says where people get it'
)
@pytest.mark.parametrize('strategy', ['lossmix', 'baseline'])
def test_bccd_trains_without_nan_in_its_log(strategy, tmp_path):
    splits = tmp_path / 'splits'
    splits.mkdir()
    # The two images with a box of no area are among them.
    train = 'BloodImage_00338 BloodImage_00343 BloodImage_00001 BloodImage_00003'
    (splits / 'train.txt').write_text('\n'.join(train.split()))
    (splits / 'val.txt').write_text('BloodImage_00338\nBloodImage_00001\n')
    cfg = tiny_config(f'{strategy}_faster_rcnn_bccd', BCCD, tmp_path / 'run')
    cfg.train_cfg.max_epochs = 3
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset.dataset.ann_file = str(splits / 'train.txt')
    cfg.val_dataloader.dataset.ann_file = str(splits / 'val.txt')
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = read_scalars(runner)
    assert any('pascal_voc/AP50' in row for row in scalars)
    logs = ' '.join(p.read_text() for p in Path(cfg.work_dir).rglob('*.log')).lower()
    assert 'loss_bbox' in logs
    assert ': nan' not in logs
    assert not any(v != v for row in scalars for v in row.values())


def read_scalars(runner):
    file = Path(runner.log_dir) / 'vis_data' / 'scalars.json'
    return [json.loads(line) for line in file.read_text().splitlines()]
