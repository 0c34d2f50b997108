"""mmdet's own detectors, made thin by overriding sizes only."""

import logging
from copy import deepcopy
from typing import Any, Iterator, Tuple

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.registry import init_default_scope

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

# Widths of necks and heads, by the name of the argument. 64, since GroupNorm has 32
# groups and wants more than one value in each, also of a feature map of 1 x 1.
WIDTHS = {
    'in_channels': 64,
    'out_channels': 64,
    'feat_channels': 64,
    'conv_out_channels': 64,
    'fc_out_channels': 64,
    'embed_dims': 64,
    'num_feats': 32,
    'feedforward_channels': 64,
}
# The decoder of DINO encodes each reference point by 4 x 128 numbers.
DINO_WIDTHS = {'embed_dims': 256, 'num_feats': 128, 'out_channels': 256}
BASE_CHANNELS = 8
NUM_QUERIES = 50
NUM_LAYERS = 2  # of a transformer


def thin_detector(detector: dict) -> None:
    """Make the config of a detector small, in place."""
    if detector['backbone']['type'] in ('CSPDarknet', 'CSPNeXt'):
        _thin_csp_detector(detector)
    else:
        _thin_resnet_detector(detector)


def _thin_resnet_detector(detector: dict) -> None:
    kind = detector.get('detector', detector['type'])  # beside a wrapper's arguments
    widths = {**WIDTHS, **DINO_WIDTHS} if kind == 'DINO' else WIDTHS
    if 'decoder' in detector:
        detector['bbox_head']['embed_dims'] = widths['embed_dims']
        detector['num_queries'] = NUM_QUERIES
        for part in ('encoder', 'decoder'):
            detector[part]['num_layers'] = NUM_LAYERS
    out_indices = detector['backbone'].get('out_indices', (0, 1, 2, 3))
    for part in detector.values():
        for node in dicts_in(part):
            for key, width in widths.items():
                if isinstance(node.get(key), int):
                    node[key] = width
            if node.get('type') == 'RandomSampler':
                node['num'] = 32  # RoIAlign is what takes time
    detector['backbone'] = dict(
        type='ResNet',
        depth=18,
        base_channels=BASE_CHANNELS,
        out_indices=out_indices,
        norm_cfg=dict(type='BN', requires_grad=True),
    )
    if 'neck' in detector:
        detector['neck']['in_channels'] = [BASE_CHANNELS * 2**i for i in out_indices]


def _thin_csp_detector(detector: dict) -> None:
    """YOLOX and RTMDet: their backbones are thin by arguments of theirs."""
    detector['backbone'].update(widen_factor=0.125, deepen_factor=0.167, init_cfg=None)
    detector['neck'].update(
        in_channels=[32, 64, 128], out_channels=32, num_csp_blocks=1
    )
    detector['bbox_head'].update(in_channels=32, feat_channels=32)
    for part in ('backbone', 'neck', 'bbox_head'):
        if detector[part].get('norm_cfg', {}).get('type') == 'SyncBN':  # for GPUs only
            detector[part]['norm_cfg'] = dict(type='BN')


def dicts_in(node: Any) -> Iterator[dict]:
    """Yield every dictionary in a nest of dictionaries and lists, outermost first."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from dicts_in(child)


def shipped_model_cfg(path: str) -> ConfigDict:
    """The model of one of mmdet's configs."""
    init_default_scope('mmdet')
    return get_config(f'mmdet::{path}').model


def thin_model_cfg(name: str) -> dict:
    """The model of a shipped config with a thin ResNet-18 and thin heads."""
    model = shipped_model_cfg(DETECTORS[name])
    thin_detector(model)
    return model


def thin_csp_model_cfg(name: str) -> ConfigDict:
    """The thin model of YOLOX or RTMDet, to be used without a runner."""
    model = shipped_model_cfg(CSP_DETECTORS[name])
    thin_detector(model)
    model.data_preprocessor.batch_augments = None  # these ask a runner for its step
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
