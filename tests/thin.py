"""mmdet's own detectors, made thin by overriding sizes only, and batches for them."""

from copy import deepcopy

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.hub import get_config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from tiny import thin_detector

from mmdet_lossmix.structures import attach_partner

DETECTORS = {
    'faster_rcnn': 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'retinanet': 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
    'fcos': 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    'mask_rcnn': 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'cascade_rcnn': 'mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
}
CSP_DETECTORS = {
    'yolox': 'mmdet::yolox/yolox_tiny_8xb8-300e_coco.py',
    'rtmdet': 'mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
}


def thin_model_cfg(name: str) -> dict:
    """The model of a shipped config with a thin ResNet-18 and thin heads."""
    init_default_scope('mmdet')
    model = get_config(DETECTORS[name]).model
    thin_detector(model)
    return model


def thin_csp_model_cfg(name: str) -> dict:
    """The model of YOLOX or RTMDet, whose backbones are thin by arguments of theirs."""
    init_default_scope('mmdet')
    model = get_config(CSP_DETECTORS[name]).model
    model.backbone.update(widen_factor=0.125, deepen_factor=0.167, init_cfg=None)
    model.neck.update(in_channels=[32, 64, 128], out_channels=32, num_csp_blocks=1)
    model.bbox_head.update(in_channels=32, feat_channels=32)
    model.data_preprocessor.batch_augments = None  # these ask a runner for its step
    for part in (model.backbone, model.neck, model.bbox_head):
        if part.get('norm_cfg', {}).get('type') == 'SyncBN':  # for GPUs only
            part.norm_cfg = dict(type='BN')
    return model


def build_pair(name: str, **wrapper):
    """The same thin detector twice: plain, and in the wrapper with equal weights."""
    return pair_of(thin_model_cfg(name), **wrapper)


def pair_of(model_cfg: dict, **wrapper):
    """The same for the config of any detector."""
    torch.manual_seed(0)
    plain = MODELS.build(deepcopy(model_cfg))
    with (
        torch.no_grad()
    ):  # larger than a detector's usual start: every loss term counts
        for parameter in plain.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    wrapped = MODELS.build(
        dict(type='LossMixDetector', detector=deepcopy(model_cfg), **wrapper)
    )
    wrapped.load_state_dict(plain.state_dict())
    return plain.train(), wrapped.train()


def mixed_batch(model, lams, num_items=None, seed=0, masks=False):
    """A preprocessed batch; image i has lambda ``lams[i]``, or no partner if None.

    Args:
        num_items (list[tuple[int, int]]): Objects of own and partner of each image.
    """
    rng = np.random.default_rng(seed)
    num_items = num_items or [(3, 2)] * len(lams)
    inputs, samples = [], []
    for i, (lam, (own, partner)) in enumerate(zip(lams, num_items)):
        shape = (96, 128 - 16 * (i % 2))
        inputs.append(torch.from_numpy(rng.integers(0, 255, (3, *shape), np.uint8)))
        sample = _target(rng, shape, own, masks, f'own_{i}.jpg')
        if lam is not None:
            other = _target(rng, shape, partner, masks, f'partner_{i}.jpg')
            attach_partner(sample, other, lam)
        samples.append(sample)
    data = dict(inputs=inputs, data_samples=samples)
    data = model.data_preprocessor(data, training=True)
    dtype = next(model.parameters()).dtype
    for sample in data['data_samples']:
        for target in (sample, sample.get('partner', sample)):
            for key in ('gt_instances', 'ignored_instances'):
                target.get(key).bboxes = target.get(key).bboxes.to(dtype)
    return data['inputs'].to(dtype), data['data_samples']


def _target(rng, shape, count, masks, path):
    height, width = shape
    sample = DetDataSample(
        metainfo=dict(img_shape=shape, ori_shape=shape, img_path=path, img_id=path)
    )
    sample.set_metainfo(dict(scale_factor=(1.0, 1.0), flip=False))
    sample.gt_instances = InstanceData(
        bboxes=_boxes(rng, count, height, width),
        labels=torch.from_numpy(rng.integers(0, 80, count)),
    )
    if masks:
        sample.gt_instances.masks = BitmapMasks(
            rng.integers(0, 2, (count, height, width), np.uint8), height, width
        )
    sample.ignored_instances = InstanceData(bboxes=_boxes(rng, 1, height, width))
    return sample


def _boxes(rng, count, height, width):
    size = rng.uniform(12, 60, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (np.array([width, height]) - size)
    return torch.from_numpy(np.hstack([corner, corner + size]).astype(np.float32))
