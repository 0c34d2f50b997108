"""The terms of equation (2): annotations, and the weight of the losses against them."""

from typing import Callable, NamedTuple

from mmdet.structures import SampleList

from mmdet_lossmix.functional import LossDict


class LossTerm(NamedTuple):
    """One term of an interpolated loss, of a batch of N images.

    Attributes:
        samples (list[:obj:`DetDataSample`]): N samples with the term's annotations.
        weight (float): Of the losses against these annotations, at least 0.
        keep (Callable): What of the losses counts. Defaults to everything.
    """

    samples: SampleList
    weight: float
    keep: Callable[[LossDict], LossDict] = dict
