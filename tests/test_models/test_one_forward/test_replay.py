"""When a stage computes again, and when it does not."""

import gc
import weakref

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torch import nn

from mmdet_lossmix.models.one_forward import replay as replay_module
from mmdet_lossmix.models.one_forward.replay import Replay


class Stage(nn.Module):
    """Counts how often it computes; may hold another one."""

    def __init__(self, inner=None):
        super().__init__()
        self.inner = inner
        self.computed = 0

    def forward(self, x, *_, **__):
        self.computed += 1
        return self.inner(x + 1) if self.inner else x * 2


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def weight():
    return torch.tensor([1.0, 2.0], requires_grad=True)


def test_the_same_object(stage, weight):
    replay = Replay(stage, 'forward')
    assert replay(weight) is replay(weight)
    assert stage.computed == 1


def test_equal_values_with_the_same_history(stage, weight):
    replay = Replay(stage, 'forward')
    assert replay((weight * 3).exp()) is replay((weight * 3).exp())
    assert stage.computed == 1


@pytest.mark.parametrize(
    'other',
    [
        lambda weight: weight * 1.0 + 0.5,  # other values
        lambda weight: weight / 1.0,  # by another operation
        lambda weight: weight.detach().clone().requires_grad_() * 1.0,  # of a copy
        lambda weight: weight * 1.0 * 1.0,  # by more operations
        lambda weight: (weight * 1.0).detach(),  # without gradients
        lambda weight: (weight * 1.0).double(),
        lambda weight: weight,
    ],
)
def test_other_values_or_another_history(other, stage, weight):
    replay = Replay(stage, 'forward')
    replay(weight * 1.0)
    replay(other(weight))
    assert stage.computed == 2


def test_equal_outputs_of_one_operation_are_not_the_same(stage, weight):
    """Gradients of two halves go to different places, however equal they are."""
    first, second = torch.stack([weight, weight * 1]).unbind()
    for a, b in ((first, second), (first * 2, second * 2)):
        replay = Replay(stage, 'forward')
        replay(a)
        output = replay(b)
        options = dict(retain_graph=True, allow_unused=True)
        (gradient,) = torch.autograd.grad(output.sum(), second, **options)
        assert gradient is not None


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ((1,), (2,)),
        ((np.array([1, 2]),), (np.array([1, 3]),)),
        (([1], 2), (1, [2])),
        (({'mask': None},), ({'query': None},)),
    ],
)
def test_other_arguments_beside_the_tensors(one, other, stage, weight):
    replay = Replay(stage, 'forward')
    replay(weight, *one), replay(weight, *one), replay(weight, *other)
    assert stage.computed == 2
    replay(weight, option=one), replay(weight, option=other)
    assert stage.computed == 4


def test_gradients_of_both_callers_arrive(stage, weight):
    replay = Replay(stage, 'forward')
    (replay(weight * 3).sum() + replay(weight * 3).sum()).backward()
    assert weight.grad.tolist() == [12, 12]


def test_without_gradients_and_with(stage, weight):
    replay = Replay(stage, 'forward')
    with torch.no_grad():
        assert not replay(weight).requires_grad
    assert replay(weight).requires_grad
    assert not replay(weight.detach() * 3).requires_grad
    assert replay(weight * 3).requires_grad


@pytest.mark.parametrize('which', ['input', 'output'])
def test_modified_in_place(which, stage):
    replay = Replay(stage, 'forward')
    x = torch.ones(2)
    output = replay(x)
    {'input': x, 'output': output}[which].add_(1)
    assert replay(x).tolist() == [x[0] * 2] * 2
    assert stage.computed == 2


def test_with_data_samples_it_looks_inside():
    innermost = Stage()
    inner = Stage(innermost)
    outer = Stage(inner)
    replay = Replay(outer, 'forward')
    x = torch.ones(2)
    first, second = replay(x, InstanceData()), replay(x, InstanceData())
    assert first is second
    assert (outer.computed, inner.computed, innermost.computed) == (2, 1, 1)
    assert 'forward' not in vars(inner)


@pytest.mark.parametrize(('world_size', 'computed'), [(1, 1), (2, 2)])
def test_processes_that_wait_for_each_other_compute_alike(
    world_size, computed, stage, monkeypatch
):
    """Equal values on one rank may be different ones on another."""
    monkeypatch.setattr(replay_module, 'get_world_size', lambda: world_size)
    stage.norm = nn.SyncBatchNorm(2)
    replay = Replay(stage, 'forward')
    x = torch.ones(2)
    replay(x), replay(x), replay(x.clone())
    assert stage.computed == computed


def test_nothing_outlives_the_replay():
    outer = Stage(Stage())
    replay = Replay(outer, 'forward')
    output = weakref.ref(replay(torch.ones(2), InstanceData()))
    gc.disable()
    try:
        del replay
        assert output() is None
    finally:
        gc.enable()
