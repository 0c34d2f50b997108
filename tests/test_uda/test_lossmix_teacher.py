"""LossMixTeacher against losses that are put together by hand."""

import copy
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import MessageHub, MMLogger
from mmengine.structures import InstanceData

from mmdet_lossmix.mixing.strategies import STRATEGIES, Strategy
from mmdet_lossmix.models.one_forward import LossTerm
from mmdet_lossmix.models.one_forward.roi_sampling import JointSampling
from mmdet_lossmix.uda.batches import TARGET, DomainBatch
from tests.helpers.oracle import flat, gradients, relative_difference, seeded
from tests.helpers.teacher import batch, build, detector_cfg, on_canvas, only_losses

DETECTORS = ['faster_rcnn', 'retinanet', 'fcos']
TOLERANCE = {'retinanet': 1e-7, 'fcos': 1e-6, 'faster_rcnn': 1e-6}
PSEUDO_LOSSES = {
    'faster_rcnn': {'loss_rpn_cls', 'loss_cls'},
    'retinanet': {'loss_cls'},
    'fcos': {'loss_cls'},
}


def by_hand(model, plain, inputs, samples, pairing, lam, keep, joint=False):
    """The losses of an adaptation step, by the paper's equations."""
    found = model.teacher.predict(
        inputs['unsup_teacher'], samples['unsup_teacher'], rescale=False
    )
    pseudo = []
    for sample, prediction in zip(samples['unsup_student'], found):
        p = prediction.pred_instances
        sample = sample.clone()
        sample.gt_instances = InstanceData(bboxes=p.bboxes, labels=p.labels)
        sample.ignored_instances = sample.gt_instances[:0]
        pseudo.append(sample)
    xs, xt = inputs['sup'], inputs['unsup_student']
    canvas = [max(a, b) for a, b in zip(xs.shape[2:], xt.shape[2:])]
    everything = lambda key: True  # noqa: E731
    classification = lambda key: key in keep  # noqa: E731
    source = xs, samples['sup'], everything
    target = xt, pseudo, classification
    total = {}
    for name, own, other in (
        ('source', source, target),
        ('target', target, source),
    ):
        x, targets, counts = own
        if pairing is None:
            terms, x_mixed = [(1.0, targets, counts)], x
            size = x.shape[2:]
        else:
            if pairing == 'intra':
                other = own[0].roll(1, 0), [*own[1][-1:], *own[1][:-1]], own[2]
            size = canvas if pairing == 'inter' else x.shape[2:]
            a, b = on_canvas(x, size), on_canvas(other[0], size)
            x_mixed = lam * a + (1 - lam) * b
            terms = [(lam, targets, counts), (1 - lam, other[1], other[2])]
        frames = [
            {
                key: tuple(max(s) for s in zip(*(t[i].get(key) for _, t, _ in terms)))
                for key in ('img_shape', 'pad_shape')
            }
            for i in range(len(x))
        ]
        framed = [[t.clone() for t in targets] for _, targets, _ in terms]
        for t, frame in (pair for one in framed for pair in zip(one, frames)):
            t.set_metainfo({**frame, 'batch_input_shape': tuple(size)})
        weighted = [LossTerm(t, w) for t, (w, _, _) in zip(framed, terms)]
        sampling = JointSampling(plain, weighted if joint else [])
        found = []
        for one in framed:
            with sampling.serving(one) if joint else nullcontext():
                found.append(plain.loss(x_mixed, one))
        for (weight, _, counts), losses in zip(terms, found):
            for key, value in flat(losses).items():
                if 'loss' in key and counts(key.split('.')[0].split('[')[0]):
                    key = f'{name}_{key}'
                    total[key] = total.get(key, 0) + weight * value
    return total


