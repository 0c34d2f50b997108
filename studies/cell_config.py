"""The config of a cell: an ordinary one, complete, in one file."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope

from mmdet_lossmix.__main__ import shipped
from synthetic_voc import LOOK

from .mixing import _datasets
from .settings import apply_settings
from .study import Cell

AP_METRIC = dict(type='CocoMetric', metric='bbox', classwise=True)


def build_config(cell: Cell) -> Config:
    """Build the config of a cell.

    Overrides speak of the plain detector's config and come first; then the settings.

    Raises:
        FileNotFoundError: If there is no such config.
        KeyError: If an override speaks of a part that the config does not have.
        ValueError: If settings do not go together.
    """
    init_default_scope('mmdet')
    cfg = deepcopy(load_config(find_config(cell.config)))
    for key in cell.overrides:
        _check_parent(cfg, key, cell.config)
    cfg.merge_from_dict(deepcopy(dict(cell.overrides)))
    apply_settings(cfg, cell.settings)
    measure_ap(cfg)
    # A run that is killed while it writes a checkpoint goes on from the one before.
    checkpoint = cfg.default_hooks.checkpoint
    checkpoint.pop('save_best', None)  # the last checkpoint is tested
    checkpoint.max_keep_ckpts = max(2, checkpoint.get('max_keep_ckpts', 2))
    return cfg


@lru_cache(maxsize=16)
def load_config(path: Path) -> Config:
    """A config file, which many cells share; not to be modified."""
    return Config.fromfile(path)


def find_config(name: str) -> Path:
    """A config's path, from where one is or from where the project lies.

    Raises:
        FileNotFoundError: If it is at neither place.
    """
    places = [Path(name), shipped('configs').parent / name]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f'Expected the config {name} but it is neither at {places[0].absolute()} nor '
        f'at {places[1]}; `config` of a study is a path with the ending .py.'
    )


def _check_parent(cfg: Config, key: str, config: str) -> None:
    node: Any = cfg
    *parents, _ = key.split('.')
    for depth, part in enumerate(parents):
        known = list(node) if isinstance(node, Mapping) else None
        inside = node is cfg or known is not None
        if isinstance(node, (list, tuple)) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif inside and part in node:
            node = node[part]
        else:
            place = '.'.join(parents[:depth]) or config
            raise KeyError(
                f'Expected the override {key} to speak of a part of {config} but there '
                f'is no {part!r} in {place}; it has {", ".join(map(str, node))}.'
            )


def measure_ap(cfg: Config) -> None:
    """Have AP, AP50, AP75, of each class and of small, medium and large objects.

    A metric that reads its annotations from a file (COCO) stays and gets classes; any
    other, VOC's for one, gives way to COCO's on the ground truth that the data set
    loads, whose difficult objects count as crowds, so neither for nor against.
    """
    for split in ('val', 'test'):
        metric = cfg[f'{split}_evaluator']
        if isinstance(metric, dict) and metric.get('ann_file'):
            metric['classwise'] = True
            continue
        cfg[f'{split}_evaluator'] = ConfigDict(AP_METRIC)
        for node in _datasets(cfg[f'{split}_dataloader'].dataset):
            for step in node.get('pipeline', []):
                if step['type'] == 'PackDetInputs':
                    keys = step.get('meta_keys', ('img_id', 'img_path', 'ori_shape'))
                    step['meta_keys'] = tuple(dict.fromkeys((*keys, 'instances')))


def corrupted(cfg: Config, corruption: str, severity: int) -> Config:
    """A copy of a config whose test images are corrupted, deterministically."""
    cfg = deepcopy(cfg)
    step = dict(type='CorruptTestImage', corruption=corruption, severity=severity)
    for node in _datasets(cfg.test_dataloader.dataset):
        types = [step['type'] for step in node.get('pipeline', [])]
        if 'LoadImageFromFile' in types:
            pipeline = list(node['pipeline'])
            pipeline.insert(types.index('LoadImageFromFile') + 1, step)
            node['pipeline'] = pipeline
    return cfg


def config_hash(cfg: Config, data: Mapping[str, Any]) -> str:
    """Ten digits that change with any value of a config, or of its generated data."""
    # Other images in the same folder do not show in a config.
    text = json.dumps([cfg.to_dict(), data, LOOK], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
