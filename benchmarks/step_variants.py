"""Training steps with and without LossMix, on one detector and one batch."""

from functools import partial
from typing import Callable, Dict, Optional, Sequence

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from mmdet_lossmix.functional import LossDict, interpolate_losses
from mmdet_lossmix.structures import split_batch
from tests.helpers.batches import mixed_batch
from tests.helpers.thin_detectors import DETECTORS, shipped_model_cfg, thin_out

Step = Callable[[], None]

PLAIN = 'plain'
TWO_PASSES = 'two full passes'
# By name: arguments of LossMixDetector.
LOSSMIX = {
    "LossMix, 'batch'": dict(weighting='batch', roi_sampling='per_target'),
    "LossMix, 'image'": dict(weighting='image', roi_sampling='per_target'),
}
JOINT = {
    "LossMix, 'batch', joint RoIs": dict(weighting='batch', roi_sampling='joint'),
    "LossMix, 'image', joint RoIs": dict(weighting='image', roi_sampling='joint'),
}


def make_steps(
    name: str,
    batch_size: int,
    size: Sequence[int],
    depth: int = 50,
    amp: Optional[str] = None,
    thin: bool = False,
) -> Dict[str, Step]:
    """The steps of a shipped detector with its ResNet, from random weights.

    Args:
        name (str): One of the shipped detectors.
        batch_size (int): Images of a batch.
        size (Sequence[int]): Height and width of the images.
        depth (int): Of the ResNet. Defaults to 50.
        amp (str, optional): See :func:`training_steps`. Defaults to None.
        thin (bool): Whether to divide the widths of all layers. Defaults to False.
    """
    model = shipped_model_cfg(DETECTORS[name])
    model.backbone.update(init_cfg=None, depth=depth)  # no pretrained weights
    if thin:
        thin_out(model)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    masks = 'mask_head' in model.get('roi_head', {})
    return training_steps(model, batch_size, tuple(size), device, masks, amp)


def training_steps(
    model_cfg: dict,
    batch_size: int,
    shape: tuple,
    device: str = 'cpu',
    masks: bool = False,
    amp: Optional[str] = None,
) -> Dict[str, Step]:
    """A whole training step of each variant: mix, losses, backward, optimizer.

    All have the same parameters and the same images, with seven objects each.

    Args:
        model_cfg (dict): Of the plain detector.
        batch_size (int): Images of a batch.
        shape (tuple[int, int]): Height and width of the images.
        device (str): Defaults to 'cpu'.
        masks (bool): Whether objects have masks. Defaults to False.
        amp (str, optional): The dtype of mixed precision, on a GPU. Defaults to None.

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
    wrapper = (
        dict(type='AmpOptimWrapper', dtype=amp) if amp else dict(type='OptimWrapper')
    )
    update = OPTIM_WRAPPERS.build({**wrapper, 'optimizer': optimizer})
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

    variants = {**LOSSMIX, **(JOINT if hasattr(detector, 'roi_head') else {})}
    losses: Dict[str, Callable[[], LossDict]] = {
        PLAIN: plain,
        'Union': partial(augmented, union),
        'sampled LossMix': partial(augmented, sampled),
        **{name: partial(lossmix, **variant) for name, variant in variants.items()},
        TWO_PASSES: two_passes,
    }

    def step(loss: Callable[[], LossDict]) -> None:
        with update.optim_context(detector):
            total = detector.parse_losses(loss())[0]
        # Gradients are cleared last, so that no step begins with those of another.
        update.update_params(total)

    return {name: partial(step, loss) for name, loss in losses.items()}


def copies(samples: SampleList) -> SampleList:
    """New containers, since detectors rename and add fields; tensors are shared."""
    return [sample.new() for sample in samples]
