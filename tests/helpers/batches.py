"""For tests of losses: mixed batches of noise with random annotations."""

from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmdet_lossmix.structures import attach_partner


def mixed_batch(
    model: BaseDetector,
    lams: Sequence[Optional[float]],
    num_items: Optional[List[Tuple[int, int]]] = None,
    seed: int = 0,
    masks: bool = False,
    stuff: Optional[Tuple[int, int]] = None,
    shapes: Sequence[Tuple[int, int]] = ((96, 128), (96, 112)),
    num_proposals: int = 0,
) -> Tuple[Tensor, SampleList]:
    """A preprocessed batch; image i has lambda ``lams[i]``, or no partner if None.

    Args:
        model (:obj:`BaseDetector`): Its preprocessor and dtype are used.
        lams (Sequence[float, optional]): Of each image.
        num_items (list[tuple[int, int]], optional): Objects of own and partner of each
            image. Defaults to 3 and 2.
        seed (int): Of the random numbers. Defaults to 0.
        masks (bool): Whether objects have masks. Defaults to False.
        stuff (tuple[int, int], optional): The range of classes of a semantic map.
            Defaults to None, no map.
        shapes (Sequence[tuple[int, int]]): Of the images, in turn.
        num_proposals (int): Of each image, for detectors that are given proposals.
            Defaults to 0, none.
    """
    rng = np.random.default_rng(seed)
    num_items = num_items or [(3, 2)] * len(lams)
    inputs, samples = [], []
    for i, (lam, (own, partner)) in enumerate(zip(lams, num_items)):
        shape = shapes[i % len(shapes)]
        inputs.append(torch.from_numpy(rng.integers(0, 255, (3, *shape), np.uint8)))
        sample = _target(rng, shape, own, masks, stuff, f'own_{i}.jpg')
        if lam is not None:
            other = _target(rng, shape, partner, masks, stuff, f'partner_{i}.jpg')
            attach_partner(sample, other, lam)
        if num_proposals:
            sample.proposals = InstanceData(bboxes=_boxes(rng, num_proposals, *shape))
        samples.append(sample)
    data = dict(inputs=inputs, data_samples=samples)
    data = model.data_preprocessor(data, training=True)
    dtype = next(model.parameters()).dtype
    for sample in data['data_samples']:
        if num_proposals:
            sample.proposals.bboxes = sample.proposals.bboxes.to(dtype)
        for target in (sample, sample.get('partner', sample)):
            for key in ('gt_instances', 'ignored_instances'):
                target.get(key).bboxes = target.get(key).bboxes.to(dtype)
    return data['inputs'].to(dtype), data['data_samples']


def _target(
    rng: np.random.Generator,
    shape: Tuple[int, int],
    count: int,
    masks: bool,
    stuff: Optional[Tuple[int, int]],
    path: str,
) -> DetDataSample:
    sample = DetDataSample(
        metainfo=dict(img_shape=shape, ori_shape=shape, img_path=path, img_id=path)
    )
    sample.set_metainfo(
        dict(scale_factor=(1.0, 1.0), flip=False, homography_matrix=np.eye(3))
    )
    boxes = _boxes(rng, count, *shape)
    sample.gt_instances = InstanceData(
        bboxes=boxes, labels=torch.from_numpy(rng.integers(0, 80, count))
    )
    if masks:
        sample.gt_instances.masks = _masks(rng, boxes, shape)
    ignored = _boxes(rng, 1, *shape)
    sample.ignored_instances = InstanceData(
        bboxes=ignored, labels=torch.zeros(1, dtype=torch.long)
    )
    if masks:  # which mmdet does not pad to the batch
        sample.ignored_instances.masks = _masks(rng, ignored, shape)
    if stuff:
        regions = rng.integers(*stuff, (1, 2, 2)).repeat(shape[0] // 2, 1)
        sem_seg = torch.from_numpy(regions.repeat(shape[1] // 2, 2))
        sample.gt_sem_seg = PixelData(sem_seg=sem_seg)
    return sample


def _boxes(rng: np.random.Generator, count: int, height: int, width: int) -> Tensor:
    size = rng.uniform(12, 60, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (np.array([width, height]) - size)
    return torch.from_numpy(np.hstack([corner, corner + size]).astype(np.float32))


def _masks(
    rng: np.random.Generator, boxes: Tensor, shape: Tuple[int, int]
) -> BitmapMasks:
    """A box filled with noise for each object."""
    masks = rng.integers(0, 4, (len(boxes), *shape)) > 0
    for mask, (left, top, right, bottom) in zip(masks, boxes.round().int().tolist()):
        mask[:top], mask[bottom:] = False, False
        mask[:, :left], mask[:, right:] = False, False
    return BitmapMasks(masks.astype(np.uint8), *shape)
