"""A step leaves nothing behind, and survives what users wrap around it."""

import gc
from functools import partial
from pathlib import Path

import pytest
import torch
from mmcv.cnn import ConvModule
from mmengine.optim import OptimWrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper
from torch.utils.checkpoint import checkpoint

from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import (
    batch_losses,
    flat,
    gradients,
    image_losses,
    relative_difference,
    seeded,
)
from tests.helpers.thin_detectors import build_pair, pair_of, thin_model_cfg

ORACLES = {
    'batch': partial(batch_losses, lam=0.3),
    'image': image_losses,
}
PAIRS = [('retinanet', 'batch'), ('faster_rcnn', 'image')]


def with_cp(name):
    model = thin_model_cfg(name)
    model.backbone.with_cp = True
    return model


def checkpoint_modules(modules, use_reentrant):
    """Put ``torch.utils.checkpoint`` around modules."""
    for module in modules:
        module.forward = partial(
            checkpoint, module.forward, use_reentrant=use_reentrant
        )


def stages_of(model):
    """What a detector calls on images or features."""
    stages = [model.backbone, model.neck, getattr(model, 'bbox_head', None)]
    return [stage for stage in stages if stage is not None]


def layers_of(model):
    """Layers of one tensor each, which is what a re-entrant checkpoint can do."""
    children = [child for stage in stages_of(model)[1:] for child in stage.modules()]
    return [child for child in children if isinstance(child, ConvModule)]


def assert_same_step(plain, wrapped, weighting, tolerance=1e-5):
    """Losses and gradients are those of complete passes of the plain detector."""
    inputs, samples = mixed_batch(plain, [0.3, 0.3])
    expected = seeded(partial(ORACLES[weighting], plain, inputs, samples))
    grads = gradients(plain, expected)
    actual = flat(seeded(wrapped.loss, inputs, samples))
    assert relative_difference(expected, actual) < tolerance
    assert relative_difference(grads, gradients(wrapped, actual)) < 100 * tolerance


@pytest.mark.parametrize(('name', 'weighting'), PAIRS)
def test_checkpointed_backbone(name, weighting):
    pair = pair_of(with_cp(name), weighting=weighting, roi_sampling='per_target')
    assert_same_step(*pair, weighting)


@pytest.mark.parametrize(
    ('parts', 'use_reentrant'),
    [(stages_of, False), (layers_of, False), (layers_of, True)],
    ids=['stages', 'layers', 'layers re-entrant'],
)
@pytest.mark.parametrize(('name', 'weighting'), PAIRS)
def test_checkpointed_modules(name, weighting, parts, use_reentrant):
    plain, wrapped = build_pair(name, weighting=weighting, roi_sampling='per_target')
    for model in (plain, wrapped.detector):
        checkpoint_modules(parts(model), use_reentrant)
    assert_same_step(plain, wrapped, weighting)


def test_checkpointing_changes_no_gradient_with_joint_rois():
    plain, wrapped = build_pair('faster_rcnn', weighting='image', roi_sampling='joint')
    inputs, samples = mixed_batch(plain, [0.3, 0.6])
    grads = gradients(wrapped, flat(seeded(wrapped.loss, inputs, samples)))
    parts = [*stages_of(wrapped), wrapped.rpn_head, wrapped.roi_head.bbox_head]
    checkpoint_modules(parts, use_reentrant=False)
    others = gradients(wrapped, flat(seeded(wrapped.loss, inputs, samples)))
    assert relative_difference(grads, others) < 1e-6


# mmcv's operators of RoI heads do not know bfloat16 on a CPU, in the plain detector
# either.
@pytest.mark.parametrize(
    ('name', 'weighting'), [('retinanet', 'batch'), ('fcos', 'image')]
)
def test_bfloat16(name, weighting):
    plain, wrapped = build_pair(name, weighting=weighting)
    inputs, samples = mixed_batch(plain, [0.3, 0.3])
    oracle = partial(ORACLES[weighting], plain, inputs, samples)
    exact = gradients(plain, oracle())
    with torch.autocast('cpu', torch.bfloat16):
        expected, actual = oracle(), flat(wrapped.loss(inputs, samples))
    assert relative_difference(expected, actual) < 1e-3
    rounding = distance(exact, gradients(plain, expected))
    assert 0 < distance(exact, gradients(wrapped, actual)) < 1.5 * rounding