@pytest.mark.parametrize(
    ('name', 'pairing', 'roi_sampling'),
    [
        *((name, p, 'per_target') for name in DETECTORS for p in ('intra', 'inter')),
        *(('faster_rcnn', pairing, 'joint') for pairing in ('intra', 'inter')),
        ('faster_rcnn', None, 'joint'),
    ],
)
def test_adaptation_is_the_paper_s_equations(name, pairing, roi_sampling, float64):
    mix = pairing and dict(inter_share=float(pairing == 'inter'))
    model, plain = build(name, adaptation_mix=mix, roi_sampling=roi_sampling)
    joint = roi_sampling == 'joint' and pairing is not None
    inputs, samples = batch(plain, 3, 3)  # rolled to and fro, two are the same
    actual = seeded(model.loss, inputs, samples)
    assert actual['pairing'] == {None: 0, 'intra': 1, 'inter': 2}[pairing]
    assert actual['pseudo_per_image'] == 3
    lam = actual['mix_lambda'].item()
    assert 0 < lam < 1 or pairing is None
    keep = PSEUDO_LOSSES[name]
    expected = seeded(by_hand, model, plain, inputs, samples, pairing, lam, keep, joint)
    actual = only_losses(actual)
    assert set(actual) == set(expected)
    assert relative_difference(expected, actual) < TOLERANCE[name]
    grads = gradients(plain, expected)
    assert (
        relative_difference(grads, gradients(model.student, actual)) < TOLERANCE[name]
    )
    assert all(p.grad is None for p in model.teacher.parameters())


@pytest.mark.parametrize('name', ['retinanet', 'faster_rcnn'])
@pytest.mark.parametrize('inter', [False, True])
def test_union_trains_on_all_objects_but_regresses_to_true_ones(name, inter, float64):
    """Both annotations as one; pseudo boxes cause no regression, on either images."""
    mix = dict(strategy='union', inter_share=float(inter))
    model, plain = build(name, adaptation_mix=mix, roi_sampling='joint')
    inputs, samples = batch(plain)
    losses = seeded(model.loss, inputs, samples)
    lam, actual = losses['mix_lambda'].item(), only_losses(losses)
    pseudo = model.last_pseudo
    expected = seeded(union_by_hand, plain, inputs, samples['sup'], pseudo, lam, inter)
    assert relative_difference(expected, actual) < TOLERANCE[name]


def union_by_hand(plain, inputs, truths, pseudo, lam, inter):
    source, target = inputs['sup'], inputs['unsup_student']
    expected = {}
    for name, x, own, other, y in (
        ('source', source, truths, pseudo, target),
        ('target', target, pseudo, truths, source),
    ):
        if not inter:
            other, y = own[::-1], x.flip(0)
        size = [max(a, b) for a, b in zip(x.shape[2:], y.shape[2:])]
        x = lam * on_canvas(x, size) + (1 - lam) * on_canvas(y, size)
        union = [joined(*pair, size) for pair in zip(own, other)]
        truth = own if name == 'source' else other
        truth = [joined(t, None, size, u) for t, u in zip(truth, union)]
        losses = flat(plain.loss(x, union))
        expected.update({f'{name}_{k}': v for k, v in losses.items() if 'cls' in k})
        if inter:
            losses = flat(plain.loss(x, truth))
        if inter or name == 'source':
            boxes = {k: v for k, v in losses.items() if 'bbox' in k}
            expected.update({f'{name}_{k}': v for k, v in boxes.items()})
    return expected


def joined(sample, other, size, like=None):
    """A sample with its objects and another's, in the frame of both."""
    both = [sample] if other is None else [sample, other]
    out = sample.clone()
    frame = {
        key: tuple(max(s) for s in zip(*(t.get(key) for t in both)))
        for key in ('img_shape', 'pad_shape')
    }
    if like is not None:
        frame = {key: like.get(key) for key in frame}
    out.set_metainfo({**frame, 'batch_input_shape': tuple(size)})
    for field, keys in (
        ('gt_instances', ('bboxes', 'labels')),
        ('ignored_instances', ('bboxes',)),
    ):
        values = {k: torch.cat([t.get(field)[k] for t in both]) for k in keys}
        setattr(out, field, InstanceData(**values))
    return out


