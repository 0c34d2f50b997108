"""AP per class, against mmdet's own metric."""

import numpy as np
import pytest
import torch
from mmdet.datasets import VOCDataset
from mmdet.evaluation import VOCMetric
from mmengine.structures import InstanceData

from mmdet_lossmix.visualization import evaluate_classes


@pytest.fixture
def dataset(voc_root):
    dataset = VOCDataset(
        data_root=f'{voc_root}/',
        ann_file='VOC2012/ImageSets/Main/trainval.txt',  # some are difficult there
        data_prefix=dict(sub_data_root='VOC2012/'),
        test_mode=True,
    )
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert any(i['ignore_flag'] for info in infos for i in info['instances'])
    return dataset


def detections_of(dataset, jitter):
    """The ground truth moved by up to ``jitter`` pixels, and a few boxes too many."""
    rng = np.random.default_rng(0)
    results = []
    for index in range(len(dataset)):
        instances = dataset.get_data_info(index)['instances']
        boxes = np.array([i['bbox'] for i in instances], np.float32).reshape(-1, 4)
        boxes = boxes + rng.uniform(-jitter, jitter, boxes.shape).astype(np.float32)
        labels = [i['bbox_label'] for i in instances]
        if jitter:
            boxes = np.concatenate([boxes, boxes[::-1] + 20])
            labels = labels * 2
        found = InstanceData(
            bboxes=torch.from_numpy(boxes),
            labels=torch.tensor(labels),
            scores=torch.from_numpy(rng.random(len(boxes), np.float32)),
        )
        results.append({'pred_instances': found})
    return results


@pytest.mark.parametrize('jitter', [0, 12])
def test_agrees_with_voc_metric(dataset, jitter):
    results = detections_of(dataset, jitter)
    metric = VOCMetric()
    metric.dataset_meta = dataset.metainfo
    for index, result in enumerate(results):
        instances = dataset.get_data_info(index)['instances']
        metric.process({}, [{**result, **truth(instances)}])
    expected = metric.evaluate(len(results))['pascal_voc/mAP']
    per_class = evaluate_classes(dataset, results)
    measured = np.mean([c['ap'] for c in per_class.values() if c['num_gts']])
    assert measured == pytest.approx(expected)
    assert measured == 1 if jitter == 0 else 0 < measured < 1


def truth(instances):
    """Both kinds of instances as VOCMetric wants them."""
    both = {}
    for key, flag in (('gt_instances', 0), ('ignored_instances', 1)):
        chosen = [i for i in instances if i['ignore_flag'] == flag]
        both[key] = {
            'bboxes': torch.tensor([i['bbox'] for i in chosen]).reshape(-1, 4),
            'labels': torch.tensor([i['bbox_label'] for i in chosen]),
        }
    return both
