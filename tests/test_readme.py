"""The configs that pages show are configs, and mix."""

import re
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdet_lossmix.mixing.run_check import check_config
from studies.study import read_study
from tests.helpers import ROOT
from tests.helpers.pages import PAGES
from tests.helpers.tiny_coco import OWN_NAMES, write_own_data
from tests.helpers.tiny_configs import tiny_config

PLAIN = 'configs/studies/fcos_synthetic.py'

TEXT = {
    str(page.relative_to(ROOT)): page.read_text(encoding='utf-8')
    for page in PAGES
    if page.name != 'uda.md'  # tests/test_uda/test_two_folders.py trains with it
}
CONFIGS = {
    f'{page}-{index}': block.replace("'_base_/", f"'{ROOT}/configs/_base_/")
    for page, text in TEXT.items()
    for index, block in enumerate(re.findall(r'```python\n(.*?)```', text, re.S))
    if '_base_ =' in block
}


PAGE = TEXT['docs/your_data.md']
OWN, SMALL = re.findall(r'```python\n(.*?)```', PAGE, re.S)[:2]


@pytest.mark.parametrize('name', CONFIGS)
def test_their_configs_mix(name, tmp_path):
    init_default_scope('mmdet')
    (tmp_path / 'your_config.py').write_text(OWN)
    block = CONFIGS[name].replace("'your_config.py'", f"'{tmp_path}/your_config.py'")
    cfg = Config.fromstring(block, '.py')
    model = cfg.model
    augments = model.data_preprocessor.get('batch_augments') or []
    built = [MODELS.build(augment) for augment in augments]
    built += [TRANSFORMS.build(step) for step in cfg.train_dataloader.dataset.pipeline]
    strategies = [x.strategy for x in built if hasattr(x, 'strategy')]
    assert [type(s) for s in strategies] == [type(strategies[0])]
    check_config(cfg)
    if 'detector' in model and augments:
        model.backbone.init_cfg = None
        assert 'BatchLossMix' in str(MODELS.build(model).data_preprocessor)


STUDIES = {
    f'{page}-{index}': block
    for page, text in TEXT.items()
    for index, block in enumerate(re.findall(r'```yaml\n(.*?)```', text, re.S))
}


@pytest.mark.parametrize('name', STUDIES)
def test_their_studies_are_studies(name, tmp_path):
    path = tmp_path / 'your_study.yml'
    path.write_text(STUDIES[name].replace('plain_config.py', f'{ROOT}/{PLAIN}'))
    assert len(list(read_study(path).runs())) > 5


def test_they_show_configs():
    assert len(STUDIES) >= 4
    assert len(CONFIGS) >= 9


def test_the_small_config_trains(tmp_path, monkeypatch):
    """As it stands, on the data of the page: nothing is frozen, tests are small."""
    monkeypatch.chdir(tmp_path)
    write_own_data(tmp_path / 'data/mine')
    Path('your_config.py').write_text(OWN)
    Path('small_config.py').write_text(SMALL)
    cfg = Config.fromfile('small_config.py')
    cfg.work_dir = 'run'
    runner = Runner.from_cfg(cfg)
    assert all(p.requires_grad for p in runner.model.parameters())
    runner.train()
    images = runner.val_dataloader.dataset[0]['inputs']
    assert max(images.shape) <= 320
    norms = [m for m in runner.model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms[0].running_mean.abs().max() > 0


def test_the_small_config_mixes_in_the_pipeline(tmp_path, monkeypatch):
    """A config that mixes there still does, with small images."""
    monkeypatch.chdir(tmp_path)
    mixed = next(block for block in CONFIGS.values() if 'PackLossMixInputs' in block)
    Path('your_config.py').write_text(mixed)
    Path('small_config.py').write_text(SMALL)
    steps = Config.fromfile('small_config.py').train_dataloader.dataset.pipeline
    assert [s.type for s in steps[-2:]] == ['LossMixTransform', 'PackLossMixInputs']
    assert {s.scale for s in steps if s.type == 'Resize'} == {(320, 240)}


def test_the_config_for_own_data_trains_and_evaluates(tmp_path):
    config = tmp_path / 'your_config.py'
    config.write_text(OWN)
    write_own_data(tmp_path / 'mine')
    cfg = tiny_config(
        str(config), tmp_path / 'mine', tmp_path / 'run', **{'train_cfg.max_epochs': 1}
    )
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 3
    assert any(name.endswith('bbox_mAP') for name in runner.message_hub.log_scalars)
    classes = runner.train_dataloader.dataset.metainfo['classes']
    assert classes == tuple(OWN_NAMES.values())
    assert len(runner.val_dataloader.dataset.metainfo['classes']) == 3