def test_noise_trains_on_the_dominant_image_s_annotations_alone(float64):
    mix = dict(strategy='noise', inter_share=1.0)
    model, plain = build(adaptation_mix=mix)
    inputs, samples = batch(plain)
    losses = model.loss(inputs, samples)
    lam = losses['mix_lambda'].item()
    # The one whose target counts may regress to it, in both batches or in neither.
    regressing = {k.split('_')[0] for k in losses if k.endswith('loss_bbox')}
    assert regressing == ({'source'} if lam >= 0.5 else {'target'})


def test_images_without_pseudo_labels(float64):
    """They are background, or cause no loss at all."""
    inputs, samples = None, None
    losses = {}
    for without in ('background', 'ignored'):
        model, plain = build(pseudo_labels=dict(score_thr=0.999, without=without))
        inputs, samples = batch(plain)
        losses[without] = model.loss(inputs, samples)
        assert losses[without]['pseudo_per_image'] == 0
    empty = [s.clone() for s in model.last_pseudo]
    assert all(len(s.gt_instances) == 0 for s in empty)
    expected = flat(plain.loss(inputs['unsup_student'], empty))
    actual = {
        k[len('target_') :]: v
        for k, v in flat(losses['background']).items()
        if k.startswith('target_')
    }
    assert relative_difference({k: expected[k] for k in actual}, actual) < 1e-9
    assert {k for k in actual if 'loss' in k} == {k for k in expected if 'cls' in k}
    assert not [k for k in losses['ignored'] if k.startswith('target_')]
    # What is known of the source is normalised over its batch in either case.
    sources = [
        {k: v for k, v in only_losses(one).items() if k.startswith('source_')}
        for one in losses.values()
    ]
    assert relative_difference(*sources) == 0


@pytest.mark.parametrize('strategy', ['lossmix', 'union'])
def test_ignored_images_leave_the_share_of_their_partners(strategy, float64):
    """Mixed across domains, what is left is the source's term."""
    model, plain = build(
        pseudo_labels=dict(score_thr=0.999, without='ignored'),
        adaptation_mix=dict(strategy=strategy, inter_share=1.0),
    )
    inputs, samples = batch(plain)
    losses = model.loss(inputs, samples)
    lam = losses['mix_lambda'].item()
    share = 1.0 if strategy == 'union' else lam
    kept = source_alone(plain, inputs, samples, lam, share)
    actual = {k: v for k, v in only_losses(losses).items() if k.startswith('source')}
    assert relative_difference(kept, actual) < 1e-7


def test_an_image_of_two_domains_without_any_object_is_background(float64):
    """Ignored are images of which nothing is known; of the source, all is."""
    model, plain = build(
        pseudo_labels=dict(score_thr=0.999, without='ignored'),
        adaptation_mix=dict(strategy='union', inter_share=1.0),
    )
    inputs, samples = batch(plain)
    for sample in samples['sup']:
        sample.gt_instances = sample.gt_instances[:0]
    losses = model.loss(inputs, samples)
    kept = source_alone(plain, inputs, samples, losses['mix_lambda'].item(), 1.0)
    actual = {k: v for k, v in only_losses(losses).items() if 'source_loss_cls' in k}
    assert relative_difference({k: kept[k] for k in actual}, actual) < 1e-7
    assert sum(actual.values()) > 0


def source_alone(plain, inputs, samples, lam, share):
    """Losses on a blend of both domains against the source's annotations."""
    x, y = inputs['sup'], inputs['unsup_student']
    size = [max(a, b) for a, b in zip(x.shape[2:], y.shape[2:])]
    mixed = lam * on_canvas(x, size) + (1 - lam) * on_canvas(y, size)
    pairs = zip(samples['sup'], samples['unsup_student'])
    framed = [joined(a, None, size, joined(a, b, size)) for a, b in pairs]
    losses = flat(plain.loss(mixed, framed))
    return {f'source_{key}': share * value for key, value in losses.items()}


