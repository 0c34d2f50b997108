"""LossMix with a loss weight that does not know the image's, for ablations."""

from mmdet.registry import MODELS
from numpy.random import default_rng

from mmdet_lossmix.functional import sample_lambda
from mmdet_lossmix.mixing.strategies import LossMix
from mmdet_lossmix.models.data_preprocessors.batch_mix import (
    BatchLossMix,
    iteration,
    shared_seed,
)

LOSS_STREAM = 1  # keeps its draws apart from those of the image's lambda


class UncoupledLossMix(LossMix):
    """Interpolate losses by a weight of their own, one for each batch.

    Args:
        alpha (float): Of the distribution ``Beta(alpha, alpha)`` that it is drawn from.
        loss_weight (str): See :class:`BatchUncoupledLossMix`.
    """

    def __init__(self, alpha: float, loss_weight: str) -> None:
        self.alpha = alpha
        self.loss_weight = loss_weight

    def __call__(self, own, partner, lam, join, rng):
        """Both, with the weight that the images do not have."""
        if self.loss_weight == 'half':
            weight = 0.5
        else:
            draws = default_rng([shared_seed(), iteration(), LOSS_STREAM])
            weight = sample_lambda(self.alpha, draws)
        return super().__call__(own, partner, weight, join, rng)


@MODELS.register_module()
class BatchUncoupledLossMix(BatchLossMix):
    """Blend images by one lambda and interpolate the losses by another.

    It answers where LossMix's gain comes from. Images are those that
    :class:`BatchLossMix` makes in the same iteration of the same seed.

    Args:
        loss_weight (str): ``'independent'`` draws the weight of the losses from the
            same distribution, independently: losses are interpolated, but not by what
            is seen. ``'half'`` sets it to 1/2: images are mixed and both annotations
            count, always the same. Defaults to ``'independent'``.
        **kwargs: Those of :class:`BatchLossMix`.

    Raises:
        ValueError: If ``loss_weight`` is neither.
    """

    def __init__(self, loss_weight: str = 'independent', **kwargs) -> None:
        if loss_weight not in ('independent', 'half'):
            raise ValueError(
                "Set `loss_weight` to 'independent' or 'half', or use BatchLossMix for "
                f'the coupled weight: got {loss_weight!r}.'
            )
        super().__init__(**kwargs)
        # Of its own, as it has arguments.
        self.strategy = UncoupledLossMix(self.alpha, loss_weight)  # type: ignore[misc]
