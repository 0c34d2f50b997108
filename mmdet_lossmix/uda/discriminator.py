"""Tells source from target features, and makes the student hide the difference."""

from contextlib import contextmanager
from typing import Any, Iterator, List, Tuple

import torch
import torch.nn.functional as F
from mmdet.models.detectors.base import BaseDetector
from torch import Tensor, nn

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.functional import LossDict, interpolate_losses

from .loss_policy import ramp

WIDTHS = (256, 128, 128)


class DomainDiscriminator(nn.Module):
    """Image-level domain classifier behind a gradient reversal.

    A fully convolutional net (3x3 convolutions to 256, 128, 128 and 1 channels, leaky
    ReLU of slope 0.2) that says of each pixel of a feature map whether the image is of
    the target; per-pixel binary cross entropy, interpolated for a blend of domains.

    Args:
        in_channels (int): Of the feature map, at least 1.
        level (int): Which of the backbone's outputs. Defaults to -1, the last.
        weight (float): Of the loss, above 0. Defaults to 0.1.
        ramp_iters (int): The reversed gradient grows from 0 to its full size in so
            many iterations of adaptation, while the discriminator itself learns at
            once. Defaults to 0, no ramp.

    Raises:
        TypeError, ValueError: If an argument is no number, or out of its range.
    """

    def __init__(
        self,
        in_channels: int,
        level: int = -1,
        weight: float = 0.1,
        ramp_iters: int = 0,
    ) -> None:
        super().__init__()
        check_number('in_channels', in_channels, '[1, inf)', whole=True)
        check_number('level', level, '(-inf, inf)', whole=True)
        hint = '; for none use `discriminator=None`'
        check_number('weight', weight, '(0, inf)', hint=hint)
        check_number('ramp_iters', ramp_iters, '[0, inf)', whole=True)
        channels = (in_channels, *WIDTHS)
        layers: List[nn.Module] = []
        for width, next_width in zip(channels, WIDTHS):
            layers += [nn.Conv2d(width, next_width, 3, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(WIDTHS[-1], 1, 3, padding=1))
        self.in_channels, self.level = in_channels, level
        self.weight, self.ramp_iters = weight, ramp_iters

    def loss(
        self,
        features: Tuple[Tensor, ...],
        domains: Tuple[int, int],
        lam: float,
        iteration: int,
    ) -> LossDict:
        """``loss_domain`` and ``domain_acc`` of a batch.

        The accuracy is the share of pixels in percent that are taken for the dominant
        domain. In burn-in, the loss is 0 and uses all parameters, as distributed
        training wants.

        Args:
            features (tuple[Tensor]): The backbone's outputs, each (N, C, H, W).
            domains (tuple[int, int]): Of own and partner images; 1 is the target.
            lam (float): Weight of the own images, in [0, 1].
            iteration (int): Since the start of the adaptation; negative in burn-in.

        Raises:
            ValueError: If the backbone has no such level, or other channels there.
        """
        self._check(features)  # in burn-in too, not days later
        if iteration < 0:
            total = torch.stack([p.sum() for p in self.parameters()]).sum()
            return {'loss_domain': total * 0}
        strength = ramp(iteration, self.ramp_iters)
        logits = self.layers(_ReverseGradient.apply(features[self.level], strength))
        bce = F.binary_cross_entropy_with_logits
        losses = [bce(logits, torch.full_like(logits, domain)) for domain in domains]
        own, partner = (
            dict[str, Any](loss_domain=loss * self.weight) for loss in losses
        )
        right = (logits.detach() > 0) == bool(domains[lam < 0.5])
        accuracy = right.float().mean() * 100
        return {**interpolate_losses(own, partner, lam), 'domain_acc': accuracy}

    def _check(self, features: Tuple[Tensor, ...]) -> None:
        channels = [feature.shape[1] for feature in features]
        if not -len(channels) <= self.level < len(channels):
            raise ValueError(
                f'Set `level` of the discriminator to one of the {len(channels)} '
                f'outputs of the backbone, not {self.level}.'
            )
        if channels[self.level] != self.in_channels:
            raise ValueError(
                f'Set `in_channels={channels[self.level]}` of the discriminator, as '
                f'level {self.level} of the backbone has, not {self.in_channels}.'
            )


class _ReverseGradient(torch.autograd.Function):
    """The same features, whose gradient is multiplied by ``-strength``."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None]:
        return -ctx.strength * gradient, None


@contextmanager
def backbone_features(detector: BaseDetector) -> Iterator[List[Tuple[Tensor, ...]]]:
    """Yield a list of what a detector's backbone returns, filled call by call."""
    outputs: List[Tuple[Tensor, ...]] = []

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        outputs.append(tuple(output))

    handle = detector.backbone.register_forward_hook(note)
    try:
        yield outputs
    finally:
        handle.remove()
