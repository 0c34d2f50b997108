"""The configs that pages show are configs, and mix."""

import re

import pytest
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


@pytest.mark.parametrize('name', CONFIGS)
def test_their_configs_mix(name):
    init_default_scope('mmdet')
    cfg = Config.fromstring(CONFIGS[name], '.py')
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


def test_the_config_for_own_data_trains_and_evaluates(tmp_path):
    page = (ROOT / 'docs/your_data.md').read_text()
    block = re.search(r'```python\n(.*?)```', page, re.S).group(1)
    config = tmp_path / 'your_config.py'
    config.write_text(block)
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
