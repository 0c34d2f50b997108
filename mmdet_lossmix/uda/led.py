"""A batch led by the images of one domain, mixed or not, and what it is trained on."""

from typing import NamedTuple, Tuple

from torch import Tensor

from .domain_batch import DomainBatch, blend
from .supervision import STRATEGIES, Supervision, only


class Led(NamedTuple):
    """A batch led by one domain.

    Attributes:
        inputs (Tensor): What the student sees, shape (N, C, H, W).
        supervision (Supervision): What it is trained on.
        domains (tuple[int, int]): Of the own and the partner images.
        lam (float): Weight of the own images, in [0, 1].
    """

    inputs: Tensor
    supervision: Supervision
    domains: Tuple[int, int]
    lam: float


def unmixed(own: DomainBatch) -> Led:
    """The images as they are, with their own targets."""
    return Led(own.inputs, only(own), (own.domain, own.domain), 1.0)


def mixed(own: DomainBatch, partner: DomainBatch, lam: float, strategy: str) -> Led:
    """Blend the images, and train on both targets as a strategy says.

    Args:
        own (DomainBatch): N images.
        partner (DomainBatch): Any number of images, taken in turn.
        lam (float): Weight of the own images, in [0, 1].
        strategy (str): One of ``STRATEGIES``.
    """
    domains = (own.domain, partner.domain)
    own, partner = blend(own, partner, lam)
    return Led(own.inputs, STRATEGIES[strategy](own, partner, lam), domains, lam)
