"""Training steps with and without LossMix, on one detector and one batch."""

from functools import partial
from typing import Callable, Dict

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from torch import nn

from mmdet_lossmix.functional import LossDict, interpolate_losses
from mmdet_lossmix.structures import split_batch
from tests.helpers.batches import mixed_batch

Step = Callable[[], None]

PLAIN = 'plain'
TWO_PASSES = 'two full passes'
# By name: arguments of LossMixDetector.
LOSSMIX = {
    "LossMix, 'batch'": dict(weighting='batch', roi_sampling='joint'),
    "LossMix, 'image'": dict(weighting='image', roi_sampling='joint'),
}
PER_TARGET = {
    "LossMix, 'batch', per target": dict(weighting='batch', roi_sampling='per_target'),
    "LossMix, 'image', per target": dict(weighting='image', roi_sampling='per_target'),
}


def training_steps(
    model_cfg: dict,
    batch_size: int,
    shape: tuple,
    device: str = 'cpu',
    masks: bool = False,
) -> Dict[str, Step]:
    """A whole training step of each variant: mix, losses, backward, optimizer.

    All have the same parameters and the same images, with seven objects each.

    Args:
        model_cfg (dict): Of the plain detector.
        batch_size (int): Images of a batch.
        shape (tuple[int, int]): Height and width of the images.
        device (str): Defaults to 'cpu'.
        masks (bool): Whether objects have masks. Defaults to False.

    Returns:
        dict[str, Callable]: By name: the plain detector unmixed, with Union, with
        sampled LossMix, with LossMix, and with LossMix the naive way, in two complete
        passes.
    """
    model = MODELS.build(dict(type='LossMixDetector', detector=model_cfg))
    model = model.to(device).train()
    detector: BaseDetector = model.detector
    inputs, samples = mixed_batch(
        model,
        [None] * batch_size,
        num_items=[(7, 0)] * batch_size,
        masks=masks,
        shapes=[shape],
    )
    optimizer = torch.optim.SGD(detector.parameters(), lr=1e-5, momentum=0.9)
    mix, union, sampled = (
        MODELS.build(dict(type=f'Batch{kind}Mix'))
        for kind in ('Loss', 'Union', 'SampledLoss')
    )

    def plain() -> LossDict:
        return detector.loss(inputs, copies(samples))

    def augmented(augment: nn.Module) -> LossDict:
        return detector.loss(*augment(inputs, copies(samples)))

    def lossmix(weighting: str, roi_sampling: str) -> LossDict:
        model.weighting, model.roi_sampling = weighting, roi_sampling
        return model.loss(*mix(inputs, copies(samples)))

    def two_passes() -> LossDict:
        mixed, mixed_samples = mix(inputs, copies(samples))
        halves = split_batch(mixed_samples)
        return interpolate_losses(
            detector.loss(mixed, halves.own),
            detector.loss(mixed, halves.partner),
            mixed_samples[0].mix_lambda,
        )

    variants = {**LOSSMIX, **(PER_TARGET if hasattr(detector, 'roi_head') else {})}
    losses: Dict[str, Callable[[], LossDict]] = {
        PLAIN: plain,
        'Union': partial(augmented, union),
        'sampled LossMix': partial(augmented, sampled),
        **{name: partial(lossmix, **variant) for name, variant in variants.items()},
        TWO_PASSES: two_passes,
    }

    def step(loss: Callable[[], LossDict]) -> None:
        detector.parse_losses(loss())[0].backward()
        optimizer.step()
        optimizer.zero_grad()  # last, so that no step begins with gradients of another

    return {name: partial(step, loss) for name, loss in losses.items()}


def copies(samples: SampleList) -> SampleList:
    """New containers, since detectors rename and add fields; tensors are shared."""
    return [sample.new() for sample in samples]
