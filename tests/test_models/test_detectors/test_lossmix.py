"""LossMixDetector against the naive oracle, and its contract."""

from collections import Counter

import pytest
import torch
from mmdet.registry import MODELS

from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import (
    batch_losses,
    flat,
    gradients,
    image_losses,
    relative_difference,
    seeded,
    target,
)
from tests.helpers.precision import double_precision
from tests.helpers.thin_detectors import (
    build_pair,
    pair_of,
    smallest,
    thin_model_cfg,
)

DETECTORS = ['faster_rcnn', 'retinanet', 'fcos']
EMPTY = {'own empty': [(0, 2), (0, 3)], 'both empty': [(0, 0), (0, 0)]}


# Of the largest value. mmdet computes FCOS' centerness and the losses of RPN and box
# head in float32, whatever the dtype.
TOLERANCE = {'retinanet': 1e-11, 'fcos': 1e-6, 'faster_rcnn': 1e-6, 'mask_rcnn': 1e-6}


@pytest.fixture
def float64():
    with double_precision():
        yield


def compare(plain, wrapped, oracle, inputs, samples, tolerance):
    expected = seeded(oracle)
    grads = gradients(plain, expected)
    actual = flat(seeded(wrapped.loss, inputs, samples))
    assert relative_difference(expected, actual) < tolerance
    assert relative_difference(grads, gradients(wrapped, actual)) < tolerance


@pytest.mark.parametrize('lam', [0.3, 0.0, 1.0])
@pytest.mark.parametrize('name', DETECTORS)
def test_batch_weighting_equals_two_passes(name, lam, float64):
    plain, wrapped = build_pair(name, weighting='batch')
    inputs, samples = mixed_batch(plain, [lam, lam])

    def oracle():
        if lam in (0, 1):
            which = 'own' if lam else 'partner'
            return flat(plain.loss(inputs, [target(s, which) for s in samples]))
        return batch_losses(plain, inputs, samples, lam)

    compare(plain, wrapped, oracle, inputs, samples, TOLERANCE[name])


@pytest.mark.parametrize('lams', [(0.3, 0.8), (0.0, 1.0), (None, 0.6), (None, None)])
@pytest.mark.parametrize('name', DETECTORS)
def test_image_weighting_equals_images_one_by_one(name, lams, float64):
    plain, wrapped = build_pair(name, weighting='image', roi_sampling='per_target')
    inputs, samples = mixed_batch(plain, lams)
    compare(
        plain,
        wrapped,
        lambda: image_losses(plain, inputs, samples),
        inputs,
        samples,
        TOLERANCE[name],
    )


