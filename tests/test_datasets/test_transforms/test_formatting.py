"""Packing of mixed images, and the guard against steps in between."""

import numpy as np
import pytest
import torch
from mmdet.registry import TRANSFORMS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import init_default_scope

from tests.helpers.marks import needs_uint16


def results(seed, boxes=2):
    rng = np.random.default_rng(seed)
    xyxy = np.array([[5, 5, 30, 20], [10, 8, 50, 33.0]])[:boxes] + seed
    return dict(
        img=rng.integers(0, 255, (40, 60, 3), np.uint8),
        img_path=f'{seed}.jpg',
        img_id=seed,
        img_shape=(40, 60),
        ori_shape=(40, 60),
        gt_bboxes=HorizontalBoxes(xyxy.astype(np.float32)),
        gt_bboxes_labels=np.arange(boxes) + 10 * seed,
        gt_ignore_flags=np.arange(boxes) == 1,
    )


def run(*after_mixing, boxes=2):
    """A pipeline of two images with steps between mixing and packing."""
    init_default_scope('mmdet')
    pipeline = TRANSFORMS.build(
        dict(
            type='Compose',
            transforms=[
                dict(type='LossMixTransform'),
                *after_mixing,
                dict(type='PackLossMixInputs'),
            ],
        )
    )
    return pipeline(results(1, boxes)), pipeline(results(2, boxes))


def test_partner_is_packed_like_the_own_target():
    unmixed, mixed = run()
    assert 'partner' not in unmixed['data_samples']
    sample = mixed['data_samples']
    assert isinstance(sample.partner, DetDataSample)
    assert 0 <= sample.mix_lambda <= 1
    assert sample.gt_instances.labels.tolist() == [20]
    assert sample.ignored_instances.labels.tolist() == [21]
    assert sample.partner.gt_instances.labels.tolist() == [10]
    assert sample.partner.ignored_instances.labels.tolist() == [11]
    assert sample.partner.img_shape == sample.img_shape == (40, 60)
    assert sample.partner.img_path == '1.jpg'
    assert mixed['inputs'].shape == (3, 40, 60)
    assert mixed['inputs'].dtype == torch.uint8


def test_the_targets_of_a_mixed_sample_share_memory_but_no_value():
    sample = run()[1]['data_samples']
    tensors = [
        tensor
        for half in (sample, sample.partner)
        for target in (half.gt_instances, half.ignored_instances)
        for tensor in (target.bboxes.tensor, target.labels)
    ]
    assert len({tensor.untyped_storage().data_ptr() for tensor in tensors}) == 2
    copies = [tensor.clone() for tensor in tensors]
    for i, (tensor, copy) in enumerate(zip(tensors, copies)):
        tensor.fill_(-7)
        for other, expected in zip(tensors[i + 1 :], copies[i + 1 :]):
            assert torch.equal(other, expected)
        tensor.copy_(copy)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize(
    'dtype', ['uint8', pytest.param('uint16', marks=needs_uint16), 'float32', 'int64']
)
@pytest.mark.parametrize('shape', [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 5)])
def test_images_are_packed_as_mmdet_packs_them(shape, dtype, flip):
    image = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    image = np.flip(image, 1) if flip else image
    packed = [
        TRANSFORMS.build(dict(type=f'mmdet.{type_}'))({**results(1), 'img': image})
        for type_ in ('PackDetInputs', 'PackLossMixInputs')
    ]
    expected, actual = (p['inputs'] for p in packed)
    assert torch.equal(actual, expected)
    assert actual.dtype == expected.dtype
    assert actual.is_contiguous()


@pytest.mark.parametrize(
    'step',
    [
        dict(type='RandomFlip', prob=1.0),
        dict(type='Resize', scale=(120, 80), keep_ratio=True),
        dict(type='RandomCrop', crop_size=(20, 30), allow_negative_crop=True),
        dict(type='RandomShift', prob=1.0),
        dict(type='FilterAnnotations', min_gt_bbox_wh=(30, 16)),
        dict(type='Pad', size=(64, 64)),
        dict(type='RandomAffine'),
    ],
    ids=lambda step: step['type'],
)
def test_steps_that_move_boxes_after_mixing_are_refused(step):
    with pytest.raises(ValueError, match=r'Put Resize, RandomFlip.* before LossMix'):
        run(step)


def test_flip_is_noticed_without_boxes_too():
    with pytest.raises(ValueError, match='homography'):
        run(dict(type='RandomFlip', prob=1.0), boxes=0)


def test_steps_that_change_colours_only_may_follow():
    _, mixed = run(dict(type='PhotoMetricDistortion'))
    assert 'partner' in mixed['data_samples']
