"""The cache of partners: what it holds, and who shares memory with it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.fileio import BaseStorageBackend, register_backend
from mmengine.registry import init_default_scope

from mmdet_lossmix.datasets.transforms.partners import (
    LoadedImage,
    PartnerCache,
)
from mmdet_lossmix.mixing.annotations import Annotations

LANDSCAPE, PORTRAIT = (4, 6), (6, 4)


def loaded(value, shape=LANDSCAPE):
    image = np.full((*shape, 3), value, np.uint8)
    return LoadedImage(image, f'{value}.jpg', Annotations({}), {})


def test_entries_stay_what_they_were_whatever_happens_to_the_images():
    cache = PartnerCache(5)
    for value in range(60):
        # Larger, smaller and mirrored images take each other's memory.
        shape = (3 + value % 4, 3 + value % 7)
        image = loaded(value, shape)
        image.img[:, 0] = 255
        cache.push(image._replace(img=np.flip(image.img, 1)))
        image.img[:] = 0
        assert len(cache.entries) == min(value + 1, 5)
        for entry in cache.entries:
            held = int(entry.img_path[:-4])
            assert entry.img.shape == (3 + held % 4, 3 + held % 7, 3)
            assert (entry.img[:, :-1] == held).all()
            assert (entry.img[:, -1] == 255).all()


def test_a_drawn_partner_outlives_the_push_that_drops_it():
    cache = PartnerCache(1)
    cache.push(loaded(1))
    for value in range(2, 9):
        partner = cache.draw(loaded(value))
        cache.push(loaded(value))
        assert (partner.img == value - 1).all()


def test_the_cache_keeps_its_memory():
    cache = PartnerCache(4)
    for value in range(40):
        cache.push(loaded(value))
        if value == 10:
            memory = {id(e.memory) for e in cache.entries} | {id(cache._spare)}
    assert {id(e.memory) for e in cache.entries} | {id(cache._spare)} == memory


def test_exchange_of_partners_of_the_other_orientation():
    cache = PartnerCache(20)
    landscape, portrait = loaded(1), loaded(2, PORTRAIT)
    # One that suits is taken as it is; of one that does not, nothing better is known.
    suiting = loaded(3)
    assert cache.exchange(landscape, suiting) is suiting
    assert not cache.entries
    assert cache.exchange(landscape, portrait) is portrait
    # From now on the portrait image waits for one that it suits.
    given = cache.exchange(loaded(4, PORTRAIT), loaded(5))
    assert (given.img == 2).all()
    given = cache.exchange(loaded(6), loaded(7, PORTRAIT))
    assert (given.img == 5).all()
    assert {e.img_path for e in cache.entries} == {'2.jpg', '5.jpg', '7.jpg'}


def test_an_image_is_never_its_own_partner():
    cache = PartnerCache(20)
    assert cache.draw(loaded(1)) is None
    cache.push(loaded(1))
    assert cache.draw(loaded(1)) is None  # rather unmixed than mixed with itself
    cache.push(loaded(2, PORTRAIT))
    for _ in range(20):
        assert cache.draw(loaded(1)).img_path == '2.jpg'  # the other orientation
    unnamed = loaded(1)._replace(img_path=None)
    assert cache.draw(unnamed) is not None


def test_a_dataset_that_offers_the_image_itself_is_given_another():
    cache = PartnerCache(20)
    assert cache.exchange(loaded(1), loaded(1)) is None  # there is no other yet
    earlier = cache.exchange(loaded(1), loaded(2))
    assert cache.exchange(loaded(3), loaded(3)) is earlier
    assert cache.exchange(loaded(2), loaded(2)) is None


@pytest.mark.parametrize('wrapper', ['RepeatDataset', 'MultiImageMixDataset'])
def test_rare_portraits_are_mixed_with_others(wrapper, tmp_path):
    """As in a set of landscape photographs with two portraits."""
    number = 40
    images = []
    for i in range(number):
        height, width = (60, 80) if i < number - 2 else (80, 60)
        cv2.imwrite(str(tmp_path / f'{i}.jpg'), np.zeros((height, width, 3), np.uint8))
        images.append(dict(id=i, file_name=f'{i}.jpg', width=width, height=height))
    boxes = [
        dict(id=i, image_id=i, category_id=1, bbox=[5, 5, 20 + i, 30], area=900)
        for i in range(number)
    ]
    annotations = dict(
        images=images,
        categories=[dict(id=1, name='car')],
        annotations=[dict(box, iscrowd=0) for box in boxes],
    )
    (tmp_path / 'a.json').write_text(json.dumps(annotations))
    load = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True),
    ]
    mix = [
        dict(type='UnionMixTransform'),
        dict(type='PackDetInputs', meta_keys=('img_path', 'partner_img_path')),
    ]
    coco = dict(
        type='CocoDataset',
        data_root=str(tmp_path),
        ann_file='a.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=('car',)),
        pipeline=load if wrapper == 'MultiImageMixDataset' else [*load, *mix],
    )
    nest = dict(type=wrapper, dataset=coco)
    nest.update(times=5) if wrapper == 'RepeatDataset' else nest.update(pipeline=mix)
    init_default_scope('mmdet')
    dataset = DATASETS.build(nest)
    mixed = 0
    for _ in range(3 if wrapper == 'RepeatDataset' else 15):
        for i in np.random.permutation(len(dataset)):
            sample = dataset[int(i)]['data_samples']
            assert sample.get('partner_img_path') != sample.img_path
            boxes = sample.gt_instances.bboxes.tensor
            assert len(torch.unique(boxes, dim=0)) == len(boxes)
            mixed += 'partner_img_path' in sample
    assert mixed > 0.95 * number * 15


def test_partners_come_to_the_scale_of_a_mosaic(tmp_path):
    for i in range(4):
        cv2.imwrite(str(tmp_path / f'{i}.jpg'), np.zeros((1200, 1600, 3), np.uint8))
    annotations = dict(
        images=[
            dict(id=i, file_name=f'{i}.jpg', width=1600, height=1200) for i in range(4)
        ],
        categories=[dict(id=1, name='car')],
        annotations=[
            dict(
                id=i, image_id=i, category_id=1, bbox=[200, 200, 800, 600], area=480000,
                iscrowd=0,
            )
            for i in range(4)
        ],
    )  # fmt: skip
    (tmp_path / 'a.json').write_text(json.dumps(annotations))
    inner = dict(
        type='CocoDataset',
        data_root=str(tmp_path),
        ann_file='a.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=('car',)),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True),
        ],
    )
    mosaic = [
        dict(type='Mosaic', img_scale=(640, 640)),
        dict(
            type='RandomAffine',
            scaling_ratio_range=(1, 1),
            max_rotate_degree=0,
            max_shear_degree=0,
            border=(-320, -320),
        ),
    ]
    pipeline = [
        *mosaic,
        dict(type='LossMixTransform'),
        dict(type='PackLossMixInputs'),
    ]
    init_default_scope('mmdet')
    dataset = DATASETS.build(
        dict(type='MultiImageMixDataset', dataset=inner, pipeline=pipeline)
    )
    for i in [0, 1, 2, 3] * 3:
        packed = dataset[i]
        assert packed['inputs'].shape[1:] == (640, 640)
        if 'partner' not in packed['data_samples']:  # the image itself was offered
            continue
        partner = packed['data_samples'].partner.gt_instances.bboxes.tensor
        width, height = (partner[:, 2:] - partner[:, :2]).unbind(1)
        assert torch.allclose(width, torch.tensor(320.0))  # 800 * 640 / 1600
        assert torch.allclose(height, torch.tensor(240.0))


class Shelf(BaseStorageBackend):
    """Images that lie on no disk."""

    def get(self, filepath):
        image = np.full((40, 60, 3), int(Path(filepath).stem), np.uint8)
        return cv2.imencode('.png', image)[1].tobytes()

    def get_text(self, filepath):
        raise NotImplementedError


def dataset_of(names, backend_args):
    """``MultiImageMixDataset`` that mixes images of these names."""
    init_default_scope('mmdet')
    loader = dict(type='LoadImageFromFile', backend_args=backend_args)
    inner = DATASETS.build(
        dict(type='BaseDetDataset', lazy_init=True, pipeline=[loader])
    )
    inner.data_list = [dict(img_path=name, img_id=name) for name in names]
    inner.serialize_data, inner._fully_initialized = False, True
    pipeline = [dict(type='UnionMixTransform')]
    return DATASETS.build(
        dict(type='MultiImageMixDataset', dataset=inner, pipeline=pipeline)
    )


def test_files_of_a_backend_are_not_looked_for_on_the_disk():
    register_backend('shelf', Shelf, force=True)
    dataset = dataset_of([f'{i}.png' for i in range(8)], dict(backend='shelf'))
    mixed = ['partner_img_path' in dataset[i] for i in range(8) for _ in range(4)]
    assert sum(mixed) >= len(mixed) - 2  # an image may be drawn for itself


def test_a_partner_that_is_missing_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((2, 2), np.uint8))
    names = [str(tmp_path / f'{name}.png') for name in (0, 'gone')]
    dataset = dataset_of(names, None)
    with pytest.raises(FileNotFoundError, match=r'gone\.png'):
        all(dataset[0] for _ in range(20))