@pytest.mark.parametrize('mixing', [True, False])
def test_burn_in_trains_on_the_source_with_target_noise(mixing, float64):
    model, plain = build(burn_in_iters=10, warmup_mix=dict(max_share=0.3))
    model.mixing = mixing
    inputs, samples = batch(plain)
    actual = model.loss(inputs, samples)
    lam = actual['mix_lambda'].item()
    x, truth = inputs['sup'], samples['sup']
    if mixing:
        assert 0.7 <= lam < 1
        y = inputs['unsup_student']
        size = [max(a, b) for a, b in zip(x.shape[2:], y.shape[2:])]
        x = lam * on_canvas(x, size) + (1 - lam) * on_canvas(y, size)
        truth = [
            joined(t, None, size, joined(t, u, size))
            for t, u in zip(truth, samples['unsup_student'])
        ]
    else:
        assert lam == 1
    expected = {f'source_{k}': v for k, v in flat(plain.loss(x, truth)).items()}
    assert relative_difference(expected, only_losses(actual)) < 1e-7


def test_every_step_draws_a_lambda_of_its_own(monkeypatch):
    """And the same one again after a resume."""
    model, plain = build(adaptation_mix=dict())
    given, hub = batch(plain), MessageHub.get_current_instance()

    def draw(iteration, seed):
        monkeypatch.setitem(hub.runtime_info, 'seed', seed)
        hub.update_info('iter', iteration)
        return model.loss(*given)['mix_lambda'].item()

    steps = (0, 0), (1, 0), (2, 0), (0, 1)
    drawn = [draw(*step) for step in steps]
    assert len(set(drawn)) == len(steps)
    assert [draw(*step) for step in steps] == drawn


def test_a_burn_in_that_mixes_needs_images_of_the_target():
    """Also if no adaptation follows."""
    options = dict(burn_in_iters=9, pseudo_labels=None, warmup_mix=dict())
    model, plain = build(**options)
    inputs, samples = batch(plain)
    losses = model.loss(inputs, samples)
    assert 0.7 <= losses['mix_lambda'] < 1
    del inputs['unsup_student'], samples['unsup_student']
    with pytest.raises(ValueError, match=r"fills \['unsup_student'\]"):
        model.loss(inputs, samples)


def test_mixing_stops_with_the_switch():
    model, plain = build(adaptation_mix=dict())
    model.mixing = False
    losses = model.loss(*batch(plain))
    assert (losses['pairing'], losses['mix_lambda']) == (0, 1)


@pytest.mark.parametrize('pairing', ['intra', 'inter'])
def test_domains_of_different_size_mix(pairing):
    mix = dict(inter_share=float(pairing == 'inter'))
    model, plain = build(adaptation_mix=mix)
    loss, seen = model.student.loss, []
    model.student.loss = lambda x, given: seen.append((x, given)) or loss(x, given)
    losses = model.loss(*batch(plain, sources=3, targets=2))
    # Fewer partners come over again, from the first on.
    five = DomainBatch(torch.arange(2), ['a', 'b'], None, TARGET).taken(5)
    assert (five.samples, five.inputs.tolist()) == ([*'ababa'], [0, 1, 0, 1, 0])
    for x, samples in seen:  # a transformer masks the padding by it
        assert {s.batch_input_shape for s in samples} == {tuple(x.shape[2:])}
    assert losses['pairing'] == {'intra': 1, 'inter': 2}[pairing]
    assert all(v.isfinite().all() for v in only_losses(losses).values())


def test_ground_truth_may_say_more_than_pseudo_labels():
    mix = dict(strategy='union', inter_share=1.0)
    losses = []
    for fields in ({}, dict(areas=torch.ones(3), occluded=torch.ones(3))):
        model, plain = build(adaptation_mix=mix)
        inputs, samples = batch(plain)
        for sample in samples['sup']:
            for key, value in fields.items():
                sample.gt_instances.set_field(value, key)
        losses.append(only_losses(model.loss(inputs, samples)))
    assert relative_difference(*losses) == 0


def test_an_image_is_not_mixed_with_another_view_of_its_file():
    """An endless sampler may draw an image twice for one batch."""
    model, plain = build(adaptation_mix=dict(inter_share=0.0, strategy='union'))
    inputs, samples = batch(plain, sources=3)
    boxes = [sample.gt_instances.bboxes for sample in samples['sup']]
    samples['sup'][1].set_metainfo(dict(img_path=samples['sup'][0].img_path))
    seen = []
    loss = model.student.loss
    model.student.loss = lambda x, given: seen.append(given) or loss(x, given)
    model.loss(inputs, samples)
    for i, j in ((0, 2), (1, 2), (2, 1)):
        united = torch.cat([boxes[i], boxes[j]])
        assert torch.equal(seen[0][i].gt_instances.bboxes, united)