def distance(a, b):
    """Euclidean distance of two dicts of gradients."""
    return sum((a[k] - b[k]).square().sum() for k in a if a[k] is not None).sqrt()


def trained_weights(model, batches, wrapper, loss):
    """Train with SGD through an optimizer wrapper; ``loss`` takes inputs, samples."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    optim_wrapper = wrapper(optimizer=optimizer)
    for inputs, samples in batches:
        with optim_wrapper.optim_context(model):
            losses, _ = model.parse_losses(seeded(loss, inputs, samples))
        optim_wrapper.update_params(losses)
    return dict(model.named_parameters())


class CpuAmpOptimWrapper(amp_optimizer_wrapper.AmpOptimWrapper):
    """mmengine's, which wants a GPU but needs none for bfloat16."""

    def __init__(self, **kwargs):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
            super().__init__(dtype='bfloat16', **kwargs)


@pytest.mark.parametrize(
    ('optim_wrapper', 'steps', 'tolerance'),
    [
        (partial(OptimWrapper, accumulative_counts=2), 4, 1e-3),
        (CpuAmpOptimWrapper, 1, 0.05),
    ],
    ids=['accumulated', 'amp'],
)
def test_optim_wrappers(optim_wrapper, steps, tolerance):
    plain, wrapped = build_pair('retinanet', weighting='batch')
    before = {name: p.detach().clone() for name, p in plain.named_parameters()}
    batches = [mixed_batch(plain, [0.3, 0.3], seed=seed) for seed in range(steps)]
    expected = trained_weights(
        plain, batches, optim_wrapper, partial(ORACLES['batch'], plain)
    )
    actual = trained_weights(wrapped, batches, optim_wrapper, wrapped.loss)
    moved = distance(before, expected)
    assert moved > 1e-3
    assert distance(expected, actual) < tolerance * moved


def live_tensors():
    gc.collect()
    return sum(isinstance(item, torch.Tensor) for item in gc.get_objects())


def resident_mib():
    statm = Path('/proc/self/statm')
    return int(statm.read_text().split()[1]) * 4096 / 2**20 if statm.exists() else 0


class Failure(Exception):
    """Raised in the middle of a loss."""


def fail(*_, **__):
    raise Failure


def memory_of_steps(wrapped, raises, steps, every=1):
    """Numbers of live tensors and MiB after every so many training steps."""
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.0)
    tensors, sizes = [], []
    for seed in range(steps):
        inputs, samples = mixed_batch(wrapped, [0.3, 0.3], seed=seed)
        optimizer.zero_grad()
        if raises:
            with pytest.raises(Failure):
                wrapped.loss(inputs, samples)
        else:
            wrapped.parse_losses(wrapped.loss(inputs, samples))[0].backward()
        del inputs, samples
        if seed % every == 0:
            tensors.append(live_tensors())
            sizes.append(resident_mib())
    return tensors, sizes


@pytest.mark.parametrize(
    ('name', 'raises'),
    [('retinanet', False), ('faster_rcnn', False), ('faster_rcnn', True)],
)
def test_no_tensor_is_kept(name, raises):
    _, wrapped = build_pair(name)
    if raises:
        wrapped.roi_head.bbox_loss = fail
    tensors, _ = memory_of_steps(wrapped, raises, steps=5)
    assert len(set(tensors[2:])) == 1, tensors


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'weighting'), [*PAIRS, ('fcos', 'image')])
def test_memory_is_flat_over_200_steps(name, weighting):
    _, wrapped = build_pair(name, weighting=weighting)
    tensors, sizes = memory_of_steps(wrapped, raises=False, steps=200, every=10)
    assert len(set(tensors[1:])) == 1, tensors
    assert max(sizes[10:]) - max(sizes[1:10]) < 10, sizes