@pytest.mark.parametrize('num_items', EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize('weighting', ['batch', 'image'])
@pytest.mark.parametrize('name', DETECTORS)
def test_empty_targets(name, weighting, num_items, float64):
    plain, wrapped = build_pair(name, weighting=weighting, roi_sampling='per_target')
    inputs, samples = mixed_batch(plain, [0.3, 0.3], num_items)
    oracle = {
        'batch': lambda: batch_losses(plain, inputs, samples, 0.3),
        'image': lambda: image_losses(plain, inputs, samples),
    }[weighting]
    compare(plain, wrapped, oracle, inputs, samples, TOLERANCE[name])


def test_float32_differs_by_rounding_only():
    plain, wrapped = build_pair('retinanet', weighting='batch')
    inputs, samples = mixed_batch(plain, [0.3, 0.3])
    compare(
        plain,
        wrapped,
        lambda: batch_losses(plain, inputs, samples, 0.3),
        inputs,
        samples,
        1e-3,
    )


def test_unmixed_image_suits_any_lambda_of_its_batch(float64):
    plain, wrapped = build_pair('fcos', weighting='batch')
    inputs, samples = mixed_batch(plain, [None, 0.3])
    compare(
        plain,
        wrapped,
        lambda: batch_losses(plain, inputs, samples, 0.3),
        inputs,
        samples,
        TOLERANCE['fcos'],
    )


@pytest.mark.parametrize('roi_sampling', ['joint', 'per_target'])
@pytest.mark.parametrize('name', DETECTORS)
def test_unmixed_batch_is_the_plain_detector_to_the_last_bit(name, roi_sampling):
    plain, wrapped = build_pair(name, weighting='batch', roi_sampling=roi_sampling)
    inputs, samples = mixed_batch(plain, [None, None])
    expected = flat(seeded(plain.loss, inputs, samples))
    actual = flat(seeded(wrapped.loss, inputs, samples))
    assert all(torch.equal(expected[k], actual[k]) for k in expected)
    grads, others = gradients(plain, expected), gradients(wrapped, actual)
    assert all(torch.equal(grads[k], others[k]) for k in grads)


def count_computations(detector, loss, *args):
    """How often the first layer with weights of each stage computes during ``loss``."""
    stages = dict(detector.named_children())
    if 'roi_head' in stages:
        stages['bbox_head'] = stages.pop('roi_head').bbox_head
    counts = Counter()
    handles = []
    for key, stage in stages.items():
        layers = [m for m in stage.modules() if list(m.parameters(recurse=False))]
        for layer in layers[:1]:
            hook = layer.register_forward_hook(lambda *_, key=key: counts.update([key]))
            handles.append(hook)
    loss(*args)
    for handle in handles:
        handle.remove()
    return counts


@pytest.mark.parametrize('weighting', ['batch', 'image'])
@pytest.mark.parametrize('name', DETECTORS)
def test_stages_without_a_target_run_once(name, weighting):
    plain, wrapped = build_pair(name, weighting=weighting, roi_sampling='joint')
    inputs, samples = mixed_batch(plain, [0.3, 0.3])
    own = [target(s, 'own') for s in samples]
    once = count_computations(plain, plain.loss, inputs, own)
    counts = count_computations(wrapped.detector, wrapped.loss, inputs, samples)
    for stage in once:
        of_rois = stage == 'bbox_head' and hasattr(plain, 'roi_head')
        runs = len(samples) if of_rois and weighting == 'image' else 1
        assert counts[stage] == runs * once[stage], stage


@pytest.mark.parametrize('weighting', ['batch', 'image'])
def test_proposals_are_made_once(weighting):
    _, wrapped = build_pair('faster_rcnn', weighting=weighting)
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3, 0.3])
    head, calls = wrapped.rpn_head, []
    single = head._predict_by_feat_single
    head._predict_by_feat_single = lambda *args, **kwargs: (
        calls.append(1) or single(*args, **kwargs)
    )
    wrapped.loss(inputs, samples)
    assert len(calls) == len(samples)


def test_heads_that_sample_no_rois_run_once():
    _, wrapped = pair_of(smallest('sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py'))
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    calls = []
    for i, head in enumerate(wrapped.roi_head.bbox_head):
        head.fc_cls.register_forward_hook(lambda *_, i=i: calls.append(i))
    wrapped.loss(inputs, samples)
    assert calls == [*range(len(wrapped.roi_head.bbox_head))]


def test_each_image_comes_with_its_own_pixels():
    """A distilling detector looks at them, and not only at features."""
    _, wrapped = build_pair('fcos', weighting='image')
    inputs, samples = mixed_batch(wrapped, [0.3, None, 0.6])
    loss, seen = wrapped.detector.loss, []
    wrapped.detector.loss = lambda x, given: seen.append(x) or loss(x, given)
    wrapped.loss(inputs, samples)
    expected = [inputs[i : i + 1] for i in (0, 0, 1, 2, 2)]
    assert len(seen) == len(expected)
    assert all(map(torch.equal, seen, expected))


@pytest.mark.parametrize('raises', [False, True])
def test_no_trace_is_left(raises):
    _, wrapped = build_pair('faster_rcnn')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    before = {n: set(vars(m)) for n, m in wrapped.named_modules()}
    sampler = wrapped.detector.roi_head.bbox_sampler
    if raises:
        broken = wrapped.detector.roi_head.bbox_head
        broken.loss_and_target = lambda **_: 1 / 0
        before['roi_head.bbox_head'] = set(vars(broken))
        with pytest.raises(ZeroDivisionError):
            wrapped.loss(inputs, samples)
    else:
        wrapped.loss(inputs, samples)
    assert {n: set(vars(m)) for n, m in wrapped.named_modules()} == before
    assert wrapped.detector.roi_head.bbox_sampler is sampler


