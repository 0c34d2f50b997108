"""Which annotations a mixed image is trained on: one class for each strategy.

Mixing in the pipeline, mixing of a batch and domain adaptation all call these classes,
each with its own kind of annotations. A new strategy is a class here, an entry in
``STRATEGIES``, and a registration for the pipeline and for batches.
"""

from abc import ABCMeta, abstractmethod
from typing import Any, Callable, Dict, List, Tuple, TypeVar

A = TypeVar('A')
Weighted = List[Tuple[A, float]]


class Strategy(metaclass=ABCMeta):
    """Chooses annotations for a mixed image, and weights for their losses."""

    # Two losses are interpolated, so a wrapper has to look at partners' annotations.
    keeps_both = False

    @abstractmethod
    def __call__(
        self, own: A, partner: A, lam: float, join: Callable[[A, A], A], rng: Any
    ) -> 'Weighted[A]':
        """Choose annotations.

        Args:
            own (Any): Annotations of the image itself, in the frame of the mixed one.
            partner (Any): Annotations of its partner, of the same type and frame.
            lam (float): Weight of the image itself, in [0, 1].
            join (Callable): Unites two sets of annotations of this type.
            rng (numpy.random.Generator or module): For what a strategy draws itself.

        Returns:
            list[tuple[Any, float]]: Annotations, each with the weight of the losses
            against it: one pair, or two whose losses are interpolated by ``lam``.
        """


class LossMix(Strategy):
    """Interpolate the losses against both: equation (2), arXiv:2303.10343, Sec. 3."""

    keeps_both = True

    def __call__(self, own, partner, lam, join, rng):
        """Both."""
        return [(own, lam), (partner, 1 - lam)]


class Union(Strategy):
    """Train on the objects of both images at full weight, however faint.

    A baseline of LossMix, arXiv:2303.10343.
    """

    def __call__(self, own, partner, lam, join, rng):
        """All objects of both."""
        return [(join(own, partner), 1.0)]


class Noise(Strategy):
    """Train on the objects of the dominant image; the other image is noise.

    A baseline of LossMix, arXiv:2303.10343.
    """

    def __call__(self, own, partner, lam, join, rng):
        """The image's own if ``lam >= 1/2``, else its partner's."""
        return [(own if lam >= 0.5 else partner, 1.0)]


class SampledLossMix(Strategy):
    """Train on one image's objects, drawn with the weight of the image.

    In expectation over the draw the loss is equation (2), and its gradient an unbiased
    estimate of LossMix', at the price of a plain step and without a wrapper. This holds
    for losses that are normalised for each image. A normaliser over the batch, such as
    the number of its positive anchors, changes with the draw and makes it approximate.
    """

    def __call__(self, own, partner, lam, join, rng):
        """The image's own with probability ``lam``, else its partner's."""
        return [(own if rng.random() < lam else partner, 1.0)]


STRATEGIES: Dict[str, Strategy] = {
    'lossmix': LossMix(),
    'union': Union(),
    'noise': Noise(),
    'sampled': SampledLossMix(),
}
