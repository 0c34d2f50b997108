"""The ablation of domain adaptation: configs are small, and what they say they are."""

import json
import re
import shutil
import sys
from functools import lru_cache

import pytest
from mmdet.datasets import CityscapesDataset
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdet_lossmix.uda.checks import check_before_training
from tests.helpers import ROOT
from tests.helpers.thin_detectors import localize, thin_out
from tests.helpers.tiny_domains import write_domains
from tests.helpers.tiny_uda import tiny_uda_config

sys.path.insert(0, str(ROOT / 'tools'))

import check_data

pytestmark = pytest.mark.usefixtures('unformatted_configs')
UDA = ROOT / 'configs/uda'
VARIANTS = (
    'source_only',
    'strong_ema',
    'adaptive_teacher',
    'union',
    'noise',
    'lossmix_warmup',
    'lossmix_adaptation',
    'lossmix_intra',
    'lossmix_inter',
    'lossmix',
    'oracle',
)
FAMILY, DEMOS = '{}_faster_rcnn_clipart', ('demo_{}_faster_rcnn', 'demo_{}_fcos')
# Mixing in the burn-in, in the adaptation, and its share across domains, pseudo labels,
# discriminator.
ABLATION = {
    'source_only': (False, None, None, False, False),
    'strong_ema': (False, None, None, False, False),
    'adaptive_teacher': (False, None, None, True, True),
    'union': (False, 'union', 0.5, True, True),
    'noise': (False, 'noise', 0.5, True, True),
    'lossmix_warmup': (True, None, None, True, True),
    'lossmix_adaptation': (False, 'lossmix', 0.5, True, True),
    'lossmix_intra': (True, 'lossmix', 0.0, True, True),
    'lossmix_inter': (True, 'lossmix', 1.0, True, True),
    'lossmix': (True, 'lossmix', 0.5, True, True),
    'oracle': (False, None, None, False, False),
}


@lru_cache
def load(name):
    return Config.fromfile(UDA / f'{name}.py')


@pytest.mark.parametrize('variant', VARIANTS)
def test_variant_is_what_it_says(variant):
    path = UDA / f'{FAMILY.format(variant)}.py'
    cfg = Config.fromfile(path)
    model = cfg.model
    mix = model.adaptation_mix or {}
    assert (
        model.warmup_mix is not None,
        mix.get('strategy'),
        mix.get('inter_share'),
        model.pseudo_labels is not None,
        model.discriminator is not None,
    ) == ABLATION[variant]
    assert cfg.optim_wrapper.clip_grad.max_norm == 10
    if variant != 'lossmix':
        assert len(path.read_text().splitlines()) <= 8
    # Backbone, schedule and test are those of all of LossMix.
    top = load(FAMILY.format('lossmix'))
    assert model.detector == top.model.detector
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'val_dataloader'):
        assert cfg[key] == top[key]
    source, target = cfg.train_dataloader.dataset.datasets
    assert target == top.train_dataloader.dataset.datasets[1]
    strong = any(s.type == 'StrongAugment' for s in source.pipeline)
    assert strong == (variant != 'source_only')
    burns_in_for_ever = model.burn_in_iters == cfg.train_cfg.max_iters
    assert burns_in_for_ever == (variant == 'source_only')
    labelled_target = source.data_root == target.data_root
    assert labelled_target == (variant == 'oracle')


@pytest.mark.parametrize('demo', DEMOS)
@pytest.mark.parametrize(
    'variant', [variant for variant in VARIANTS if variant != 'lossmix']
)
def test_demo_has_the_same_variants(variant, demo):
    """To the letter, but for the name of the base."""
    ours = (UDA / f'{demo.format(variant)}.py').read_text()
    theirs = (UDA / f'{FAMILY.format(variant)}.py').read_text()
    base = theirs.split("_base_ = '")[1].split('_faster_rcnn')[0]
    assert ours == theirs.replace(FAMILY.format(base), demo.format(base))


@pytest.mark.parametrize(
    'name',
    [pytest.param('clipart', marks=pytest.mark.slow), 'watercolor', 'foggy_all'],
)
def test_full_size_models_build(name):
    cfg = Config.fromfile(UDA / f'lossmix_faster_rcnn_{name}.py')
    init_default_scope('mmdet')
    cfg.model.detector.backbone.depth = 18  # a quarter of the time
    cfg.model.detector.neck.in_channels = [64, 128, 256, 512]
    model = MODELS.build(cfg.model)
    classes = model.student.roi_head.bbox_head.num_classes
    source, target = cfg.train_dataloader.dataset.datasets
    assert classes == {'clipart': 20, 'watercolor': 6, 'foggy_all': 8}[name]
    assert 'ann_file' not in target or target.ann_file.endswith('train.txt')
    if name == 'watercolor':
        assert source.metainfo == cfg.val_dataloader.dataset.metainfo
        assert len(source.metainfo.classes) == classes
    assert cfg.test_dataloader == cfg.val_dataloader


@pytest.fixture(scope='module')
def domains(voc_root, tmp_path_factory):
    return write_domains(tmp_path_factory.mktemp('domains') / 'data', voc_root)


def is_fast(name):
    return name.startswith(('lossmix_faster_rcnn', 'demo_lossmix_f')) or name in (
        'demo_source_only_fcos',
        'oracle_faster_rcnn_clipart',
    )


