"""Hostile steps around mixing, and CutMix at both ends of lambda, on hostile data."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.logging import MMLogger

from tests.helpers.naive_mix import PAD, known, on_canvas, readings, said
from tests.helpers.recorder import (
    STRATEGIES,
    WAYS,
    InMemory,
    batches,
    name_of,
)
from tests.test_hostile.test_data import (
    BOX,
    BOXES,
    MAPS,
    MASKS,
    PIXELS,
    SIZES,
    bitmap,
    image,
    images,
    seg,
)

CUT_TABLE = {
    name: case
    for name, case in {**SIZES, **PIXELS, **BOXES, **MASKS, **MAPS}.items()
    if not case.refused and case.unmixed is False
}


def flip(results):
    """An image and its boxes, mirrored from left to right."""
    boxes = results['gt_bboxes'].tensor.clone()
    boxes[:, ::2] = results['img'].shape[1] - boxes[:, [2, 0]]
    return dict(results, img=results['img'][:, ::-1], gt_bboxes=HorizontalBoxes(boxes))


@pytest.mark.parametrize('way', WAYS)
def test_flipped_before(way):
    given = images(image(), image(9, 7, [(0, 2, 4, 6), BOX]), image(6, 12))
    originals = [known(flip(results)) for results in given]
    flips = [dict(type='RandomFlip', prob=1.0)]
    mixed = 0
    for inputs, samples, *_ in batches(way, 'LossMix', given, before=flips):
        for picture, sample in zip(
            inputs.permute(0, 2, 3, 1).double().numpy(), samples
        ):
            assert said(sample) == originals[sample.img_id].annotations
            if 'partner' not in sample:
                continue
            mixed += 1
            index, lam = sample.img_id, sample.mix_lambda
            (found,) = readings(picture, index, originals, way == 'batch', lam)
            assert said(sample.partner) == originals[found.partner].annotations
    assert mixed > 5


@pytest.mark.parametrize('way', WAYS)
def test_colours_that_change_afterwards_move_nothing(way):
    given = images(image(), image(9, 7))
    originals = [known(results) for results in given]
    after = [
        dict(type='PhotoMetricDistortion'),
        dict(type='CutOut', n_holes=1, cutout_shape=(3, 3)),
    ]
    for _, samples, *_ in batches(way, 'LossMix', given, after=after):
        for sample in samples:
            assert said(sample) == originals[sample.img_id].annotations
            if 'partner' in sample:
                other = originals[1 - sample.img_id]
                assert said(sample.partner) == other.annotations


@pytest.mark.parametrize('way', ['cache', 'dataset'])
@pytest.mark.parametrize(
    'step',
    [
        dict(type='RandomErasing', n_patches=40, ratio=0.9),
        dict(type='RandomFlip', prob=1.0),
        dict(type='Resize', scale=(30, 30)),
        dict(type='RandomShift', prob=1.0, max_shift_px=4),
        dict(type='RandomCrop', crop_size=(4, 4), allow_negative_crop=True),
    ],
    ids=lambda step: step['type'],
)
def test_what_moves_or_hides_objects_afterwards_is_refused(step, way):
    given = images(*(image(40, 50, [(5, 5, 45, 35)]) for _ in range(3)))
    with pytest.raises(ValueError, match=r'Put Resize, .* before LossMixTransform'):
        batches(way, 'LossMix', given, after=[step])


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('strategy', ['Noise', 'Sampled'])
def test_of_an_image_that_is_noise_nothing_stays(strategy, way):
    """Not even what its partner lacks: masks, a map, ignored objects."""
    everything = image(
        gt_masks=bitmap(8, 10), gt_seg_map=seg(8, 10), gt_ignore_flags=np.ones(1, bool)
    )
    given = images(everything, image(gt_ignore_flags=None))
    originals = [known(results) for results in given]
    swapped = 0
    for seed in range(3):
        for _, samples, *_ in batches(
            way, strategy, given, dict(alpha=0.1), seed=seed, padding=False
        ):
            for sample in samples:
                own, other = originals[sample.img_id], originals[1 - sample.img_id]
                fits = said(sample) == own.annotations
                assert fits or said(sample) == other.annotations
                assert ('masks' in sample.gt_instances) == (
                    (sample.img_id == 0) == fits
                )
                swapped += not fits
    assert swapped


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('name', CUT_TABLE)
def test_cut(name, way):
    case = CUT_TABLE[name]
    originals = [known(results) for results in case.images]
    for strategy in STRATEGIES:
        for alpha in (1.0, 1e-3):
            mix = dict(operator=dict(type='CutMix'), alpha=alpha)
            ((inputs, samples, *_),) = batches(
                way, strategy, case.images, mix, epochs=1
            )
            pictures = inputs.permute(0, 2, 3, 1).double().numpy()
            for picture, sample in zip(pictures, samples):
                check_cut(picture, sample, originals, way == 'batch')


def check_cut(picture, sample, originals, in_batch):
    """Each pixel is of one of two images, each object lies in one of theirs."""
    own = originals[sample.img_id]
    others = [o for o in originals if o is not own and o.path != own.path]
    if 'partner' in sample:
        others = [o for o in others if o.path == sample.partner.get('img_path')]
    fitting = [o for o in [*others, own] if pasted(picture, own, o, in_batch)]
    assert fitting, 'a pixel is of neither image'
    found, ignored, _ = said(sample)
    if 'partner' not in sample:
        assert any(
            all(within(row, own.found + other.found) for row in found)
            and all(within(row, own.ignored + other.ignored) for row in ignored)
            for other in fitting
        )
        return
    lam = sample.mix_lambda
    (other,) = others
    assert all(within(row, own.found) for row in found)
    assert all(within(row, other.found) for row in said(sample.partner)[0])
    height, width = sample.img_shape
    canvas = on_canvas(own.img, (height, width), 0.0 if in_batch else PAD)
    changed = (picture[:height, :width] != canvas).any(2)
    if not in_batch:
        assert changed.mean() <= 1 - lam + 1e-9
    if lam == 1:
        assert not changed.any()
        assert (found, said(sample.partner)[0]) == (own.found, [])
    if lam == 0:
        assert (found, said(sample.partner)[0]) == ([], other.found)


def pasted(picture, own, other, in_batch):
    """Whether each pixel is one of two images' that lie on one canvas."""
    canvas = picture.shape[:2]
    if not in_batch:
        canvas = np.maximum(own.img.shape[:2], other.img.shape[:2])
        if (canvas > picture.shape[:2]).any():
            return False
    pad = 0.0 if in_batch else PAD
    seen = picture[: canvas[0], : canvas[1]]
    laid = [on_canvas(o.img, canvas, pad) for o in (own, other)]
    return bool(np.logical_or(*((seen == a).all(2) for a in laid)).all())