def test_samples_are_left_as_they_were():
    _, wrapped = build_pair('faster_rcnn', weighting='image')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.6])
    before = [s.clone() for s in samples]
    wrapped.loss(inputs, samples)
    for sample, old in zip(samples, before):
        assert sample.keys() == old.keys()
        assert sample.partner.all_keys() == old.partner.all_keys()
        assert torch.equal(sample.gt_instances.bboxes, old.gt_instances.bboxes)
        assert torch.equal(
            sample.partner.gt_instances.labels, old.partner.gt_instances.labels
        )


def test_batch_norm_sees_the_mixed_batch_once():
    plain, wrapped = build_pair('faster_rcnn', weighting='image')
    inputs, samples = mixed_batch(plain, [0.3, 0.6])
    plain.extract_feat(inputs)
    wrapped.loss(inputs, samples)
    norms, others = dict(plain.named_buffers()), dict(wrapped.detector.named_buffers())
    for key in norms:
        assert torch.equal(norms[key], others[key]), key


@pytest.mark.parametrize('weighting', ['batch', 'image'])
def test_mask_rcnn_needs_no_code_of_its_own(weighting, float64):
    plain, wrapped = build_pair(
        'mask_rcnn', weighting=weighting, roi_sampling='per_target'
    )
    inputs, samples = mixed_batch(plain, [0.3, 0.3, 0.3], masks=True)
    oracle = {
        'batch': lambda: batch_losses(plain, inputs, samples, 0.3),
        'image': lambda: image_losses(plain, inputs, samples),
    }[weighting]
    tolerance = TOLERANCE['mask_rcnn']
    compare(plain, wrapped, oracle, inputs, samples, tolerance)


@pytest.mark.parametrize('weighting', ['batch', 'image'])
def test_joint_rois_with_ignored_masks_of_different_sizes(weighting):
    """mmdet pads the masks of objects that count to the batch, and no others."""
    _, wrapped = build_pair('mask_rcnn', weighting=weighting)
    batch = mixed_batch(wrapped, [None, None, None], masks=True)
    inputs, samples = MODELS.build(dict(type='BatchLossMix'))(*batch)
    own = [s.ignored_instances.masks.masks.shape for s in samples]
    assert own != [s.partner.ignored_instances.masks.masks.shape for s in samples]
    losses = wrapped.loss(inputs, samples)
    assert sum(flat(losses).values()).isfinite()


def test_a_head_that_cannot_take_an_image_alone_is_named():
    """PointRend asserts that there is an object in its batch."""
    plain, wrapped = pair_of(
        smallest('point_rend/point-rend_r50-caffe_fpn_ms-1x_coco.py')
    )
    inputs, samples = mixed_batch(plain, [0.3, 0.3], [(0, 2), (2, 2)], masks=True)
    losses = flat(wrapped.loss(inputs, samples))
    assert sum(losses.values()).isfinite()
    wrapped.weighting = 'image'
    with pytest.raises(ValueError, match=r"Use weighting='batch'.*RoI is a empty"):
        wrapped.loss(inputs, samples)


@pytest.mark.parametrize('error', [IndexError, RuntimeError, KeyError, AssertionError])
@pytest.mark.parametrize('name', ['fcos', 'faster_rcnn'])
def test_whatever_a_head_raises_of_an_image_alone_is_explained(name, error):
    _, wrapped = build_pair(name, weighting='image')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.6])
    head = wrapped.bbox_head if name == 'fcos' else wrapped.roi_head
    loss = head.loss

    def fails_alone(x, *args, **kwargs):
        if len(x[0]) == 1:
            raise error('one image is too few')
        return loss(x, *args, **kwargs)

    head.loss = fails_alone
    with pytest.raises(ValueError, match=rf"weighting='batch'.*{error.__name__}"):
        wrapped.loss(inputs, samples)


def test_a_full_gpu_is_not_explained():
    """Fewer images help, and another weighting does not."""
    _, wrapped = build_pair('fcos', weighting='image')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.6])

    def full(*_):
        raise torch.cuda.OutOfMemoryError('no memory left')

    wrapped.bbox_head.loss = full
    with pytest.raises(torch.cuda.OutOfMemoryError, match=r'^no memory left'):
        wrapped.loss(inputs, samples)


def test_a_mixed_batch_that_was_loaded_before_mixing_stopped():
    _, wrapped = build_pair('fcos', weighting='batch')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    expected = flat(wrapped.loss(inputs, samples))
    wrapped.mixing = False
    assert relative_difference(expected, flat(wrapped.loss(inputs, samples))) == 0


