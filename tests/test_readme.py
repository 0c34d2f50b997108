"""The configs that pages show are configs, and mix."""

import re

import pytest
from mmdet.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdet_lossmix.mixing.run_check import check_config
from tests.helpers import ROOT

PAGES = (
    'README.md',
    'configs/README.md',
    'docs/index.md',
    'docs/transparency.md',
    'docs/your_data.md',
)
TEXT = '\n'.join((ROOT / page).read_text() for page in PAGES)
BLOCKS = re.findall(r'```python\n(.*?)```', TEXT, re.S)
CONFIGS = [
    block.replace("'_base_/", f"'{ROOT}/configs/_base_/")
    for block in BLOCKS
    if '_base_ =' in block
]


@pytest.mark.parametrize('config', CONFIGS, ids=range(len(CONFIGS)))
def test_their_configs_mix(config):
    init_default_scope('mmdet')
    cfg = Config.fromstring(config, '.py')
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


def test_they_show_configs():
    assert len(CONFIGS) == 9
