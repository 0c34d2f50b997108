"""mmengine's pure-Python style, in which mmdet's bases import the types they name."""

import json
from pathlib import Path
from pprint import pformat

from mmdet import registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import Runner

from mmdet_lossmix.hooks import RuntimeInfoHook
from tests.helpers import ROOT
from tests.helpers.tiny_coco import write_coco
from tests.helpers.tiny_configs import load_config, tiny_config

PURE, TEXT = 'lossmix_retinanet_coco_pure_python', 'lossmix_retinanet_coco'
REGISTRIES = [
    r for r in vars(registry).values() if isinstance(r, Registry) and r.scope == 'mmdet'
]
# What mmdet's bases of this style name by a string as well.
STRINGS = ('norm_cfg', 'init_cfg', 'nms')


class Name(str):
    """Printed without quotes."""

    def __repr__(self):
        return str(self)


def imported(node, imports, key=None):
    """The config with classes for types; ``imports`` gets the lines that they need."""
    if isinstance(node, (list, tuple)):
        return type(node)(imported(child, imports, key) for child in node)
    if not isinstance(node, dict):
        return node
    new = {k: imported(v, imports, k) for k, v in node.items() if k != '_scope_'}
    if isinstance(new.get('type'), str) and key not in STRINGS:
        (class_,) = {r.get(new['type']) for r in REGISTRIES} - {None}
        imports.add(f'from {class_.__module__} import {class_.__name__}')
        new['type'] = Name(class_.__name__)
    return new


def named(node):
    """The config with the names of classes, whichever style it is in."""
    if isinstance(node, (list, tuple)):
        return [named(child) for child in node]
    if isinstance(node, dict):
        return {key: named(child) for key, child in node.items()}
    return node.__name__ if isinstance(node, type) else node


def test_shipped_config_is_the_text_config():
    pure, text = load_config(PURE), load_config(TEXT)
    assert named(pure.model) == named(text.model)
    for key in set(text) - {'model', 'custom_hooks', 'custom_imports'}:
        assert pure[key] == text[key]


def test_delta_trains_on_a_base_of_classes(tmp_path):
    tiny = tiny_config(
        'baseline_retinanet_coco', write_coco(tmp_path / 'coco'), tmp_path / 'run'
    ).to_dict()
    tiny['train_cfg']['max_epochs'] = 1
    tiny['model']['test_cfg']['score_thr'] = 0.0
    for key in ('custom_imports', 'custom_hooks'):
        del tiny[key]  # a base of mmdet has none
    tiny['default_scope'] = None  # as in mmdet's bases of this style
    imports = set()
    lines = [f'{k} = {pformat(v)}' for k, v in imported(tiny, imports).items()]
    (tmp_path / 'base.py').write_text('\n'.join([*sorted(imports), *lines]))
    delta = (ROOT / f'configs/{PURE}.py').read_text()
    ours = 'from ._base_.retinanet_r50_fpn_1x_coco_pure_python import'
    assert ours in delta
    (tmp_path / 'delta.py').write_text(delta.replace(ours, 'from .base import'))

    cfg = Config.fromfile(tmp_path / 'delta.py', format_python_code=False)
    assert cfg.model.detector.__name__ == 'RetinaNet'
    runner = Runner.from_cfg(cfg)
    assert [hook for hook in runner.hooks if type(hook) is RuntimeInfoHook]
    runner.train()
    file = Path(runner.log_dir) / 'vis_data' / 'scalars.json'
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert sum('loss_bbox' in row for row in rows) == runner.iter >= 2
    assert any('coco/bbox_mAP' in row for row in rows)
