"""Taking mixed samples apart."""

import copy

import numpy as np
import pytest
import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmdet_lossmix.structures import attach_partner, split_batch


def sample(path, shape=(20, 30)):
    result = DetDataSample(
        metainfo=dict(img_path=path, img_shape=shape, ori_shape=shape)
    )
    masks = BitmapMasks(np.ones((1, *shape), np.uint8), *shape)
    boxes = HorizontalBoxes(torch.tensor([[1.0, 2.0, 9.0, 8.0]]))
    result.gt_instances = InstanceData(bboxes=boxes, labels=torch.zeros(1), masks=masks)
    result.ignored_instances = InstanceData(bboxes=boxes[:0])
    return result


def test_partners_are_preprocessed_like_own_targets():
    preprocessor = MODELS.build(
        dict(type='DetDataPreprocessor', pad_size_divisor=16, pad_mask=True)
    )
    samples = [attach_partner(sample('a'), sample('b'), 0.25), sample('c')]
    inputs = [torch.zeros(3, 20, 30, dtype=torch.uint8)] * 2
    data = preprocessor(dict(inputs=inputs, data_samples=samples), training=True)
    targets = split_batch(data['data_samples'], data_preprocessor=preprocessor)
    assert targets.lams == [0.25, None]
    assert targets.any_mixed
    for target in (*targets.own, *targets.partner):
        assert isinstance(target.gt_instances.bboxes, torch.Tensor)
        assert target.gt_instances.masks.masks.shape == (1, 32, 32)
        assert target.batch_input_shape == (32, 32)
        assert 'partner' not in target
    assert [s.img_path for s in targets.partner] == ['a', 'c']  # the image's metainfo


def test_semantic_maps_of_partners_are_padded():
    preprocessor = DetDataPreprocessor(
        pad_size_divisor=16, pad_seg=True, seg_pad_value=9
    )
    samples = [attach_partner(sample('a'), sample('b'), 0.25)]
    for i, item in enumerate((samples[0], samples[0].partner)):
        item.gt_sem_seg = PixelData(sem_seg=torch.full((1, 20, 30), i))
    inputs = [torch.zeros(3, 20, 30, dtype=torch.uint8)]
    data = preprocessor(dict(inputs=inputs, data_samples=samples), training=True)
    targets = split_batch(data['data_samples'], data_preprocessor=preprocessor)
    for i, (target,) in enumerate((targets.own, targets.partner)):
        seg_map = target.gt_sem_seg.sem_seg
        assert seg_map.shape == (1, 32, 32)
        assert (seg_map[:, :20, :30] == i).all()
        assert (seg_map[:, 20:] == 9).all()


def test_targets_of_an_unmixed_sample_do_not_share_containers():
    targets = split_batch([sample('a')])
    targets.own[0].gt_instances.pop('labels')
    assert 'labels' in targets.partner[0].gt_instances
    assert not targets.any_mixed


def test_samples_stay_as_they_were():
    mixed = attach_partner(sample('a'), sample('b'), 0.25)
    targets = split_batch([mixed], data_preprocessor=DetDataPreprocessor())
    for target in (targets.own[0], targets.partner[0]):
        target.gt_instances.pop('labels')
        del target.ignored_instances
    for target in (mixed, mixed.partner):
        assert 'labels' in target.gt_instances
        assert isinstance(target.gt_instances.bboxes, HorizontalBoxes)
        assert 'ignored_instances' in target


@pytest.mark.parametrize('lam', [0, 1])
def test_lambda_may_be_0_or_1(lam):
    assert split_batch([attach_partner(sample('a'), sample('b'), lam)]).lams == [lam]


@pytest.mark.parametrize('lam', [-0.1, 1.5, float('nan')])
def test_lambda_out_of_range_is_refused(lam):
    with pytest.raises(ValueError, match=r'of a needs a `mix_lambda` in \[0, 1\]'):
        split_batch([attach_partner(sample('a'), sample('b'), lam)])


@pytest.mark.parametrize('shape', [(40, 60), (20, 60), (40, 30)])
def test_partner_in_another_frame_is_refused(shape):
    mixed = attach_partner(sample('a'), sample('b'), 0.5)
    mixed.set_metainfo(dict(img_shape=shape))  # as BatchSyncRandomResize does
    message = (
        rf'BatchLossMix.*frame \(20, 30\) and its image \({shape[0]}, {shape[1]}\)'
    )
    with pytest.raises(ValueError, match=message):
        split_batch([mixed])


def test_travels_between_devices_and_copies():
    mixed = attach_partner(sample('a'), sample('b'), 0.5).to('cpu').clone()
    assert mixed.mix_lambda == 0.5
    assert len(mixed.partner.gt_instances) == 1


class MaskingPreprocessor(DetDataPreprocessor):
    """Gives objects a field, as BoxInst's does."""

    def forward(self, data, training=False):
        data = super().forward(data, training)
        for item in data['data_samples']:
            count = len(item.gt_instances)
            item.gt_instances.means = data['inputs'].mean().expand(count)
        return data


def test_fields_that_a_preprocessor_adds_are_added_to_partners():
    preprocessor = MaskingPreprocessor(mean=[1.0], std=[2.0])
    inputs = [torch.full((1, 20, 30), 5, dtype=torch.uint8)]
    samples = [attach_partner(sample('a'), sample('b'), 0.25)]
    data = preprocessor(dict(inputs=inputs, data_samples=samples), training=True)
    (own,), (partner,), _ = split_batch(
        data['data_samples'], data['inputs'], preprocessor
    )
    # Not normalised twice, and the images of the step are left as they are.
    assert own.gt_instances.means.tolist() == partner.gt_instances.means.tolist() == [2]
    assert type(preprocessor) is MaskingPreprocessor
    # An unmixed batch lacks nothing, and nothing is done for it once more.
    preprocessor.forward = None
    data['inputs'] += 1
    (_,), (same,), _ = split_batch(
        [s for s in data['data_samples'] if s.pop('partner')],
        data['inputs'],
        preprocessor,
    )
    assert same.gt_instances.means.tolist() == [2]


def test_a_partner_without_a_field_of_its_image_is_refused():
    mixed = attach_partner(sample('a'), sample('b'), 0.25)
    del mixed.partner.gt_instances.masks
    preprocessor = DetDataPreprocessor(pad_mask=False)
    with pytest.raises(ValueError, match=r"lacks \['masks'\]"):
        split_batch([mixed], data_preprocessor=preprocessor)


def test_deep_copies_share_tensors_but_no_containers():
    """As two-stage detectors copy samples, to give the RPN other labels."""
    given = DetDataSample(gt_instances=InstanceData(labels=torch.ones(2)))
    (own,) = split_batch([given]).own
    copied = copy.deepcopy(own)
    assert copied.gt_instances.labels is own.gt_instances.labels
    copied.gt_instances.labels = torch.zeros(2)
    assert own.gt_instances.labels.tolist() == [1, 1]
    assert isinstance(copied, DetDataSample)
