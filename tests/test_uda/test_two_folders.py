"""The config for two folders of docs/uda.md, run as a reader runs it."""

import re
import shutil
import sys

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from tests.helpers import ROOT
from tests.helpers.processes import mim, run
from tests.helpers.tiny_coco import write_own_data
from tests.helpers.tiny_uda import tiny_uda_config

PAGE = (ROOT / 'docs/uda.md').read_text(encoding='utf-8')
BLOCK = re.search(r'```python\n(.*?)```', PAGE, re.DOTALL).group(1)

SETS = 'train_dataloader.dataset.datasets'


@pytest.fixture
def place(tmp_path):
    """Where a reader is: configs, and data as the page has them."""
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    (tmp_path / 'configs/uda/your_config.py').write_text(BLOCK)
    mine = tmp_path / 'data/mine'
    mine.parent.mkdir()
    write_own_data(mine)
    (mine / 'train').rename(mine / 'photos')
    (mine / 'train.json').rename(mine / 'photos.json')
    (mine / 'drawings').mkdir()
    for picture in (mine / 'photos').iterdir():
        shutil.copy(picture, mine / 'drawings' / f'drawn_{picture.name}')
    return tmp_path


def thin(place, **overrides):
    """The config of the page as a file: thin, four iterations, the page's lines."""
    mine = place / 'data/mine'
    cfg = tiny_uda_config(
        f'{place}/configs/uda/your_config.py', mine, place / 'run', **overrides
    )
    del cfg.model['keep_rate']  # the page has `momentum`
    cfg.train_cfg.val_interval = 2
    cfg.default_hooks.checkpoint.interval = 2
    cfg.val_evaluator.ann_file = cfg.test_evaluator.ann_file = f'{mine}/val.json'
    path = place / 'thin.py'
    cfg.dump(path)
    return path


def test_it_is_short():
    lines = BLOCK.splitlines()
    assert len(lines) <= 12
    assert PAGE.index('## ') == PAGE.index('## Your two folders')
    assert PAGE.index(BLOCK) < PAGE.index('##', PAGE.index('## Your') + 5)


def test_it_adapts_validates_saves_and_loads_into_the_plain_config(place):
    config = thin(place)
    command = mim('train', config, '--work-dir', place / 'run')
    done = run(command, place)
    assert done.returncode == 0, done.stdout[-3000:]
    assert 'coco/bbox_mAP_50' in done.stdout
    assert list((place / 'run').glob('best_teacher_coco_bbox_mAP_50_iter_4.pth'))
    tool = [sys.executable, ROOT / 'tools/lossmix.py', 'export']
    out = place / 'teacher.pth'
    paths = [place / 'run/iter_4.pth', out, '--part', 'teacher']
    exported = run([*map(str, tool + paths)], place)
    assert exported.returncode == 0, exported.stdout
    init_default_scope('mmdet')
    cfg = Config.fromfile(config)
    assert cfg.model.get('warmup_mix') is None
    assert cfg.model.adaptation_mix.strategy == 'lossmix'
    plain = MODELS.build(cfg.model.detector)
    weights = torch.load(out, map_location='cpu')
    plain.load_state_dict(weights.get('state_dict', weights), strict=True)


@pytest.mark.parametrize(
    ('key', 'value', 'remedy'),
    [
        (f'{SETS}.0.metainfo.classes', ('cat', 'dgo', 'horse'), 'Spell'),
        (f'{SETS}.1.data_prefix.img', 'drawn/', 'Set `data_root`'),
        ('model.detector.roi_head.bbox_head.num_classes', 20, 'Set `num_classes=3`'),
        ('default_hooks.checkpoint.save_best', 'teacher/pascal_voc/AP50', 'Set `save_'),
    ],
)
def test_it_is_checked_before_the_first_step(key, value, remedy, place):
    cfg = Config.fromfile(thin(place, **{key: value}))
    with pytest.raises((ValueError, FileNotFoundError), match=remedy):
        Runner.from_cfg(cfg).train()
    assert 'Iter(train)' not in next((place / 'run').rglob('*.log')).read_text()
