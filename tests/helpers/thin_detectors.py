"""For tests and benchmarks: mmdet's own detectors, thin, plain and in the wrapper."""

import logging
from copy import deepcopy
from pathlib import Path
from typing import Any, Tuple

import mmdet
import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.registry import init_default_scope

from mmdet_lossmix.datasets.walk import dicts_in

MMDET = Path(mmdet.__file__).parent / '.mim'
DETECTORS = {
    'faster_rcnn': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'retinanet': 'retinanet/retinanet_r50_fpn_1x_coco.py',
    'fcos': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    'mask_rcnn': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'cascade_rcnn': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
}
CSP_DETECTORS = {
    'yolox': 'yolox/yolox_tiny_8xb8-300e_coco.py',
    'rtmdet': 'rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
}

BASE_CHANNELS = 8  # of a ResNet, instead of 64
RESNET_DIVISOR = 64 // BASE_CHANNELS
BACKBONES = {
    'ResNet': dict(base_channels=BASE_CHANNELS),
    'HourglassNet': dict(stage_channels=[64, 64, 96, 96, 96, 128], feat_channel=64),
}
# Widths of necks and heads on top of a backbone. Not thinner than 64, since GroupNorm
# has 32 groups and wants more than one value in each, also of a feature map of 1 x 1.
HEAD_DIVISOR = 4
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
SMALLEST = {**dict.fromkeys(WIDTHS, 64), 'num_feats': 32}
# The decoder of DINO encodes each reference point by 4 x 128 numbers.
SMALLEST_DINO = {**SMALLEST, 'embed_dims': 256, 'num_feats': 128, 'out_channels': 256}
NUM_QUERIES = 50
NUM_SAMPLES = 32  # RoIAlign is what takes time


def localize(model: dict) -> None:
    """Ask for no process group, no download, no samples by the hundred; in place."""
    for node in dicts_in(model):
        kind = str(node.get('type'))
        if kind == 'SyncBN':
            node['type'] = 'BN'
        if isinstance(node.get('init_cfg'), dict) and 'checkpoint' in node['init_cfg']:
            node['init_cfg'] = None
        if 'Sampler' in kind and 'num' in node:
            node['num'] = min(node['num'], NUM_SAMPLES)
        if isinstance(node.get('teacher_config'), str):  # relative to the repository
            node['teacher_config'] = str(MMDET / node['teacher_config'])
        for key in {'teacher_ckpt', 'pretrained'} & {*node}:
            node[key] = None
        for key in ('num_queries', 'num_proposals'):
            if isinstance(node.get(key), int):
                node[key] = min(node[key], NUM_QUERIES)


def thin_out(model: dict, smallest: bool = False) -> None:
    """Divide the widths of a model, in place, if its backbone is one that can be thin.

    Args:
        model (dict): Its config.
        smallest (bool): Whether to make it shallow as well: a ResNet-18, two layers of
            a transformer. Defaults to False.
    """
    backbone = model['backbone']
    if smallest and backbone['type'] in ('CSPDarknet', 'CSPNeXt'):
        _thin_out_csp(model)
    if backbone['type'] not in BACKBONES:
        return
    if 'decoder' in model:
        model['bbox_head'].setdefault('embed_dims', 256)  # to be divided below
    kind = model.get('detector', model['type'])  # beside a wrapper's arguments
    widths = SMALLEST_DINO if kind == 'DINO' else SMALLEST
    for node in dicts_in([part for key, part in model.items() if key != 'backbone']):
        for key in WIDTHS:
            width: Any = node.get(key)
            if isinstance(width, int) and smallest:
                node[key] = widths[key]
            elif isinstance(width, int) and width >= 128:
                node[key] = width // HEAD_DIVISOR
    if smallest:
        _make_shallow(model)
        return
    backbone.update(BACKBONES[backbone['type']])
    if backbone['type'] == 'ResNet':
        _follow_backbone(model)


def _make_shallow(model: dict) -> None:
    """A ResNet-18, and two layers of a transformer."""
    out_indices = model['backbone'].get('out_indices', (0, 1, 2, 3))
    model['backbone'] = dict(
        type='ResNet',
        depth=18,
        base_channels=BASE_CHANNELS,
        out_indices=out_indices,
        norm_cfg=dict(type='BN', requires_grad=True),
    )
    if 'neck' in model:
        model['neck']['in_channels'] = [BASE_CHANNELS * 2**i for i in out_indices]
    for part in {'encoder', 'decoder'} & {*model}:
        model[part]['num_layers'] = 2


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


def _thin_out_csp(model: dict) -> None:
    """YOLOX and RTMDet: their backbones are thin by arguments of theirs."""
    model['backbone'].update(widen_factor=0.125, deepen_factor=0.167)
    model['neck'].update(in_channels=[32, 64, 128], out_channels=32, num_csp_blocks=1)
    model['bbox_head'].update(in_channels=32, feat_channels=32)


def shipped_model_cfg(path: str) -> ConfigDict:
    """The model of one of mmdet's configs."""
    init_default_scope('mmdet')
    return get_config(f'mmdet::{path}').model


def thin_model_cfg(name: str) -> dict:
    """The model of a shipped config with a thin ResNet-18 and thin heads."""
    return smallest(DETECTORS[name])


def thin_csp_model_cfg(name: str) -> ConfigDict:
    """The thin model of YOLOX or RTMDet, to be used without a runner."""
    model = smallest(CSP_DETECTORS[name])
    model.data_preprocessor.batch_augments = None  # these ask a runner for its step
    return model


def smallest(path: str) -> ConfigDict:
    """The model of a shipped config, as thin and shallow as it can be."""
    model = shipped_model_cfg(path)
    localize(model)
    thin_out(model, smallest=True)
    return model


def build_pair(name: str, **wrapper: Any) -> Tuple[BaseDetector, BaseDetector]:
    """The same thin detector twice: plain, and in the wrapper with equal weights."""
    return pair_of(thin_model_cfg(name), **wrapper)


def pair_of(model: dict, **wrapper: Any) -> Tuple[BaseDetector, BaseDetector]:
    """The same for the config of any detector."""
    plain = build_plain(deepcopy(model))
    return plain, wrap(plain, deepcopy(model), **wrapper)


def build_plain(model: dict) -> BaseDetector:
    """Build a detector from its config, for training, with random weights."""
    torch.manual_seed(0)
    plain = MODELS.build(model)
    logging.disable(logging.INFO)  # a line for every parameter
    plain.init_weights()  # some parameters are uninitialised memory before
    logging.disable(logging.NOTSET)
    # Larger than a detector's usual start: every loss term counts.
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    plain.train()  # a distilling detector returns nothing
    return plain


def wrap(plain: BaseDetector, model: dict, **wrapper: Any) -> BaseDetector:
    """Build the wrapper around another detector of that config, with equal weights."""
    torch.manual_seed(0)  # a teacher is not in the state dict
    wrapped = MODELS.build(dict(type='LossMixDetector', detector=model, **wrapper))
    wrapped.load_state_dict(plain.state_dict())
    return wrapped.train()
