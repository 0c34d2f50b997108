"""Batch augments, alone and inside DetDataPreprocessor."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import MessageHub
from scipy.stats import kstest

from mmdet_lossmix.mixing.visibility import visible_objects
from tests.helpers.batches import mixed_batch
from tests.helpers.thin_detectors import thin_model_cfg

TYPES = ['BatchLossMix', 'BatchUnionMix', 'BatchNoiseMix']
CUTMIX = dict(type='CutMix', min_visible=0.3)


@pytest.fixture
def runner_state():
    """What a runner tells: seed and iteration."""
    hub = MessageHub.get_instance('batch_mix_test')
    MessageHub._instance_dict.move_to_end('batch_mix_test')
    hub.update_info('seed', 3)
    hub.update_info('iter', 0)
    yield hub
    MessageHub._instance_dict.pop('batch_mix_test')


def batch(n=3, masks=False, **kwargs):
    # Of Mask R-CNN, whose preprocessor pads masks.
    model = MODELS.build(thin_model_cfg('mask_rcnn'))
    items = [(i + 1, 0) for i in range(n)]
    return mixed_batch(model, [None] * n, items, masks=masks, **kwargs)


def build(type_, **kwargs):
    return MODELS.build(dict(type=type_, **kwargs))


@pytest.mark.parametrize('type_', TYPES)
def test_every_image_meets_the_one_before_it(type_, runner_state):
    inputs, samples = batch()
    mixed, _ = build(type_)(inputs, samples)
    inputs, mixed = inputs.double(), mixed.double()
    difference = (inputs - inputs.roll(1, 0)).flatten()
    lam = (mixed - inputs.roll(1, 0)).flatten() @ difference / (difference @ difference)
    assert 0 < lam < 1
    for i in range(3):
        expected = lam * inputs[i] + (1 - lam) * inputs[i - 1]
        torch.testing.assert_close(mixed[i], expected, rtol=0, atol=1e-3)


def test_lossmix_attaches_the_partner(runner_state):
    inputs, samples = batch()
    _, mixed = build('BatchLossMix')(inputs, samples)
    for i in range(3):
        assert len(mixed[i].gt_instances) == i + 1
        partner = samples[i - 1]
        assert torch.equal(
            mixed[i].partner.gt_instances.bboxes, partner.gt_instances.bboxes
        )
        assert mixed[i].partner.img_path == partner.img_path
        sizes = np.array([samples[i].img_shape, partner.img_shape])
        assert mixed[i].img_shape == mixed[i].partner.img_shape == tuple(sizes.max(0))
    assert len({s.mix_lambda for s in mixed}) == 1
    assert all('partner' not in s for s in samples)


def test_union_and_noise(runner_state):
    inputs, samples = batch()
    _, union = build('BatchUnionMix')(inputs, samples)
    assert [len(s.gt_instances) for s in union] == [1 + 3, 2 + 1, 3 + 2]
    assert [len(s.ignored_instances) for s in union] == [2, 2, 2]
    seen = set()
    for i in range(20):
        runner_state.update_info('iter', i)
        _, kept = build('BatchLossMix')(inputs, samples)
        own = kept[0].mix_lambda >= 0.5
        _, noise = build('BatchNoiseMix')(inputs, samples)
        expected = [1, 2, 3] if own else [3, 1, 2]
        assert [len(s.gt_instances) for s in noise] == expected
        assert all('partner' not in s for s in (*union, *noise))
        seen.add(own)
    assert seen == {True, False}


def test_proposals_go_with_the_annotations_that_are_kept(runner_state):
    inputs, samples = batch(num_proposals=4)
    seen = set()
    for iteration in range(10):
        runner_state.update_info('iter', iteration)
        own = build('BatchLossMix')(inputs, samples)[1][0].mix_lambda >= 0.5
        _, noise = build('BatchNoiseMix')(inputs, samples)
        for i, sample in enumerate(noise):
            source = samples[i if own else i - 1]
            assert torch.equal(sample.proposals.bboxes, source.proposals.bboxes)
        seen.add(own)
    assert seen == {True, False}


def test_masks_are_joined(runner_state):
    inputs, samples = batch(masks=True)
    _, union = build('BatchUnionMix')(inputs, samples)
    assert [len(s.gt_instances.masks) for s in union] == [4, 3, 5]


def test_lambda_depends_on_seed_and_iteration_alone(runner_state):
    inputs, samples = batch()

    def draw(seed, iteration, **kwargs):
        runner_state.update_info('seed', seed)
        runner_state.update_info('iter', iteration)
        torch.rand(3), np.random.rand(3)
        return build('BatchLossMix', **kwargs)(inputs, samples)[1][0].get('mix_lambda')

    assert draw(3, 7) == draw(3, 7)
    assert len({draw(3, 7), draw(3, 8), draw(4, 7)}) == 3
    lams = [draw(0, i) for i in range(300)]
    assert kstest(lams, 'beta', args=(1, 1)).pvalue > 0.01
    share = np.mean([draw(0, i, prob=0.3) is not None for i in range(300)])
    assert 0.2 < share < 0.4
    assert draw(0, 0, prob=0.0) is None


@pytest.mark.parametrize('type_', TYPES)
def test_a_batch_of_one_stays_unmixed(type_):
    augment = build(type_)
    inputs, samples = batch(1)
    mixed, same = augment(inputs, samples)
    assert torch.equal(mixed, inputs)
    assert same is samples
    assert augment.counts.total().tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    'wrong', [dict(type='BatchUnionMix'), dict(type='Compose', transforms=[]), None]
)
def test_an_operator_of_another_kind_is_refused(wrong):
    with pytest.raises((TypeError, KeyError)):
        build('BatchLossMix', operator=wrong)


def test_chained_after_a_resize_of_the_batch(runner_state):
    cfg = thin_model_cfg('fcos')
    cfg.data_preprocessor.batch_augments = [
        dict(type='BatchSyncRandomResize', random_size_range=(160, 161), interval=1),
        dict(type='BatchLossMix'),
    ]
    model = MODELS.build(dict(type='LossMixDetector', detector=cfg, weighting='batch'))
    for _ in range(2):
        inputs, samples = mixed_batch(model, [None, None])
    assert inputs.shape[-2:] == samples[0].partner.batch_input_shape
    model.train().loss(inputs, samples)


@pytest.mark.parametrize('kwargs', [dict(alpha=-1), dict(prob=2)])
@pytest.mark.parametrize('type_', TYPES)
def test_bad_arguments_are_refused_when_built(type_, kwargs):
    with pytest.raises(ValueError, match=f'`{next(iter(kwargs))}`'):
        build(type_, **kwargs)


def cut(type_, inputs, samples, **kwargs):
    """Mix a batch by CutMix; the window beside it."""
    augment = build(type_, operator=CUTMIX, **kwargs)
    draw, drawn = augment.operator.draw, []
    augment.operator.draw = lambda *args: drawn.append(draw(*args)) or drawn[0]
    inputs, mixed = augment(inputs, samples)
    return inputs, mixed, drawn[0][1].rescale(tuple(inputs.shape[-2:]))


def seen_of(instances, window, inside):
    """What is seen of boxes and labels, by the function that has its own tests."""
    masks = instances.get('masks')
    args = instances.bboxes, masks, window, inside, CUTMIX['min_visible']
    boxes, masks, keep = visible_objects(*args)
    seen = boxes[keep].tolist(), instances.get('labels', keep)[keep].tolist()
    return seen if masks is None else (*seen, masks[keep.numpy()].masks.tolist())


def shown(instances):
    """Boxes and labels (True where there are none) and masks, as lists."""
    boxes = instances.bboxes
    labels = instances.get('labels', boxes[:, 0] == boxes[:, 0])
    masks = [instances.masks.masks.tolist()] if 'masks' in instances else []
    return (boxes.tolist(), labels.tolist(), *masks)


@pytest.mark.parametrize('masks', [False, True])
def test_cutmix_pastes_one_rectangle_into_all_images(masks, runner_state):
    dropped = 0
    inputs, samples = batch(masks=masks)
    for i in range(10):
        runner_state.update_info('iter', i)
        before = [shown(s.gt_instances) for s in samples]
        mixed, kept, window = cut('BatchLossMix', inputs, samples)
        assert window.canvas == inputs.shape[-2:]
        expected = inputs.clone()
        expected[(..., *window.slices)] = inputs.roll(1, 0)[(..., *window.slices)]
        assert torch.equal(mixed, expected)
        lam = kept[0].mix_lambda
        height, width = window.canvas
        assert abs(lam - (1 - window.share)) <= 1 / height + 1 / width
        for j, sample in enumerate(kept):
            assert sample.mix_lambda == lam
            sides = (sample, samples[j], False), (sample.partner, samples[j - 1], True)
            for target, source, inside in sides:
                for key in ('gt_instances', 'ignored_instances'):
                    expected = seen_of(source.get(key), window, inside)
                    assert shown(target.get(key)) == expected
                dropped += len(source.gt_instances) - len(target.gt_instances)
        assert [shown(s.gt_instances) for s in samples] == before
        _, union, *_ = cut('BatchUnionMix', inputs, samples)
        _, noise, *_ = cut('BatchNoiseMix', inputs, samples)
        for sample, both, dominant in zip(kept, union, noise):
            own, partner = (
                shown(sample.gt_instances),
                shown(sample.partner.gt_instances),
            )
            joined = tuple(a + b for a, b in zip(own, partner))
            assert shown(both.gt_instances) == joined
            assert shown(dominant.gt_instances) == (own if lam >= 0.5 else partner)
    assert dropped > 10


def test_the_operator_draws_after_lambda(runner_state):
    inputs, samples = batch()
    for i in range(20):
        runner_state.update_info('iter', i)
        _, blended = build('BatchLossMix')(inputs, samples)
        _, kept, window = cut('BatchLossMix', inputs, samples)
        assert abs(blended[0].mix_lambda - kept[0].mix_lambda) < 1e-4
        assert cut('BatchLossMix', inputs, samples)[2] == window


def test_ranks_with_batches_of_other_sizes_have_the_same_lambda(runner_state):
    inputs, samples = batch()
    for i in range(20):
        runner_state.update_info('iter', i)
        _, kept, window = cut('BatchLossMix', inputs, samples)
        _, others, larger = cut('BatchLossMix', inputs.repeat(1, 1, 3, 2), samples)
        assert kept[0].mix_lambda == others[0].mix_lambda
        scaled = window.rescale(larger.canvas)
        assert np.abs(np.subtract(larger[:4], scaled[:4])).max() <= 2


def test_semantic_maps_of_a_composite_are_joined(runner_state):
    model = MODELS.build(thin_model_cfg('mask_rcnn'))
    inputs, samples = mixed_batch(
        model, [None, None], stuff=(0, 9), shapes=[(96, 128)] * 2
    )
    for sample in samples:
        sample.gt_sem_seg.sem_seg = sample.gt_sem_seg.sem_seg.to(torch.uint8)
    maps = [s.gt_sem_seg.sem_seg for s in samples]
    _, union, window = cut('BatchUnionMix', inputs, samples)
    _, kept, _ = cut('BatchLossMix', inputs, samples)
    _, noise, *_ = cut('BatchNoiseMix', inputs, samples)
    place = (..., *window.slices)
    for i in range(2):
        own, partner = maps[i].clone(), torch.full_like(maps[i], 255)
        own[place], partner[place] = 255, maps[i - 1][place]
        assert torch.equal(kept[i].gt_sem_seg.sem_seg, own)
        assert torch.equal(kept[i].partner.gt_sem_seg.sem_seg, partner)
        dominant = own if kept[0].mix_lambda >= 0.5 else partner
        assert torch.equal(noise[i].gt_sem_seg.sem_seg, dominant)
        own[place] = partner[place]
        assert torch.equal(union[i].gt_sem_seg.sem_seg, own)
    with pytest.raises(ValueError, match='gt_sem_seg'):
        build('BatchUnionMix')(inputs, samples)


@pytest.mark.parametrize('weighting', ['batch', 'image'])
def test_a_detector_trains_on_a_composite(weighting, runner_state):
    cfg = thin_model_cfg('fcos')
    cfg.data_preprocessor.batch_augments = [dict(type='BatchLossMix', operator=CUTMIX)]
    model = MODELS.build(
        dict(type='LossMixDetector', detector=cfg, weighting=weighting)
    )
    for i in range(3):
        runner_state.update_info('iter', i)
        inputs, samples = mixed_batch(model, [None, None])
        losses = model.train().loss(inputs, samples)
        assert all(torch.isfinite(torch.as_tensor(v)).all() for v in losses.values())


@pytest.mark.parametrize('operator', [dict(type='Blend'), CUTMIX])
@pytest.mark.parametrize('type_', TYPES)
def test_masks_of_images_of_different_sizes(type_, operator, runner_state):
    """mmdet pads the masks of objects that count to the batch, and no others."""
    shapes = (96, 112), (80, 128), (64, 100)
    inputs, samples = batch(3, masks=True, shapes=shapes)
    assert {s.ignored_instances.masks.masks.shape[1:] for s in samples} == {*shapes}
    for i in range(4):
        runner_state.update_info('iter', i)
        _, mixed = build(type_, operator=operator)(inputs, samples)
        for sample in mixed:
            for key in ('gt_instances', 'ignored_instances'):
                instances = sample.get(key)
                assert len(instances.masks) == len(instances.bboxes)


@pytest.mark.parametrize('type_', TYPES)
def test_boxes_without_area_are_dropped_from_an_image_without_partner(
    type_, runner_state
):
    """A batch of views of one file stays unmixed, and obeys the same rule."""
    inputs, samples = batch(3)
    for sample in samples:
        sample.set_metainfo(dict(img_path='a.jpg'))
    samples[2].gt_instances.bboxes[1, 2] = samples[2].gt_instances.bboxes[1, 0]
    mixed, kept = build(type_)(inputs, samples)
    assert torch.equal(mixed, inputs)
    assert [len(sample.gt_instances) for sample in kept] == [1, 2, 2]
    assert [len(sample.gt_instances) for sample in samples] == [1, 2, 3]


def test_images_whose_labels_mean_other_things_are_refused(runner_state):
    """Labels of open-vocabulary detectors number the phrases of each image's text."""
    inputs, samples = batch(2)
    for sample in samples:
        sample.set_metainfo(dict(text=('cat', 'dog')))
    build('BatchUnionMix')(inputs, samples)
    samples[1].set_metainfo(dict(text=('dog', 'cat')))
    with pytest.raises(ValueError, match=r"same `text`.*\('dog', 'cat'\)"):
        build('BatchUnionMix')(inputs, samples)
