"""Losses that are evaluated together are the losses that a head asked for."""

from contextlib import ExitStack

import pytest
import torch
from mmdet.registry import MODELS
from torch import nn
from torch.utils._pytree import tree_leaves

from benchmarks.measure import OperatorCount
from mmdet_lossmix.functional import weighted_sum
from mmdet_lossmix.models.one_forward import deferred
from mmdet_lossmix.models.one_forward.deferred import (
    Placeholder,
    defer_losses,
    total_loss,
)
from tests.helpers.batches import mixed_batch
from tests.helpers.precision import double_precision
from tests.helpers.thin_detectors import build_pair

WEIGHTS = [0.3, 0.0, 0.5, 0.2]


def boxes(rows):
    corners = torch.rand(rows, 2)
    return torch.cat([corners, corners + 0.5 + torch.rand_like(corners)], 1)


def labels(rows):
    return torch.randint(0, 4, (rows,))  # of three classes and background


def inputs(kind, rows):
    """Prediction, target, and weights as heads give them."""
    if kind == 'CrossEntropyLoss, sigmoid':
        one = torch.randn(rows, 1)
        return one, torch.randint(0, 2, (rows,)), torch.rand(rows)
    if kind in ('FocalLoss', 'CrossEntropyLoss'):
        classes = 3 if kind == 'FocalLoss' else 4
        scores = torch.randn(rows, classes)
        return scores, labels(rows), torch.rand(rows)
    return boxes(rows), boxes(rows), torch.rand(rows, 1).repeat(1, 4)


KINDS = {
    'FocalLoss': {},
    'CrossEntropyLoss': dict(class_weight=[1.0, 2.0, 3.0, 0.5]),
    'CrossEntropyLoss, sigmoid': dict(use_sigmoid=True),
    'L1Loss': {},
    'SmoothL1Loss': dict(beta=0.2),
    'IoULoss': {},
    'GIoULoss': {},
}


def head_losses(module, batches):
    """What a head asks for: two levels, and a loss without weights."""
    for levels, factor in batches:
        (pred, target, weight), other = levels
        yield {
            'loss_levels': [
                module(pred, target, weight, avg_factor=factor),
                module(*other, avg_factor=factor),
            ],
            'loss_plain': module(pred, target, avg_factor=torch.tensor(factor)),
            'loss_reduced': module(pred, target, avg_factor=torch.tensor([factor])),
            'loss_by_mean': module(pred, target),
            'loss_twice': 2 * module(pred, target, weight=weight, avg_factor=factor),
            'loss_nothing': module(pred[:0], target[:0], avg_factor=factor).sum(),
            'acc': pred.detach().mean(),
        }


@pytest.fixture
def float64():
    with double_precision():
        yield


@pytest.mark.parametrize('kind', KINDS)
def test_losses_and_gradients_are_those_of_single_calls(kind, float64):
    torch.manual_seed(0)
    options = dict(loss_weight=1.5, **KINDS[kind])
    module = MODELS.build(dict(type=kind.partition(',')[0], **options))
    batches = [
        ([inputs(kind, 5 + i), inputs(kind, 3)], 2.0 * i + 1)
        for i in range(len(WEIGHTS))
    ]
    batches[2][0][0][2].zero_()  # no positive: some losses return early then
    preds = [levels[0][0].requires_grad_() for levels, _ in batches]
    expected = weighted_sum(list(head_losses(module, batches)), WEIGHTS)
    with ExitStack() as overrides:
        defer_losses(nn.ModuleList([module]), overrides)
        asked = list(head_losses(module, batches))
        assert type(asked[0]['loss_plain']) is Placeholder
        actual = total_loss(asked, WEIGHTS)
    assert 'forward' not in vars(module)
    assert list(actual) == list(expected)
    # mmdet computes cross entropy in float32 whatever the dtype.
    tolerance = 1e-6 if 'Cross' in kind else 1e-12
    close = dict(rtol=tolerance, atol=tolerance, check_dtype=False)
    expected['loss_reduced'] = expected['loss_reduced'].squeeze()  # of shape (1,)
    for key, value in expected.items():
        torch.testing.assert_close(actual[key], value, **close)
    leaves = [tree_leaves(losses) for losses in (expected, actual)]
    grads, others = (
        torch.autograd.grad(sum(x), preds, allow_unused=True) for x in leaves
    )
    for grad, other in zip(grads, others):
        assert (grad is None) == (other is None)
        if grad is None:  # of weight 0
            continue
        torch.testing.assert_close(other, grad, **close)


def test_a_single_term_is_what_the_module_returns_to_the_last_bit():
    module = MODELS.build(dict(type='FocalLoss'))
    args = inputs('FocalLoss', 6)
    with ExitStack() as overrides:
        defer_losses(module, overrides)
        asked = {'loss': module(*args, avg_factor=3)}
        total = total_loss([asked, {}], [1.0, 0.0])
    assert torch.equal(total['loss'], module(*args, avg_factor=3))


def test_large_predictions_are_not_copied(monkeypatch):
    monkeypatch.setattr(deferred, 'LARGE', 18)
    module = MODELS.build(dict(type='FocalLoss'))
    with ExitStack() as overrides:
        defer_losses(module, overrides)
        for rows, kind in ((6, Placeholder), (7, torch.Tensor)):  # of three classes
            loss = module(*inputs('FocalLoss', rows), avg_factor=3)
            assert type(loss) is kind


def test_another_mode_than_the_detectors_evaluates_at_once():
    module = MODELS.build(dict(type='L1Loss'))
    with ExitStack() as overrides:
        defer_losses(module, overrides)
        with torch.no_grad():
            assert type(module(boxes(2), boxes(2), avg_factor=1)) is torch.Tensor


@pytest.mark.parametrize(('weighting', 'most'), [('batch', 1.15), ('image', 1.3)])
def test_a_second_term_costs_few_operators(weighting, most):
    """RetinaNet took 1.46 and 1.87 when each term evaluated its own losses."""
    plain, wrapped = build_pair('retinanet', weighting=weighting)
    inputs, samples = mixed_batch(plain, [0.3, 0.3])
    counts = []
    for model in (plain, wrapped):
        with OperatorCount() as count:
            model.parse_losses(model.loss(inputs, samples))[0].backward()
        counts.append(count.operators)
    assert counts[1] < most * counts[0]
