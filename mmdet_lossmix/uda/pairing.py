"""What is drawn once for a whole batch: whether it mixes, with whom, and lambda."""

from typing import NamedTuple, Optional

import numpy as np

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.functional import check_mix_args, sample_lambda
from mmdet_lossmix.mixing.strategies import STRATEGIES

INTRA, INTER = 'intra', 'inter'


class Draw(NamedTuple):
    """What was drawn for a batch.

    Attributes:
        pairing (str, optional): ``'intra'``, partners of the same domain; ``'inter'``,
            partners of the other one; None, unmixed.
        lam (float): Weight of the own image, in [0, 1]; 1 if unmixed.
    """

    pairing: Optional[str]
    lam: float


UNMIXED = Draw(None, 1.0)


class BurnInMix:
    """Mixing during burn-in: a small share of a target image, as noise.

    The sources' losses count in full. The share is ``max_share`` times a draw from
    ``Beta(alpha, alpha)``. The paper leaves its size open; the defaults are ours.

    Args:
        max_share (float): The most that a target image may weigh, in (0, 0.5], so that
            the labelled image dominates. Defaults to 0.3.
        alpha (float): Of the Beta distribution. Defaults to 1.0.
        prob (float): Probability of mixing a batch, in [0, 1]. Defaults to 1.0.

    Raises:
        TypeError, ValueError: If an argument is no number, or out of its range.
    """

    def __init__(
        self, max_share: float = 0.3, alpha: float = 1.0, prob: float = 1.0
    ) -> None:
        check_mix_args(alpha, prob)
        hint = '; for a burn-in without mixing use `warmup_mix=None`'
        check_number('max_share', max_share, '(0, 0.5]', hint=hint)
        self.max_share, self.alpha, self.prob = max_share, alpha, prob

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw for a batch; the partner is of the target domain."""
        mix, share = rng.random() < self.prob, sample_lambda(self.alpha, rng)
        return Draw(INTER, 1 - self.max_share * share) if mix else UNMIXED


class AdaptationMix:
    """Mixing during adaptation, of images with ground truth and with pseudo labels.

    Pairing and lambda are drawn once for a batch, source and target images alike. The
    annotations of either are then all of one origin, and so are their partners'; with
    an inter-domain pairing both domains keep the same share of the images.

    Args:
        strategy (str): One of ``mmdet_lossmix.mixing.strategies``: ``'lossmix'``,
            ``'union'`` or ``'noise'``. Defaults to ``'lossmix'``.
        inter_share (float): Share of inter-domain pairs among mixed batches, in
            [0, 1]: 0 is intra-domain only, 1 inter-domain only. Defaults to 0.5.
        alpha (float): Lambda is drawn from ``Beta(alpha, alpha)``. Defaults to 1.0.
        prob (float): Probability of mixing a batch, in [0, 1]. Defaults to 1.0.

    Attributes:
        unites (bool): Whether the strategy trains on the objects of both images as one.

    Raises:
        TypeError, ValueError: If a number is none, or an argument out of its range.
    """

    def __init__(
        self,
        strategy: str = 'lossmix',
        inter_share: float = 0.5,
        alpha: float = 1.0,
        prob: float = 1.0,
    ) -> None:
        check_mix_args(alpha, prob)
        check_number('inter_share', inter_share, '[0, 1]')
        if strategy not in STRATEGIES:
            raise ValueError(
                f'Set `strategy` to one of {sorted(STRATEGIES)}, not {strategy!r}; for '
                'no mixing use `adaptation_mix=None`.'
            )
        self.strategy = STRATEGIES[strategy]
        self.inter_share, self.alpha, self.prob = inter_share, alpha, prob
        # Found out by trying.
        terms = self.strategy('a', 'b', 0.5, '{}{}'.format, np.random.default_rng(0))
        self.unites = any(annotations == 'ab' for annotations, _ in terms)

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw for a batch."""
        mix, inter = rng.random() < self.prob, rng.random() < self.inter_share
        lam = sample_lambda(self.alpha, rng)
        return Draw(INTER if inter else INTRA, lam) if mix else UNMIXED
