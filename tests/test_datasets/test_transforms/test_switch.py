"""The switch of a mixing transform: found in any nest, the same in any process."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from mmcv.transforms import Compose
from mmdet.registry import DATASETS, TRANSFORMS
from mmengine.registry import init_default_scope
from torch import multiprocessing

from mmdet_lossmix.datasets.transforms.switch import MixSwitch, find_switches

MIX = dict(type='LossMixTransform')
LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(96, 64)),
]


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


@pytest.mark.parametrize(
    ('transform', 'number'),
    [
        (MIX, 1),
        (dict(type='Resize', scale=(96, 64)), 0),
        (dict(type='RandomChoice', transforms=[[MIX, MIX], MIX]), 3),
        (dict(type='RandomApply', transforms=[MIX]), 1),
        (dict(type='MultiBranch', branch_field=['a', 'b'], a=[MIX], b=[MIX]), 2),
        (dict(type='RandomChoice', transforms=[dict(
            type='MultiBranch', branch_field=['a'], a=[MIX])]), 1),
    ],
)  # fmt: skip
def test_found_in_nested_pipelines(transform, number):
    pipeline = Compose([TRANSFORMS.build(transform)])
    assert len(find_switches(pipeline)) == number


def voc(root: Path, pipeline: list) -> dict:
    return dict(
        type='VOCDataset',
        data_root=f'{root}/',
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=pipeline,
    )


def test_found_in_nested_datasets_each_once(voc_root):
    inner = voc(voc_root, [*LOAD, MIX])
    both = dict(
        type='ConcatDataset',
        datasets=[
            dict(type='ClassBalancedDataset', oversample_thr=1e-9, dataset=inner),
            dict(type='RepeatDataset', times=2, dataset=inner),
        ],
    )
    outer = dict(type='MultiImageMixDataset', dataset=both, pipeline=[MIX])
    dataset = DATASETS.build(dict(type='RepeatDataset', times=2, dataset=outer))
    assert len(find_switches(dataset)) == 3
    assert len(find_switches([dataset, dataset])) == 3


def test_off_mixes_nothing_and_loads_and_holds_no_partner(voc_root):
    dataset = DATASETS.build(voc(voc_root, LOAD))
    transform = TRANSFORMS.build(MIX)
    for i in range(3):
        assert transform(dataset[i]).get('partner') is None or i
    assert len(transform.cache.entries) == 3
    assert len(transform.get_indexes(dataset)) == 1
    transform.switch.turn_off()
    results = transform(dataset[3])
    assert 'partner' not in results
    assert np.array_equal(results['img'], dataset[3]['img'])
    assert transform.cache.entries == []
    assert transform.get_indexes(dataset) == []
    # Drawn before the switch was turned, mixed after it.
    assert 'partner' not in transform({**dataset[3], 'mix_results': [dataset[2]]})


@pytest.mark.parametrize(
    'duplicate', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_are_switches_of_their_own_for_their_own_workers(duplicate):
    switch = MixSwitch()
    other = duplicate(switch)
    other.turn_off()
    assert switch.on
    assert not other.on
    assert other._values.is_shared()
    assert not duplicate(other).on


def test_turned_off_in_another_process():
    switch = MixSwitch()
    process = multiprocessing.get_context('fork').Process(target=switch.turn_off)
    process.start()
    process.join()
    assert not switch.on