def within(row, rows):
    """Whether an object is a part of one of others, with its label."""
    (x1, y1, x2, y2), label = row[:4], row[4:5]
    return any(
        a <= x1 < x2 <= c and b <= y1 < y2 <= d and label == other[4:5]
        for other in rows
        for a, b, c, d in [other[:4]]
    )


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('way', WAYS)
def test_an_image_that_is_mixed_already_is_refused(way, strategy):
    """Also outside of a run, where no config is checked."""
    given = images(image(), image(9, 7), image(6, 12))
    first = [dict(type='LossMixTransform')]
    if way == 'batch':
        pipeline = [*first, dict(type='PackLossMixInputs')]
        dataset = InMemory(given, pipeline)
        packed = [dataset[i] for i in range(3)]
        augment = MODELS.build(dict(type=f'Batch{name_of(strategy)}'))
        samples = [one['data_samples'] for one in packed]
        with pytest.raises(ValueError, match=r'Remove Batch.* got an image that'):
            augment(torch.zeros(3, 3, 9, 12), samples)
        return
    with pytest.raises(ValueError, match=rf'Remove {name_of(strategy)}Transform or'):
        batches(way, strategy, given, before=first)


@pytest.mark.parametrize('way', WAYS)
def test_degenerate_boxes_are_named_once(way, tmp_path):
    log = tmp_path / 'run.log'
    name = f'degenerate_{way}'
    MMLogger.get_instance(name, logger_name=name, log_file=str(log))
    bad = [(3, 2, 3, 6), (float('nan'), 2, 3, 5), BOX]
    batches(way, 'LossMix', images(image(boxes=bad), image()), epochs=4)
    assert log.read_text().count('Boxes without width or height') == 1
