"""mmdet's own detectors, made thin by overriding sizes only."""

import logging
from typing import Any, Iterator, Tuple

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmengine.hub import get_config
from mmengine.registry import init_default_scope

DETECTORS = {
    'faster_rcnn': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'retinanet': 'retinanet/retinanet_r50_fpn_1x_coco.py',
    'fcos': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    'mask_rcnn': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'cascade_rcnn': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
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
BASE_CHANNELS = 8


def thin_detector(detector: dict) -> None:
    """Make the config of a detector small, in place."""
    out_indices = detector['backbone'].get('out_indices', (0, 1, 2, 3))
    for part in detector.values():
        for node in dicts_in(part):
            for key, width in WIDTHS.items():
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


def dicts_in(node: Any) -> Iterator[dict]:
    """Yield every dictionary in a nest of dictionaries and lists, outermost first."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from dicts_in(child)


def shipped_model_cfg(path: str) -> dict:
    """The model of one of mmdet's configs."""
    init_default_scope('mmdet')
    return get_config(f'mmdet::{path}').model


def thin_model_cfg(name: str) -> dict:
    """The model of a shipped config with a thin ResNet-18 and thin heads."""
    model = shipped_model_cfg(DETECTORS[name])
    thin_detector(model)
    return model


def build_pair(name: str, **wrapper: Any) -> Tuple[BaseDetector, BaseDetector]:
    """The same thin detector twice: plain, and in the wrapper with equal weights."""
    plain = build_plain(thin_model_cfg(name))
    return plain, wrap(plain, thin_model_cfg(name), **wrapper)


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
