"""Every config of the project trains and evaluates, shrunk by overrides only."""

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest
from mmengine.runner import Runner

from mmdet_lossmix.datasets.walk import dicts_in
from tests.helpers import ROOT
from tests.helpers.tiny_coco import write_coco
from tests.helpers.tiny_configs import load_config, tiny_config
from tests.helpers.tiny_voc import write_bccd

AUGMENTS = dict(lossmix='BatchLossMix', union='BatchUnionMix', noise='BatchNoiseMix')
STRATEGIES = (*AUGMENTS, 'baseline')
# With all four strategies, on VOC and COCO.
DETECTORS = ('faster_rcnn', 'retinanet', 'fcos')
# On COCO with LossMix, and without.
MORE = (
    *('mask_rcnn', 'cascade_rcnn', 'atss', 'gfl'),
    *('rtmdet', 'yolox', 'deformable_detr', 'dino'),
)
VOC = [f'{s}_{d}_voc' for s in STRATEGIES for d in DETECTORS]
COCO = [
    *(f'{s}_{d}_coco' for s in STRATEGIES for d in DETECTORS),
    *(f'{s}_{d}_coco' for d in MORE for s in ('lossmix', 'baseline')),
]
CUTMIX = 'lossmix_cutmix_faster_rcnn_voc'
PURE_PYTHON = 'lossmix_retinanet_coco_pure_python'
BCCD = ['baseline_faster_rcnn_bccd', 'lossmix_faster_rcnn_bccd']
DEMOS = ['demo/lossmix_faster_rcnn_bccd', 'demo/lossmix_faster_rcnn_synthetic']
STUDIES = [f'studies/{d}_{data}' for d in DETECTORS for data in ('synthetic', 'bccd')]
PHOTOS = [f'studies/{d}_photos' for d in DETECTORS]  # test_efficientnet_lite.py
HELD_OUT = [f'studies/{d}_photos_held_out' for d in ('fcos', 'faster_rcnn')]
MASKS = ['studies/mask_rcnn_synthetic']  # test_masks.py; those above: test_subsets.py
ALL = [*VOC, *COCO, CUTMIX, PURE_PYTHON, *BCCD, *DEMOS, *STUDIES]
FAST = (*VOC, 'studies/faster_rcnn_bccd', 'studies/fcos_synthetic')
PHOTOGRAPHS = ROOT / 'data' / 'bccd'


@pytest.fixture(scope='module')
def roots(voc_root, tmp_path_factory):
    """Generated data in each format, by the word that ends a config's name."""
    folder = tmp_path_factory.mktemp('data')
    return dict(
        voc=voc_root,
        synthetic=voc_root,
        coco=write_coco(folder / 'coco'),
        bccd=write_bccd(folder / 'bccd'),
    )


def test_every_config_is_here():
    files = [p for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts]
    names = [str(p.relative_to(ROOT / 'configs').with_suffix('')) for p in files]
    elsewhere = [n for n in names if n.startswith('uda/')]  # test_uda_configs.py
    assert sorted(set(names) - set(elsewhere)) == sorted(
        [*ALL, *PHOTOS, *HELD_OUT, *MASKS]
    )


def run_shortly(name, roots, work_dir):
    """Train for an epoch of a few images, or two if something ends before the last."""
    data = name.replace('_pure_python', '').rpartition('_')[-1]
    cfg = tiny_config(name, roots[data], work_dir)
    epochs = 1
    for hook, number in (
        ('StopMixingHook', dict(num_last_epochs=1)),
        ('PipelineSwitchHook', dict(switch_epoch=1)),
        ('YOLOXModeSwitchHook', dict(num_last_epochs=0)),  # it counts one more
    ):
        for given in cfg.custom_hooks:
            if given.type == hook:
                given.update(number)
                epochs = 2
    if 'max_iters' in cfg.train_cfg:
        cfg.train_cfg.update(max_iters=2, val_interval=2)
    else:
        cfg.train_cfg.update(max_epochs=epochs, val_interval=epochs)
    for node in dicts_in(cfg.model):
        if 'score_thr' in node:  # nothing to evaluate otherwise, after two iterations
            node.score_thr = 0.0
        if 'max_per_img' in node:
            node.max_per_img = min(node.max_per_img, 20)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def check_run(runner):
    rows = read_scalars(runner)
    losses = [row['loss'] for row in rows if 'loss' in row]
    assert len(losses) == runner.iter >= 2
    assert all(0 < loss < 1000 for loss in losses)
    boxes = [v for row in rows for k, v in row.items() if 'loss_bbox' in k]
    assert any(loss > 0 for loss in boxes)  # there were objects to learn from
    (metrics,) = (row for row in rows if any(k.endswith('mAP') for k in row))
    assert all(value >= -1 for value in metrics.values())
    return metrics


@pytest.mark.parametrize(
    'name',
    [
        name
        if name in FAST or name.startswith(('lossmix', 'demo'))
        else pytest.param(name, marks=pytest.mark.slow)
        for name in ALL
    ],
)
def test_config_trains_and_evaluates(name, roots, tmp_path):
    runner = run_shortly(name, roots, tmp_path)
    metrics = check_run(runner)
    assert ('coco/segm_mAP' in metrics) == ('mask_rcnn' in name)
    if any(type(hook).__name__ == 'StopMixingHook' for hook in runner.hooks):
        assert not runner.model.mixing
    elif 'lossmix' in name:
        assert runner.model.mixing
    if 'yolox' in name:  # its hook has found its way through the wrapper
        assert runner.model.bbox_head.use_l1


