"""LossMix whose loss weight does not know the image's."""

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.logging import MessageHub
from mmengine.structures import InstanceData


def batch(n=3):
    samples = []
    for i in range(n):
        sample = DetDataSample(metainfo=dict(img_shape=(8, 8), pad_shape=(8, 8)))
        sample.gt_instances = InstanceData(
            bboxes=torch.ones(1, 4), labels=torch.ones(1)
        )
        sample.set_metainfo(dict(img_id=i))
        samples.append(sample)
    return torch.arange(n).float().reshape(n, 1, 1, 1).expand(n, 3, 8, 8), samples


def run(kind, iteration, **arguments):
    hub = MessageHub.get_instance('uncoupled')
    hub.update_info_dict(dict(seed=3, iter=iteration))
    images, samples = MODELS.build(dict(type=kind, **arguments))(*batch())
    weights = {sample.mix_lambda for sample in samples}
    assert len(weights) == 1
    return images, weights.pop()


@pytest.mark.parametrize('loss_weight', ['independent', 'half'])
def test_same_images_other_weight(loss_weight):
    MessageHub.get_instance('uncoupled')
    own, other = [], []
    for i in range(200):
        images, lam = run('BatchLossMix', i)
        same, weight = run('BatchUncoupledLossMix', i, loss_weight=loss_weight)
        assert torch.equal(images, same)
        own.append(lam)
        other.append(weight)
        assert weight == run('BatchUncoupledLossMix', i, loss_weight=loss_weight)[1]
    if loss_weight == 'half':
        assert set(other) == {0.5}
    else:
        correlation = torch.corrcoef(torch.tensor([own, other]))[0, 1]
        assert abs(correlation) < 0.2
        assert torch.tensor(other).std() == pytest.approx(12**-0.5, rel=0.15)


def test_unknown_weight():
    with pytest.raises(ValueError, match='use BatchLossMix for the coupled weight'):
        MODELS.build(dict(type='BatchUncoupledLossMix', loss_weight='coupled'))
