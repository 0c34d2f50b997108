"""``torch.compile`` of the inner detector, and of the whole step."""

from functools import partial

import pytest
import torch

from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import flat, gradients, relative_difference
from tests.helpers.thin_detectors import build_pair

pytestmark = pytest.mark.skipif(
    not hasattr(torch.nn.Module, 'compile'), reason='torch < 2.2 is without'
)

compile_eagerly = partial(torch.compile, backend='eager')  # traces, needs no compiler


@pytest.fixture
def graphs():
    """Counts the graphs that have been compiled."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    return lambda: torch._dynamo.utils.counters['stats']['unique_graphs']


def child_compiled(wrapped, stage):
    setattr(wrapped, stage, compile_eagerly(getattr(wrapped, stage)))


def child_compiled_in_place(wrapped, stage):
    getattr(wrapped, stage).compile(backend='eager')


def attributes(wrapped):
    return {name: set(vars(module)) for name, module in wrapped.named_modules()}


@pytest.mark.parametrize('how', [child_compiled, child_compiled_in_place])
@pytest.mark.parametrize('stage', ['backbone', 'neck', 'bbox_head'])
def test_compiled_child(stage, how, graphs):
    _, wrapped = build_pair('retinanet', weighting='batch')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    expected = flat(wrapped.loss(inputs, samples))
    grads = gradients(wrapped, expected)
    how(wrapped, stage)
    before, compiled = attributes(wrapped), []
    for _ in range(3):
        actual = flat(wrapped.loss(inputs, samples))
        compiled.append(graphs())
        assert relative_difference(expected, actual) < 1e-6
    others = gradients(wrapped, actual)
    others = {name.replace('_orig_mod.', ''): g for name, g in others.items()}
    assert relative_difference(grads, others) < 1e-6
    assert compiled[0] == compiled[-1], 'the wrapper made it compile again'
    # mmdet calls `head.loss`, which `torch.compile(head)` hands to the head as it was.
    reaches_compiled = (how, stage) != (child_compiled, 'bbox_head')
    assert bool(compiled[0]) == reaches_compiled
    assert attributes(wrapped) == before


def test_compiled_head_computes_once_for_both_targets():
    _, wrapped = build_pair('retinanet', weighting='batch')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    calls = []
    child_compiled_in_place(wrapped, 'bbox_head')
    compiled = wrapped.bbox_head._compiled_call_impl
    wrapped.bbox_head._compiled_call_impl = lambda *args: (
        calls.append(1) or compiled(*args)
    )
    wrapped.loss(inputs, samples)
    assert len(calls) == 1


def test_compiled_step_runs_untraced(graphs):
    """What ``compile = dict(...)`` in a config of mmengine's runner does."""
    _, wrapped = build_pair('retinanet', weighting='batch')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    expected = flat(wrapped.loss(inputs, samples))
    step = compile_eagerly(partial(wrapped, mode='loss'))
    compiled = []
    for _ in range(3):
        actual = flat(step(inputs, samples))
        compiled.append(graphs())
        assert relative_difference(expected, actual) < 1e-6
    assert compiled[0] == compiled[-1]
    assert not wrapped.bbox_head.forward.__name__.startswith('replayed')


def test_head_given_to_compile_computes_once_for_both_targets():
    _, wrapped = build_pair('retinanet', weighting='batch')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    calls = []
    child_compiled(wrapped, 'bbox_head')
    layer = wrapped.bbox_head.retina_cls
    layer.register_forward_hook(lambda *_: calls.append(1))
    wrapped.loss(inputs, samples)
    assert len(calls) == 5  # feature levels