def test_inference_and_attributes_go_to_the_detector():
    plain, wrapped = build_pair('faster_rcnn')
    inputs, samples = mixed_batch(plain, [None, None])
    plain.eval(), wrapped.eval()
    for mode in ('predict', 'tensor'):
        expected = plain(inputs, [s.clone() for s in samples], mode)
        actual = wrapped(inputs, [s.clone() for s in samples], mode)
        if mode == 'predict':
            expected = [s.pred_instances.bboxes for s in expected]
            actual = [s.pred_instances.bboxes for s in actual]
        torch.testing.assert_close(actual, expected, rtol=0, atol=0)
    assert wrapped.roi_head is wrapped.detector.roi_head
    assert wrapped.with_rpn
    assert wrapped.with_neck
    with pytest.raises(AttributeError, match='no_such_thing'):
        _ = wrapped.no_such_thing


def test_checkpoint_has_plain_keys_both_ways():
    plain, wrapped = build_pair('faster_rcnn')
    assert list(wrapped.state_dict()) == list(plain.state_dict())
    for p in wrapped.parameters():
        torch.nn.init.normal_(p)
    plain.load_state_dict(wrapped.state_dict(), strict=True)
    assert torch.equal(plain.backbone.conv1.weight, wrapped.backbone.conv1.weight)
    with pytest.raises(RuntimeError, match='Unexpected key'):
        wrapped.load_state_dict({**plain.state_dict(), 'nobody.weight': torch.ones(1)})


def test_different_lambdas_are_refused_in_batch_weighting():
    _, wrapped = build_pair('fcos', weighting='batch')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.4])
    with pytest.raises(ValueError, match=r"weighting='image'.*0\.3, 0\.4"):
        wrapped.loss(inputs, samples)


def test_non_finite_loss_names_loss_and_images():
    _, wrapped = build_pair('fcos', weighting='image')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.4])
    torch.nn.init.constant_(wrapped.bbox_head.conv_cls.bias, float('nan'))
    with pytest.raises(
        FloatingPointError, match=r'loss_cls.*own_0\.jpg mixed with partner_0'
    ):
        wrapped.loss(inputs, samples)


@pytest.mark.parametrize(
    ('detector', 'match'),
    [
        (dict(type='ResNet', depth=18), 'ResNet'),
        ('faster_rcnn', 'faster_rcnn'),
        (dict(backbone=dict()), 'a dict with `type`'),
        (
            dict(
                type='LossMixTeacher', detector=thin_model_cfg('fcos'), burn_in_iters=1
            ),
            'got a LossMixTeacher',
        ),
    ],
)
def test_what_is_no_detector_is_refused(detector, match):
    with pytest.raises(TypeError, match=f'Pass `detector=.*{match}'):
        MODELS.build(dict(type='LossMixDetector', detector=detector))


def test_arguments_beside_a_whole_detector_are_refused():
    """They would be lost without a word."""
    detector = thin_model_cfg('fcos')
    with pytest.raises(TypeError, match=r"_delete_=True.* beside \['bbox_head'\]"):
        MODELS.build(dict(type='LossMixDetector', detector=detector, bbox_head=dict()))


@pytest.mark.parametrize(
    ('argument', 'value'), [('weighting', 'sum'), ('roi_sampling', 'both')]
)
def test_unknown_options_are_refused(argument, value):
    with pytest.raises(ValueError, match=f'`{argument}`.*{value}'):
        MODELS.build(
            dict(
                type='LossMixDetector',
                detector=thin_model_cfg('fcos'),
                **{argument: value},
            )
        )


def test_data_preprocessor_entries_go_over_the_detectors_own():
    wrapped = MODELS.build(
        dict(
            type='LossMixDetector',
            detector=thin_model_cfg('fcos'),
            data_preprocessor=dict(
                batch_augments=[dict(type='BatchLossMix')], pad_size_divisor=64
            ),
        )
    )
    assert len(wrapped.data_preprocessor.batch_augments) == 1
    assert wrapped.data_preprocessor.pad_size_divisor == 64
    assert wrapped.data_preprocessor.mean.flatten().tolist()[0] > 100
    assert wrapped.detector.data_preprocessor is wrapped.data_preprocessor
