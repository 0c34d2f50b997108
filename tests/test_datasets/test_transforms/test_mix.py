"""The pipeline transforms: what becomes of images and targets."""

import copy

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose, LoadImageFromFile
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks

from mmdet_lossmix.datasets.transforms import partners

TRANSFORM_TYPES = ['LossMixTransform', 'UnionMixTransform', 'NoiseMixTransform']


def results_of(seed, shape=(40, 60), boxes=2, **extra):
    """What a pipeline holds after LoadAnnotations; labels tell images apart."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 15, (boxes, 2))
    xyxy = np.hstack([corners, corners + rng.uniform(3, 20, (boxes, 2))])
    return dict(
        img=rng.integers(0, 255, (*shape, 3), np.uint8),
        img_path=f'{seed}.jpg',
        img_shape=shape,
        ori_shape=shape,
        gt_bboxes=HorizontalBoxes(xyxy.astype(np.float32)),
        gt_bboxes_labels=np.arange(boxes) + 100 * seed,
        gt_ignore_flags=np.zeros(boxes, bool),
        **extra,
    )


def build(type_, **kwargs):
    return TRANSFORMS.build(dict(type=type_, **kwargs))


def mix(type_, first, second, lam, monkeypatch, **kwargs):
    """Mix ``second`` into ``first`` with a given lambda, out of the cache."""
    transform = build(type_, **kwargs)
    monkeypatch.setattr(transform, '_draw_lambda', lambda: lam)
    transform(copy.deepcopy(second))
    return transform(copy.deepcopy(first))


@pytest.mark.parametrize('shape', [(40, 60), (50, 30)])
@pytest.mark.parametrize('type_', TRANSFORM_TYPES)
def test_image_is_the_blend_and_shape_the_canvas(type_, shape, monkeypatch):
    first, second = results_of(1), results_of(2, shape)
    mixed = mix(type_, first, second, 0.3, monkeypatch, pad_val=7)
    canvas = max(40, shape[0]), max(60, shape[1])
    padded = [np.full((*canvas, 3), 7.0) for _ in range(2)]
    padded[0][:40, :60] = first['img']
    padded[1][: shape[0], : shape[1]] = second['img']
    assert mixed['img'].dtype == np.uint8
    assert mixed['img_shape'] == mixed['img'].shape[:2] == canvas
    assert np.abs(mixed['img'] - (0.3 * padded[0] + 0.7 * padded[1])).max() <= 0.501


def test_lossmix_keeps_both_targets_apart(monkeypatch):
    mixed = mix('LossMixTransform', results_of(1), results_of(2), 0.3, monkeypatch)
    assert mixed['mix_lambda'] == 0.3
    assert list(mixed['gt_bboxes_labels']) == [100, 101]
    assert list(mixed['partner']['gt_bboxes_labels']) == [200, 201]
    assert torch.equal(
        mixed['partner']['gt_bboxes'].tensor, results_of(2)['gt_bboxes'].tensor
    )
    assert mixed['partner_img_path'] == '2.jpg'


def test_union_trains_on_all(monkeypatch):
    mixed = mix('UnionMixTransform', results_of(1), results_of(2), 0.3, monkeypatch)
    assert list(mixed['gt_bboxes_labels']) == [100, 101, 200, 201]
    assert len(mixed['gt_bboxes']) == len(mixed['gt_ignore_flags']) == 4
    assert 'partner' not in mixed


@pytest.mark.parametrize(('lam', 'labels'), [(0.5, [100, 101]), (0.49, [200, 201])])
def test_noise_keeps_the_dominant_target(lam, labels, monkeypatch):
    mixed = mix('NoiseMixTransform', results_of(1), results_of(2), lam, monkeypatch)
    assert list(mixed['gt_bboxes_labels']) == labels
    assert mixed['img_path'] == '1.jpg'
    assert 'partner' not in mixed


@pytest.mark.parametrize('empty', [(0, 2), (2, 0), (0, 0)])
@pytest.mark.parametrize('type_', TRANSFORM_TYPES)
def test_images_without_boxes_mix(type_, empty, monkeypatch):
    own, partner = empty
    first, second = results_of(1, boxes=own), results_of(2, boxes=partner)
    mixed = mix(type_, first, second, 0.6, monkeypatch)
    expected = {'UnionMixTransform': own + partner}.get(type_, own)
    assert len(mixed['gt_bboxes']) == len(mixed['gt_bboxes_labels']) == expected


@pytest.mark.parametrize('type_', TRANSFORM_TYPES)
def test_degenerate_boxes_are_dropped_on_either_side(type_, monkeypatch):
    first, second = results_of(1), results_of(2)
    for results in (first, second):
        results['gt_bboxes'].tensor[0, 2] = results['gt_bboxes'].tensor[0, 0]
    mixed = mix(type_, first, second, 0.6, monkeypatch)
    assert 100 not in mixed['gt_bboxes_labels']
    targets = mixed.get('partner', mixed)
    assert 200 not in targets['gt_bboxes_labels']
    assert (mixed['gt_bboxes'].widths > 0).all()


def test_masks_and_maps_reach_the_canvas(monkeypatch):
    rng = np.random.default_rng(0)

    def with_masks(seed, shape, kind):
        if kind is BitmapMasks:
            masks = BitmapMasks(rng.integers(0, 2, (2, *shape), np.uint8), *shape)
        else:
            masks = PolygonMasks([[np.array([1, 1, 9, 1, 9, 9.0])]] * 2, *shape)
        seg = rng.integers(0, 9, shape, np.uint8)
        return results_of(seed, shape, gt_masks=masks, gt_seg_map=seg)

    for kind in (BitmapMasks, PolygonMasks):
        first, second = with_masks(1, (40, 60), kind), with_masks(2, (50, 30), kind)
        mixed = mix('LossMixTransform', first, second, 0.6, monkeypatch)
        for target, shape in ((mixed, (40, 60)), (mixed['partner'], (50, 30))):
            masks = target['gt_masks']
            assert (masks.height, masks.width) == (50, 60)
            assert target['gt_seg_map'].shape == (50, 60)
            assert (target['gt_seg_map'][shape[0] :] == 255).all()
        without_map = [
            {k: v for k, v in r.items() if k != 'gt_seg_map'} for r in (first, second)
        ]
        union = mix('UnionMixTransform', *without_map, 0.6, monkeypatch)
        assert len(union['gt_masks']) == 4
        with pytest.raises(ValueError, match='gt_seg_map'):
            mix('UnionMixTransform', first, second, 0.6, monkeypatch)


def test_annotations_that_cannot_be_mixed_are_refused_by_name():
    with pytest.raises(ValueError, match='`proposals`'):
        build('LossMixTransform')(results_of(1, proposals=np.zeros((1, 4))))


@pytest.mark.parametrize('type_', TRANSFORM_TYPES)
def test_first_image_and_prob_0_stay_unmixed(type_):
    for transform in (build(type_), build(type_, prob=0.0)):
        first = results_of(1)
        results = transform(copy.deepcopy(first))
        assert np.array_equal(results['img'], first['img'])
        assert 'partner' not in results
    results = transform(results_of(2))
    assert list(results['gt_bboxes_labels']) == [200, 201]
    assert transform.get_indexes([None] * 3) == []


def test_prob_is_the_share_of_mixed_images():
    np.random.seed(0)
    transform = build('LossMixTransform', prob=0.3)
    mixed = ['partner' in transform(results_of(i)) for i in range(1, 1001)]
    assert 0.25 < np.mean(mixed) < 0.35


def test_in_place_steps_afterwards_do_not_reach_the_cache():
    transform = build('LossMixTransform')
    for seed in (1, 2, 3):
        seg_map = np.full((40, 60), seed, np.uint8)
        results = transform(results_of(seed, (40, 60), gt_seg_map=seg_map))
        for labelled in (results, results.get('partner')):
            if labelled:
                labelled['gt_seg_map'][:] = 9
                labelled['gt_bboxes'].rescale_((9.0, 9.0))
                labelled['gt_bboxes_labels'][:] = -1
        results['img'][:] = 0
    for entry in transform.cache.entries:
        original = results_of(int(entry.img_path[0]), (40, 60))
        assert (entry.annotations.seg_map == int(entry.img_path[0])).all()
        assert np.array_equal(entry.img, original['img'])
        (objects,) = entry.annotations.instances.values()
        assert torch.equal(objects.bboxes.tensor, original['gt_bboxes'].tensor)
        assert (objects.labels >= 100).all()


@pytest.mark.parametrize('seed', [1, 2])
def test_labels_that_number_phrases_meet_no_labels_of_classes(seed):
    transform, text = build('UnionMixTransform'), dict(text=('cat', 'dog'))
    first, second = (results_of(i, **(text if i == seed else {})) for i in (1, 2))
    transform(first)
    with pytest.raises(ValueError, match='same `text`'):
        transform(second)


def test_cache_is_bounded_and_holds_unmixed_images():
    transform = build('LossMixTransform', max_cached_images=3)
    for seed in range(1, 10):
        transform(results_of(seed))
    assert len(transform.cache.entries) == 3
    with pytest.raises(ValueError, match='Set `max_cached_images`'):
        build('LossMixTransform', max_cached_images=0)


def test_partner_has_the_same_orientation_if_there_is_one():
    transform = build('LossMixTransform')
    for seed in range(1, 11):
        transform(results_of(seed, (40, 60) if seed % 2 else (60, 40)))
    for seed in range(11, 41):
        results = transform(results_of(seed, (40, 60)))
        assert results['img_shape'] == (40, 60)


def test_partner_of_mix_results():
    transform = build('LossMixTransform')
    results = transform(dict(results_of(1), mix_results=[results_of(2)]))
    assert list(results['partner']['gt_bboxes_labels']) == [200, 201]
    assert not transform.cache.entries


def test_unreadable_partners_are_skipped_and_counted(tmp_path, monkeypatch):
    messages = []
    monkeypatch.setattr(partners, 'print_log', lambda text, **_: messages.append(text))
    (tmp_path / 'broken.jpg').write_bytes(b'no image')

    class Dataset:
        paths = (tmp_path / 'missing.jpg', tmp_path / 'broken.jpg')

        def __init__(self):
            self.pipeline = Compose([LoadImageFromFile()])

        def __len__(self):
            return len(self.paths)

        def get_data_info(self, index):
            return dict(img_path=str(self.paths[index]))

    transform = build('LossMixTransform')
    assert transform.get_indexes(Dataset()) == []
    assert transform.skipped.count == 15
    assert len(messages) == 1
    assert 'does not exist' in messages[0] or 'is no image' in messages[0]
    for mix_results in ([], [None], [dict(img=None)]):
        results = transform(dict(results_of(1), mix_results=mix_results))
        assert 'partner' not in results
    assert transform.skipped.count == 17


@pytest.mark.parametrize('kwargs', [dict(alpha=0), dict(prob=2), dict(alpha='a')])
@pytest.mark.parametrize('type_', TRANSFORM_TYPES)
def test_bad_arguments_are_refused_when_built(type_, kwargs):
    with pytest.raises((ValueError, TypeError), match=f'`{next(iter(kwargs))}`'):
        build(type_, **kwargs)


def test_images_whose_labels_mean_other_things_are_refused():
    """Labels of open-vocabulary detectors number the phrases of each image's text."""
    transform = build('UnionMixTransform')
    transform(dict(results_of(1), text=('cat', 'dog')))
    transform(dict(results_of(2), text=('cat', 'dog')))
    with pytest.raises(ValueError, match=r"same `text`.*\('dog', 'cat'\)"):
        transform(dict(results_of(3), text=('dog', 'cat')))
