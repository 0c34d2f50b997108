"""The config of a run: an ordinary one, complete, in one file."""

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
from mmdet_lossmix.datasets.walk import dicts_in
from synthetic_voc import LOOK

from . import parts
from .coco import use_coco
from .data_regime import insert_after
from .schema import as_list
from .settings import apply_settings
from .study import Run


def build_config(run: Run, data: Mapping[str, Any]) -> Config:
    """Build the config of a run.

    The data come first, then overrides, which speak of the plain detector's config,
    then the settings.

    Raises:
        FileNotFoundError: If there is no such config.
        KeyError: If an override speaks of a part that the config does not have.
        ValueError: If settings do not go together.
    """
    init_default_scope('mmdet')
    cfg = deepcopy(load_config(run.config))
    if not cfg.get('test_dataloader'):  # the user validates only
        cfg.update(
            {f'test_{key}': cfg[f'val_{key}'] for key in ('dataloader', 'evaluator')}
        )
        cfg.test_cfg = ConfigDict(type='TestLoop')
    if cfg.model.type == 'LossMixTeacher' and 'labelled_target' in cfg:
        # For analysis: these labels never reach the model.
        hook = dict(type='PseudoLabelQualityHook', truth=cfg.labelled_target)
        cfg.custom_hooks = [*cfg.custom_hooks, deepcopy(hook)]
    if 'coco' in data:
        use_coco(cfg, data['coco'])
    for key, value in run.overrides.items():
        before = override(cfg, key, run.config)
        # YAML has no tuples, and some transforms take nothing else.
        value = tuple(value) if isinstance(before, tuple) else deepcopy(value)
        cfg.merge_from_dict({key: value})
    apply_settings(cfg, run.settings)
    measure_ap(cfg)
    keep_last_checkpoints(cfg)
    register(cfg)
    return cfg


@lru_cache(maxsize=16)
def load_config(name: str) -> Config:
    """A config file, which many runs share; not to be modified.

    Args:
        name: A path from where one is or from where the project lies, or
            ``mmdet::...`` for a config that comes with mmdet.

    Raises:
        FileNotFoundError: If it is at neither place.
    """
    if '::' in name:  # of another package, as only `_base_` finds it
        return Config.fromstring(f'_base_ = {name!r}\n', '.py')
    places = [Path(name), shipped('configs').parent / name]
    for place in places:
        if place.is_file():
            return Config.fromfile(place)
    raise FileNotFoundError(
        '`config` of a study is a path with the ending .py, or mmdet::FOLDER/NAME.py; '
        f'there is neither {places[0].absolute()} nor {places[1]}'
    )


def override(cfg: Config, key: str, config: str) -> Any:
    """The value that an override replaces; None if there is none.

    Raises:
        KeyError: If it speaks of a part that the config does not have.
    """
    node: Any = cfg
    *parents, last = key.split('.')
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
                f'Correct the override {key} of {config}: there is no {part!r} in '
                f'{place}, which has {", ".join(map(str, node))}.'
            )
    return node.get(last) if hasattr(node, 'get') else None


def measure_ap(cfg: Config) -> None:
    """Have AP, AP50, AP75, of each class and of small, medium and large objects.

    A metric that reads its annotations from a file (COCO) stays and gets classes; any
    other, VOC's for one, gives way to COCO's on the ground truth that the data set
    loads, whose difficult objects count as crowds, so neither for nor against.
    """
    for split in ('val', 'test'):
        metrics = as_list(cfg[f'{split}_evaluator'])
        of_coco = [metric for metric in metrics if metric.get('ann_file')]
        for metric in of_coco:  # which may write files for a server instead
            metric.update(classwise=True, format_only=False)
            kinds = as_list(metric.get('metric', 'bbox'))
            if len(kinds) > 1:  # APs of classes do not name theirs: the last one's stay
                metric.metric = sorted(kinds, key='bbox'.__eq__)
        if of_coco:
            continue
        metric = ConfigDict(type='CocoMetric', metric='bbox', classwise=True)
        cfg[f'{split}_evaluator'] = metric
        for step in dicts_in(cfg[f'{split}_dataloader']):
            if step.get('type') == 'PackDetInputs':
                keys = step.get('meta_keys', ('img_id', 'img_path', 'ori_shape'))
                step['meta_keys'] = tuple(dict.fromkeys((*keys, 'instances')))


def keep_last_checkpoints(cfg: Config) -> None:
    """The last checkpoint is tested; a kill while it is written leaves another one."""
    hooks = cfg.setdefault('default_hooks', ConfigDict())
    checkpoint = hooks.setdefault('checkpoint', ConfigDict(type='CheckpointHook'))
    checkpoint.pop('save_best', None)
    checkpoint.update(
        save_last=True, max_keep_ckpts=max(2, checkpoint.get('max_keep_ckpts', 2))
    )


def register(cfg: Config) -> None:
    """Let a config of anybody's import what our entries in it are registered by."""
    imports = list(cfg.get('custom_imports', {}).get('imports', []))
    needed = ['mmdet_lossmix']
    types = {str(node.get('type')) for node in dicts_in(cfg.to_dict())}
    if types & set(parts.__all__):
        needed.append('studies.parts')
    cfg.custom_imports = dict(
        imports=list(dict.fromkeys([*imports, *needed])), allow_failed_imports=False
    )


def corrupted(cfg: Config, corruption: str, severity: int) -> Config:
    """A copy of a config whose test images are corrupted, deterministically."""
    cfg = deepcopy(cfg)
    step = dict(type='CorruptTestImage', corruption=corruption, severity=severity)
    insert_after(cfg.test_dataloader, 'LoadImageFromFile', step)
    register(cfg)
    return cfg


def config_hash(cfg: Config, data: Mapping[str, Any]) -> str:
    """Ten digits that change with any value of a config, or of its generated data."""
    # Other images in the same folder do not show in a config.
    text = json.dumps([cfg.to_dict(), data, LOOK], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