@pytest.mark.parametrize('strategy', ['union', 'lossmix'])
def test_a_batch_of_one_file_stays_unmixed(strategy):
    """Union would have each box twice."""
    model, plain = build(adaptation_mix=dict(inter_share=0.0, strategy=strategy))
    inputs, samples = batch(plain)
    for sample in samples['sup']:
        sample.set_metainfo(dict(img_path='one.jpg'))
    seen = []
    loss = model.student.loss
    model.student.loss = lambda x, given: seen.append((x, given)) or loss(x, given)
    model.loss(inputs, samples)
    images, given = seen[0]
    assert torch.equal(images, inputs['sup'])
    for sample, known in zip(given, samples['sup']):
        assert torch.equal(sample.gt_instances.bboxes, known.gt_instances.bboxes)


def test_an_image_alone_has_no_partner_in_its_domain():
    model, plain = build(adaptation_mix=dict(inter_share=0.0))
    inputs, samples = batch(plain, sources=1, targets=1)
    mixed = only_losses(model.loss(inputs, samples))
    model.mixing = False
    unmixed = only_losses(model.loss(inputs, samples))
    assert relative_difference(mixed, unmixed) == 0
    model.mixing, model.adaptation_mix.inter_share = True, 1.0  # but in the other one
    mixed = only_losses(model.loss(inputs, samples))
    assert 'target_loss_bbox.0' in mixed.keys() - unmixed.keys()


@pytest.mark.parametrize('burn_in_iters', [0, 9])
def test_views_of_different_geometry_are_refused(burn_in_iters):
    """At once, and not when burn-in ends."""
    model, plain = build(burn_in_iters=burn_in_iters)
    inputs, samples = batch(plain)
    path = samples['unsup_student'][0].img_path
    samples['unsup_student'][0].set_metainfo(dict(img_path='another.jpg'))
    with pytest.raises(ValueError, match='differ in `img_path`'):
        model.loss(inputs, samples)
    samples['unsup_student'][0].set_metainfo(dict(img_path=path))
    samples['unsup_student'][1].set_metainfo(dict(scale_factor=(0.5, 0.5)))
    with pytest.raises(ValueError, match='differ in `scale_factor`'):
        model.loss(inputs, samples)
    samples['unsup_student'][1].set_metainfo(dict(scale_factor=(0.5, 0.25)))
    sides = {'unsup_teacher': 'vertical', 'unsup_student': 'horizontal'}
    for name, side in sides.items():
        samples[name][0].set_metainfo(dict(flip=True, flip_direction=side))
    with pytest.raises(ValueError, match='differ in `flip_direction`'):
        model.loss(inputs, samples)
    for name in sides:
        samples[name][0].set_metainfo(dict(flip=False, flip_direction=None))
    samples['unsup_student'][1].set_metainfo(dict(flip=True))
    with pytest.raises(ValueError, match=r'before `MultiBranch`.*differ in `flip`'):
        model.loss(inputs, samples)
    samples['unsup_student'][1].set_metainfo(dict(flip=False))
    samples['unsup_student'][0].set_metainfo(dict(homography_matrix=np.diag([1, 1, 2])))
    with pytest.raises(ValueError, match='differ in `homography_matrix`'):
        model.loss(inputs, samples)
    unknown = dict(homography_matrix=None, ori_shape=(1, 1))
    samples['unsup_teacher'][0].set_metainfo(unknown)
    with pytest.raises(ValueError, match=r'Add `homography_matrix` to `meta_keys`'):
        model.loss(inputs, samples)
    inputs['unsup_student'] = inputs['unsup_student'][..., :-32]
    with pytest.raises(ValueError, match='views have the shapes'):
        model.loss(inputs, samples)