@pytest.mark.parametrize(
    'name',
    [
        name if is_fast(name) else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted(path.stem for path in UDA.glob('*.py'))
        if not name.endswith('people_art')  # test_people_art.py
    ],
)
def test_config_adapts_and_evaluates(name, domains, voc_root, tmp_path):
    """An iteration of burn-in, one of adaptation, and a validation."""
    root = voc_root if name.startswith('demo') else domains
    cfg = tiny_uda_config(f'uda/{name}', root, tmp_path, 2, 1)
    cfg.train_cfg.val_interval = 2
    runner = Runner.from_cfg(cfg)
    runner.train()
    losses = runner.message_hub.get_scalar('train/loss')._log_history
    assert len(losses) == 2
    assert all(loss == loss for loss in losses)
    seen = runner.message_hub.log_scalars
    variant = re.sub('_faster_rcnn.*|_fcos', '', name.replace('demo_', ''))
    assert any('target_loss' in key for key in seen) == ABLATION[variant][3]
    assert runner.model.teacher_started == (variant != 'source_only')
    ap = 'coco/bbox_mAP_50' if 'foggy' in name else 'pascal_voc/AP50'
    for who in ('student', 'teacher')[: 1 + runner.model.teacher_started.item()]:
        assert 0 <= seen[f'val/{who}/{ap}'].current() <= 1


def test_lossmix_retinanet_runs(voc_root, tmp_path):
    """A detector that no config here names, by its config alone."""
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path, 2, 1)
    detector = Config.fromfile(ROOT / 'configs/baseline_retinanet_voc.py').model
    localize(detector)
    thin_out(detector, smallest=True)
    detector.test_cfg.update(score_thr=0.0, max_per_img=3)
    detector.bbox_head.num_classes = 5
    cfg.model.detector = detector
    runner = Runner.from_cfg(cfg)
    runner.train()
    seen = runner.message_hub.log_scalars
    assert 'train/target_loss_cls' in seen
    assert runner.model.teacher_started


def test_several_sources_and_several_folders(voc_root, tmp_path):
    """VOC2007 and VOC2012 are one domain, as docs/uda.md has it."""
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path, max_iters=1)
    domains = cfg.train_dataloader.dataset.datasets
    source, target = domains
    domains[0] = dict(
        type='ConcatDataset', ignore_keys=['dataset_type'], datasets=[source, source]
    )
    domains[1] = dict(type='ConcatDataset', datasets=[target, target])
    runner = Runner.from_cfg(cfg)
    check_before_training(runner, runner.model)
    runner.train()
    del cfg.train_dataloader.dataset['ignore_keys']
    runner = Runner.from_cfg(cfg)
    with pytest.raises(ValueError, match=r"ignore_keys.*'cumulative_sizes'.*outer"):
        check_before_training(runner, runner.model)


def test_check_data_names_what_is_missing(voc_root, tmp_path, monkeypatch, capsys):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/VOCdevkit').symlink_to(voc_root)
    config = str(UDA / 'lossmix_faster_rcnn_clipart.py')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['check_data.py', config])
    assert check_data.main() == 1
    lines = capsys.readouterr().out.splitlines()
    source = 'ok      train_dataloader: VOCDataset in data/VOCdevkit/, 6 images'
    assert any(line.startswith(source) for line in lines)
    (at,) = (i for i, line in enumerate(lines) if 'UnlabelledDataset' in line)
    assert lines[at].startswith('WRONG   train_dataloader: UnlabelledDataset in data/')
    assert 'data/clipart' in lines[at + 1]
    shutil.copytree(voc_root / 'VOC2007', tmp_path / 'data/clipart')
    lists = tmp_path / 'data/clipart/ImageSets/Main'
    (lists / 'trainval.txt').rename(lists / 'train.txt')
    assert check_data.main() == 0


def test_check_data_looks_into_folders_without_a_list(voc_root):
    init_default_scope('mmdet')
    target = dict(
        type='UnlabelledDataset',
        data_root=str(voc_root),
        data_prefix=dict(img='VOC2007/JPEGImages'),
        pattern='*.png',
    )
    assert "'*.png'" in check_data.check(target).problems[0]
    assert check_data.check({**target, 'pattern': '*'})[::2] == (10, [])
    both = {**target, 'pattern': ['*.jpg', '*.png']}
    assert "'*.png'" in check_data.check(both).problems[0]


def test_check_data_looks_for_the_images_of_cityscapes(tmp_path, voc_root):
    init_default_scope('mmdet')
    name = 'town/b_leftImg8bit.png'
    image = dict(id=1, file_name=name, height=60, width=80, segm_file='b.png')
    names = CityscapesDataset.METAINFO['classes']
    categories = [dict(id=i, name=name) for i, name in enumerate(names)]
    content = dict(images=[image], annotations=[], categories=categories)
    (tmp_path / 'val.json').write_text(json.dumps(content))
    (tmp_path / 'clear/town').mkdir(parents=True)
    clear = dict(
        type='CityscapesDataset',
        data_root=str(tmp_path),
        ann_file='val.json',
        data_prefix=dict(img='clear'),
    )
    assert name in check_data.check(clear).problems[0]
    picture = next((voc_root / 'VOC2007/JPEGImages').iterdir())
    shutil.copy(picture, tmp_path / 'clear' / name)
    assert check_data.check(clear)[::2] == (1, [])
    foggy = dict(clear, type='FoggyCityscapesDataset', betas=['0.01', '0.02'])
    fog = 'clear/town/b_leftImg8bit_foggy_beta_0.0'
    shutil.copy(picture, tmp_path / f'{fog}1.png')
    report = check_data.check(foggy)
    assert report.images == 2
    assert report.problems[0].startswith('1 of 2 images are missing')
    assert f'{fog}2.png' in report.problems[0]