@pytest.mark.parametrize('name', [n for n in [*VOC, *COCO] if 'baseline' not in n])
def test_config_is_its_baseline_but_for_the_mixing(name):
    strategy, detector = name.split('_', 1)
    cfg, base = load_config(name), load_config(f'baseline_{detector}')
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'val_evaluator'):
        assert cfg[key] == base[key]
    assert cfg.custom_hooks[: len(base.custom_hooks)] == base.custom_hooks
    expected = base.model
    if strategy == 'lossmix':
        expected = {**expected, 'type': 'LossMixDetector', 'detector': expected.type}
    assert without_augments(cfg.model) == without_augments(expected)
    own = base.model.data_preprocessor.get('batch_augments') or []
    given = cfg.model.data_preprocessor.batch_augments
    assert given[:-1] == own
    assert given[-1].type == AUGMENTS[strategy]
    # mmdet's own mixing gives way to ours.
    loaders = deepcopy([cfg.train_dataloader, base.train_dataloader])
    for node in dicts_in(loaders):
        node.pop('_scope_', None)  # mmdet's, of what comes from its file
        if strategy == 'lossmix' and 'pipeline' in node:
            node['pipeline'] = [s for s in node['pipeline'] if 'MixUp' not in s['type']]
    assert loaders[0] == loaders[1]
    assert 'MixUp' not in str(cfg.train_dataloader)


def without_augments(model):
    preprocessor = {**model['data_preprocessor'], 'batch_augments': None}
    return {**model, 'data_preprocessor': preprocessor}


@pytest.mark.parametrize(
    'name',
    [
        *('baseline_faster_rcnn_voc', 'baseline_retinanet_voc'),
        *(n for n in COCO if n.startswith('baseline')),
    ],
)
def test_baseline_is_the_config_of_mmdet(name):
    (base,) = re.findall("mmdet::[^']+", (ROOT / f'configs/{name}.py').read_text())
    cfg, base = load_config(name), load_config(base)
    ours = {'custom_imports', 'custom_hooks', 'randomness'}
    assert set(cfg) - set(base) <= ours
    assert all(cfg[key] == base[key] for key in set(base) - ours)
    assert cfg.custom_hooks[:-1] == base.get('custom_hooks', [])


@pytest.mark.parametrize('name', ['rtmdet', 'yolox'])
def test_mixing_takes_the_share_and_the_epochs_of_mmdets_mixup(name):
    cfg, base = (
        load_config(f'lossmix_{name}_coco'),
        load_config(f'baseline_{name}_coco'),
    )
    (mixup,) = (step for step in base.train_pipeline if 'MixUp' in step.type)
    lossmix = cfg.model.data_preprocessor.batch_augments[-1]
    assert lossmix.get('prob', 1.0) == mixup.get('prob', 1.0)
    hooks = {hook.type: hook for hook in cfg.custom_hooks}
    first_unmixed = cfg.train_cfg.max_epochs - hooks['StopMixingHook'].num_last_epochs
    if name == 'rtmdet':
        assert first_unmixed == hooks['PipelineSwitchHook'].switch_epoch
    else:
        last = hooks['YOLOXModeSwitchHook'].num_last_epochs
        assert first_unmixed + 1 == cfg.train_cfg.max_epochs - last


def test_cutmix_config_is_the_lossmix_one_but_for_the_operator():
    cfg, base = load_config(CUTMIX), load_config('lossmix_faster_rcnn_voc')
    (augment,) = cfg.model.data_preprocessor.batch_augments
    assert augment.pop('operator') == dict(type='CutMix')
    assert cfg.to_dict() == base.to_dict()


@pytest.mark.parametrize(
    'name', [n for n in [*VOC, *COCO, CUTMIX] if 'baseline' not in n]
)
def test_configs_are_deltas_of_a_few_lines(name):
    lines = (ROOT / f'configs/{name}.py').read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.startswith('#')]
    replaces_mixup = 'rtmdet' in name or 'yolox' in name
    assert len(code) <= (18 if replaces_mixup else 6)


@pytest.mark.skipif(
    not PHOTOGRAPHS.exists(),
    reason='no data/bccd; docs/data.md says where people get it',
)
@pytest.mark.parametrize('strategy', ['lossmix', 'baseline'])
def test_bccd_trains_without_nan_in_its_log(strategy, tmp_path):
    splits = tmp_path / 'splits'
    splits.mkdir()
    # The two images with a box of no area are among them.
    train = 'BloodImage_00338 BloodImage_00343 BloodImage_00001 BloodImage_00003'
    (splits / 'train.txt').write_text('\n'.join(train.split()))
    (splits / 'val.txt').write_text('BloodImage_00338\nBloodImage_00001\n')
    cfg = tiny_config(f'{strategy}_faster_rcnn_bccd', PHOTOGRAPHS, tmp_path / 'run')
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