def test_nan_is_named():
    model, plain = build()
    inputs, samples = batch(plain)
    with torch.no_grad():
        model.student.bbox_head.retina_cls.bias.fill_(float('nan'))
    with pytest.raises(FloatingPointError, match=r'source_loss_cls.*own_0\.jpg'):
        model.loss(inputs, samples)


def test_targets_of_the_target_domain_are_never_looked_at():
    model, plain = build(adaptation_mix=dict())
    inputs, samples = batch(plain)
    losses = flat(seeded(model.loss, inputs, samples))
    for name in ('unsup_teacher', 'unsup_student'):
        for sample in samples[name]:
            assert 'pred_instances' not in sample  # nor are predictions left there
            del sample.gt_instances, sample.ignored_instances
    again = flat(seeded(model.loss, inputs, samples))
    assert relative_difference(losses, again) == 0


def test_teacher_follows_running_statistics_too(float64):
    """Those of the shipped backbones are frozen, and would show nothing."""
    cfg = detector_cfg('retinanet')
    cfg['backbone'].update(norm_eval=False, norm_cfg=dict(type='BN'))
    model = MODELS.build(
        dict(type='LossMixTeacher', detector=cfg, burn_in_iters=0, momentum=0.25)
    ).double()
    model.start_teacher()
    before = copy.deepcopy(model.teacher.state_dict())
    model.train().student.backbone(torch.randn(2, 3, 64, 64))
    model.update_teacher()
    student, moved = model.student.state_dict(), []
    for name, value in model.teacher.state_dict().items():
        if value.is_floating_point():
            expected = 0.75 * before[name] + 0.25 * student[name]
            torch.testing.assert_close(value, expected)
            moved += [name] * (not torch.equal(value, before[name]))
        else:
            assert torch.equal(value, student[name])
    assert {name.split('.')[-1] for name in moved} == {'running_mean', 'running_var'}


class Either(Strategy):
    """A strategy that this package has never heard of: one of both, by its share."""

    def __call__(self, own, partner, lam, join, rng):
        return [(own if rng.random() < lam else partner, 1.0)]


@pytest.mark.parametrize('inter', [False, True])
def test_a_new_strategy_needs_nothing_here(inter, monkeypatch, float64):
    monkeypatch.setitem(STRATEGIES, 'either', Either())
    mix = dict(strategy='either', inter_share=float(inter))
    model, plain = build(adaptation_mix=mix)
    losses = model.loss(*batch(plain))
    assert all(v.isfinite() for v in only_losses(losses).values())
    assert {'source_loss_cls', 'target_loss_cls'} <= set(losses)


def test_checkpoints_of_student_teacher_and_plain_detector_load():
    model, plain = build()
    with torch.no_grad():
        for parameter in model.student.parameters():
            parameter.add_(1.0)
    other, _ = build(burn_in_iters=5)
    other.load_state_dict(model.state_dict())
    assert other.teacher_started
    other.load_state_dict(plain.state_dict())  # strict
    assert not other.teacher_started
    for part in (other.student, other.teacher):
        for name, value in plain.state_dict().items():
            assert torch.equal(part.state_dict()[name], value)


def test_takes_part_in_the_protocol_of_hooks(monkeypatch):
    from mmdet_lossmix.hooks.stop_mixing_hook import mixing_modules

    model, plain = build()
    assert mixing_modules(SimpleNamespace(model=model)) == [model]
    assert not model.teacher.training
    assert model.student.training
    assert not any(p.requires_grad for p in model.teacher.parameters())
    # A teacher that has not started does not predict.
    model.teacher_started.fill_(False)
    model.eval()
    inputs, samples = batch(plain)
    with torch.no_grad():
        for parameter in model.teacher.parameters():
            parameter.fill_(float('nan'))
        found = model.predict(inputs['sup'], samples['sup'])
        # A student that was asked for needs no warning.
        monkeypatch.setattr(MMLogger, 'warning', lambda *_: pytest.fail('warned'))
        model.semi_test_cfg['predict_on'] = 'student'
        again = model.predict(inputs['sup'], samples['sup'])
    assert found[0].pred_instances.scores.isfinite().all()
    assert torch.equal(found[0].pred_instances.scores, again[0].pred_instances.scores)
