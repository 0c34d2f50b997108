"""Any model config of mmdet, made small enough for a step in a second on one CPU."""

from pathlib import Path
from typing import Any

import mmdet

from tests.helpers.thin import dicts_in

MMDET = Path(mmdet.__file__).parent / '.mim'
COUNTS = {'num_queries': 50, 'num_proposals': 50}
# What widths of a ResNet, and of necks and heads on top of a backbone, are divided by.
RESNET_DIVISOR = 8
HEAD_DIVISOR = 4
BACKBONES = {
    'ResNet': dict(base_channels=64 // RESNET_DIVISOR),
    'HourglassNet': dict(stage_channels=[64, 64, 96, 96, 96, 128], feat_channel=64),
}
WIDTHS = (
    'in_channels',
    'out_channels',
    'feat_channels',
    'conv_out_channels',
    'fc_out_channels',
    'proposal_feature_channel',
    'embed_dims',
    'num_feats',
    'feedforward_channels',
)


def localize(model: dict) -> None:
    """Ask for no process group, no download, no samples by the hundred; in place."""
    model['data_preprocessor'].pop('batch_augments', None)
    for node in dicts_in(model):
        if node.get('type') == 'SyncBN':
            node['type'] = 'BN'
        if isinstance(node.get('init_cfg'), dict) and 'checkpoint' in node['init_cfg']:
            node['init_cfg'] = None
        if 'Sampler' in str(node.get('type')) and 'num' in node:
            node['num'] = min(node['num'], 32)
        if isinstance(node.get('teacher_config'), str):  # relative to the repository
            node['teacher_config'] = str(MMDET / node['teacher_config'])
        for key in ('teacher_ckpt', 'pretrained'):
            if key in node:
                node[key] = None
        for key, count in COUNTS.items():
            if isinstance(node.get(key), int):
                node[key] = min(node[key], count)


def thin_out(model: dict) -> None:
    """Divide widths, in place, if the backbone is one that can be thin."""
    backbone = model['backbone']
    if backbone['type'] not in BACKBONES:
        return
    backbone.update(BACKBONES[backbone['type']])
    if 'decoder' in model:
        model['bbox_head'].setdefault('embed_dims', 256)  # to be divided below
    for node in dicts_in([part for key, part in model.items() if key != 'backbone']):
        for key in WIDTHS:
            width: Any = node.get(key)
            if isinstance(width, int) and width >= 128:
                node[key] = width // HEAD_DIVISOR
    if backbone['type'] == 'ResNet':
        _follow_backbone(model)


def _follow_backbone(model: dict) -> None:
    """Divide the widths of what a ResNet feeds: the (first) neck, or else the heads."""
    neck = model.get('neck')
    neck = neck[0] if isinstance(neck, list) else neck
    for node in [neck] if neck else dicts_in(model):
        width: Any = node.get('in_channels')
        if isinstance(width, (list, tuple)):
            node['in_channels'] = [x // RESNET_DIVISOR for x in width]
        elif isinstance(width, int) and neck:  # divided once already
            node['in_channels'] = width * HEAD_DIVISOR // RESNET_DIVISOR
