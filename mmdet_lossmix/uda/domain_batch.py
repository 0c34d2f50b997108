"""A batch of images of one domain, and the blend of two such batches."""

from typing import NamedTuple, Tuple

import torch.nn.functional as F
from mmdet.structures import SampleList
from torch import Tensor

from mmdet_lossmix.functional import blend_tensors
from mmdet_lossmix.mixing.canvas import canvas_shape
from mmdet_lossmix.models.data_preprocessors.batch_mix import in_common_frame

from .loss_policy import LossPolicy

SOURCE, TARGET = 0, 1


class DomainBatch(NamedTuple):
    """Images of one domain, whose targets are all of one origin.

    Attributes:
        inputs (Tensor): Preprocessed images, shape (N, C, H, W).
        samples (list[:obj:`DetDataSample`]): N samples with targets.
        policy (LossPolicy): Which losses these targets may cause.
        domain (int): ``SOURCE`` (ground truth) or ``TARGET`` (pseudo labels).
    """

    inputs: Tensor
    samples: SampleList
    policy: LossPolicy
    domain: int

    def rolled(self) -> 'DomainBatch':
        """The same images, each in the place of the next."""
        return self._replace(
            inputs=self.inputs.roll(1, 0),
            samples=[*self.samples[-1:], *self.samples[:-1]],
        )

    def fitted(self, number: int) -> 'DomainBatch':
        """The first ``number`` images, over again if there are fewer."""
        rows = [i % len(self.samples) for i in range(number)]
        return self._replace(
            inputs=self.inputs[rows], samples=[self.samples[i] for i in rows]
        )


def blend(
    own: DomainBatch, partner: DomainBatch, lam: float
) -> Tuple[DomainBatch, DomainBatch]:
    """Blend the images of two batches, which may be padded to different sizes.

    Both share the top left corner, so that no box moves.

    Args:
        own (DomainBatch): N images.
        partner (DomainBatch): Any number of images, taken in turn.
        lam (float): Weight of the own images, in [0, 1].

    Returns:
        tuple[DomainBatch, DomainBatch]: Both of N images, with the same ``inputs``, the
        blend, and either one's targets in its frame; shallow copies.
    """
    partner = partner.fitted(len(own.samples))
    canvas = canvas_shape(own.inputs.shape[2:], partner.inputs.shape[2:])
    inputs = blend_tensors(
        _padded(own.inputs, canvas), _padded(partner.inputs, canvas), lam
    )
    pairs = [in_common_frame(*pair) for pair in zip(own.samples, partner.samples)]
    for pair in pairs:
        for sample in pair:
            sample.set_metainfo(dict(batch_input_shape=canvas))
    owns, partners = map(list, zip(*pairs))
    return (
        own._replace(inputs=inputs, samples=owns),
        partner._replace(inputs=inputs, samples=partners),
    )


def _padded(inputs: Tensor, canvas: Tuple[int, int]) -> Tensor:
    height, width = inputs.shape[2:]
    return F.pad(inputs, (0, canvas[1] - width, 0, canvas[0] - height))
