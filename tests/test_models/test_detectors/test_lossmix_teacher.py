"""LossMixTeacher against losses that are put together by hand."""

import copy

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import MessageHub
from mmengine.structures import InstanceData

from mmdet_lossmix.testing.batches import mixed_batch
from mmdet_lossmix.testing.oracle import (
    flat,
    gradients,
    relative_difference,
    seeded,
)
from mmdet_lossmix.testing.precision import double_precision
from mmdet_lossmix.testing.thin import build_plain, thin_model_cfg

DETECTORS = ['faster_rcnn', 'retinanet', 'fcos']
TOLERANCE = {'retinanet': 1e-7, 'fcos': 1e-6, 'faster_rcnn': 1e-6}
PSEUDO_LOSSES = {
    'faster_rcnn': {'loss_rpn_cls', 'loss_cls'},
    'retinanet': {'loss_cls'},
    'fcos': {'loss_cls'},
}


@pytest.fixture
def float64():
    with double_precision():
        yield


@pytest.fixture(autouse=True)
def first_iteration():
    hub = MessageHub.get_current_instance()
    before = hub.runtime_info.get('iter')
    hub.update_info('iter', 0)
    yield
    hub.update_info('iter', before or 0)


def detector_cfg(name):
    """A thin detector, untrained, that takes its three best guesses for objects."""
    cfg = thin_model_cfg(name)
    rcnn = cfg['test_cfg'].get('rcnn', cfg['test_cfg'])
    rcnn.update(score_thr=0.0, max_per_img=3)
    return cfg


def build(name='retinanet', **options):
    options = {
        'burn_in_iters': 0,
        'pseudo_labels': dict(score_thr=0.0),
        'roi_sampling': 'per_target',
        **options,
    }
    cfg = detector_cfg(name)
    model = MODELS.build(dict(type='LossMixTeacher', detector=cfg, **options))
    plain = build_plain(copy.deepcopy(cfg))
    model.student.load_state_dict(plain.state_dict())
    model.start_teacher()
    if torch.get_default_dtype() == torch.float64:
        model = model.double()
    return model.train(), plain


def batch(plain, sources=2, targets=2):
    """Branches as MultiBranchDataPreprocessor makes them."""
    source = mixed_batch(plain, [None] * sources, seed=0)
    strong = mixed_batch(plain, [None] * targets, seed=1, shapes=((96, 96), (80, 160)))
    weak = strong[0] * 0.9, [s.clone() for s in strong[1]]
    branches = dict(sup=source, unsup_teacher=weak, unsup_student=strong)
    return (
        {name: inputs for name, (inputs, _) in branches.items()},
        {name: samples for name, (_, samples) in branches.items()},
    )


def by_hand(model, plain, inputs, samples, pairing, lam, keep):
    """The losses of an adaptation step, by the paper's equations."""
    found = model.teacher.predict(
        inputs['unsup_teacher'], samples['unsup_teacher'], rescale=False
    )
    pseudo = []
    for sample, prediction in zip(samples['unsup_student'], found):
        p = prediction.pred_instances
        sample = sample.clone()
        sample.gt_instances = InstanceData(bboxes=p.bboxes, labels=p.labels)
        sample.ignored_instances = InstanceData(bboxes=p.bboxes[:0])
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
                other = own[0].flip(0), own[1][::-1], own[2]
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
        for weight, framed, counts in terms:
            framed = [t.clone() for t in framed]
            for t, frame in zip(framed, frames):
                t.set_metainfo({**frame, 'batch_input_shape': tuple(size)})
            for key, value in flat(plain.loss(x_mixed, framed)).items():
                if 'loss' in key and counts(key.split('.')[0].split('[')[0]):
                    key = f'{name}_{key}'
                    total[key] = total.get(key, 0) + weight * value
    return total


def on_canvas(x, size):
    out = x.new_zeros(*x.shape[:2], *size)
    out[:, :, : x.shape[2], : x.shape[3]] = x
    return out


def only_losses(losses):
    return {k: v for k, v in flat(losses).items() if 'loss' in k}


@pytest.mark.parametrize('pairing', ['intra', 'inter', None])
@pytest.mark.parametrize('name', DETECTORS)
def test_adaptation_is_the_paper_s_equations(name, pairing, float64):
    mix = pairing and dict(inter_share=float(pairing == 'inter'))
    model, plain = build(name, adaptation_mix=mix)
    inputs, samples = batch(plain)
    actual = seeded(model.loss, inputs, samples)
    assert actual['pairing'] == {None: 0, 'intra': 1, 'inter': 2}[pairing]
    assert actual['pseudo_per_image'] == 3
    lam = actual['mix_lambda'].item()
    assert 0 < lam < 1 or pairing is None
    expected = seeded(
        by_hand, model, plain, inputs, samples, pairing, lam, PSEUDO_LOSSES[name]
    )
    actual = only_losses(actual)
    assert set(actual) == set(expected)
    assert relative_difference(expected, actual) < TOLERANCE[name]
    grads = gradients(plain, expected)
    assert (
        relative_difference(grads, gradients(model.student, actual)) < TOLERANCE[name]
    )
    assert all(p.grad is None for p in model.teacher.parameters())
