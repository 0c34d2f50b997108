"""Which losses annotations may cause, by their origin."""

from typing import Callable, Dict, Union

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.functional import LossDict, weighted_sum

LossFilter = Callable[[LossDict], LossDict]
CLASSIFICATION = ('_cls', '_obj', '_conf')
Switches = Union[str, Dict[str, Union[bool, float]]]


class LossPolicy:
    """Weights for a detector's losses, by their names; others (``acc``) pass.

    Args:
        losses (str or dict): Which losses count.

            - ``'all'``: every one.
            - ``'classification'``: those named ``..._cls`` (``loss_rpn_cls`` and
              ``loss_cls`` of Faster R-CNN, ``loss_cls`` of RetinaNet and FCOS), and
              objectness, ``..._obj`` (YOLOX) or ``..._conf`` (YOLOv3).
            - a dictionary: every loss by name, with True, False or a weight.

            Defaults to ``'all'``.
        weight (float): Of all of them, at least 0. Defaults to 1.0.
        ramp_iters (int): In so many iterations of adaptation the weights grow from 0
            to their full size. Defaults to 0, at once.

    Raises:
        TypeError, ValueError: If a weight is no number, or negative; or if ``losses``
            is none of these.
    """

    def __init__(
        self, losses: Switches = 'all', weight: float = 1.0, ramp_iters: int = 0
    ) -> None:
        check_number('weight', weight, '[0, inf)')
        check_number('ramp_iters', ramp_iters, '[0, inf)', whole=True)
        if isinstance(losses, dict):
            for name, factor in losses.items():
                if not isinstance(factor, bool):
                    check_number(name, factor, '[0, inf)')
        elif losses not in ('all', 'classification'):
            raise ValueError(
                "Set `losses` to 'all', 'classification' or a dictionary of names, not "
                f'{losses!r}.'
            )
        self.losses, self.weight, self.ramp_iters = losses, weight, ramp_iters

    def at(self, iteration: int) -> 'LossPolicy':
        """The policy in an iteration of the adaptation, the first of which is 0."""
        return LossPolicy(self.losses, self.weight * ramp(iteration, self.ramp_iters))

    def check_at_most_one(self) -> None:
        """Raise a ``ValueError`` if a weight is above 1, that of ground truth."""
        factors = self.losses.values() if isinstance(self.losses, dict) else [1.0]
        if self.weight * max(factors, default=0.0) > 1:
            raise ValueError(
                "Set weights of pseudo losses <= 1 with `strategy='union'`, where both "
                'origins share a classification loss, not '
                f'{self.weight} and {self.losses}.'
            )

    def factors(self, losses: LossDict) -> Dict[str, float]:
        """The weight of every loss.

        Raises:
            ValueError: If switches do not name exactly the losses that the detector
                has, or nothing would count as a classification.
        """
        names = [name for name in losses if 'loss' in name]
        if isinstance(self.losses, dict):
            unknown = sorted(set(self.losses) - set(names))
            unnamed = sorted(set(names) - set(self.losses))
            if unknown or unnamed:
                raise ValueError(
                    f'Name every loss of the detector, {names}, in the switches: '
                    f'{unnamed} are not named and {unknown} do not exist.'
                )
            return {name: float(self.losses[name]) * self.weight for name in names}
        if self.losses == 'all':
            return dict.fromkeys(names, self.weight)
        named = [name for name in names if name.endswith(CLASSIFICATION)]
        if not named:
            raise ValueError(
                f'Expected a loss of classification but the detector has {names}; say '
                f'which count, as `losses={dict.fromkeys(names, True)}`.'
            )
        return {name: self.weight * (name in named) for name in names}

    def __call__(self, losses: LossDict) -> LossDict:
        """Weight losses; those of weight 0 are dropped."""
        return apply_factors(losses, self.factors(losses))

    def minus(self, other: 'LossPolicy') -> LossFilter:
        """The policy of what another one leaves, which takes what is no loss, too."""

        def difference(losses: LossDict) -> LossDict:
            mine, theirs = self.factors(losses), other.factors(losses)
            left = {name: mine[name] - theirs[name] for name in mine}
            return apply_factors({name: losses[name] for name in left}, left)

        return difference


def ramp(iteration: int, length: int) -> float:
    """A share that grows to 1 within so many iterations, the first of which is 0."""
    return min(1.0, (iteration + 1) / max(length, 1))


def apply_factors(losses: LossDict, factors: Dict[str, float]) -> LossDict:
    """Weight losses; those of weight 0 are dropped, what is no loss stays."""
    weighted: LossDict = {}
    for name, value in losses.items():
        weighted.update(weighted_sum([{name: value}], [factors.get(name, 1.0)]))
    return weighted
