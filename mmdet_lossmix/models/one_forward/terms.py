"""The terms of equation (2): annotations, and the weight of the losses against them."""

from typing import Callable, NamedTuple, Optional, Tuple

from mmdet.structures import SampleList

from mmdet_lossmix.functional import LossDict


class LossTerm(NamedTuple):
    """One term of an interpolated loss, of all N images of a batch or of some.

    Attributes:
        samples (list[:obj:`DetDataSample`]): Of these images, with its annotations.
        weight (float): Of the losses against these annotations, at least 0.
        keep (Callable): What of the losses counts. Defaults to everything.
        images (tuple[int], optional): Which ones, at least one. They are normalised as
            a batch of their own. Defaults to None, all.
    """

    samples: SampleList
    weight: float
    keep: Callable[[LossDict], LossDict] = dict
    images: Optional[Tuple[int, ...]] = None
