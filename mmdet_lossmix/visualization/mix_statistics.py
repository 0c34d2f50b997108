"""What mixing did to a number of images, in figures."""

from dataclasses import dataclass, field
from typing import List

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmdet.structures import DetDataSample

from .boxes import INK, OWN, PARTNER

BINS = 20


@dataclass
class MixStatistics:
    """Count over samples.

    Attributes:
        lams (list[float]): ``mix_lambda`` of each mixed sample.
        own (list[int]): Boxes of each sample's own target.
        partner (list[int]): Boxes of the partner's target of each mixed sample.
        ignored (int): Ignored boxes, of both.
        dominant (list[int]): Boxes of the dominant image's target of each sample, which
            is what Noise would keep.
        both (list[int]): Boxes of both targets of each sample, which LossMix and Union
            keep.
        weights (list[float]): What these boxes weigh together with LossMix; with Union
            it is their number.
    """

    lams: List[float] = field(default_factory=list)
    own: List[int] = field(default_factory=list)
    partner: List[int] = field(default_factory=list)
    ignored: int = 0
    dominant: List[int] = field(default_factory=list)
    both: List[int] = field(default_factory=list)
    weights: List[float] = field(default_factory=list)

    def add(self, sample: DetDataSample) -> None:
        """Count one more sample."""
        own, partner, lam = len(sample.gt_instances), 0, 1.0
        self.own.append(own)
        self.ignored += count_ignored(sample)
        if 'partner' in sample:
            partner, lam = len(sample.partner.gt_instances), sample.mix_lambda
            self.lams.append(lam)
            self.partner.append(partner)
            self.ignored += count_ignored(sample.partner)
        self.dominant.append(own if lam >= 0.5 else partner)
        self.both.append(own + partner)
        self.weights.append(lam * own + (1 - lam) * partner)

    def report(self) -> str:
        """All figures as a short text."""
        images, mixed = len(self.own), len(self.lams)
        share = mixed / images if images else 0
        lines = [
            f'images                {images}',
            f'with a partner        {mixed} ({share:.0%})',
            f'boxes per image       {describe(self.own)}',
            f'boxes per partner     {describe(self.partner)}',
            f'ignored boxes         {self.ignored}',
            f'lambda                {describe(self.lams)}',
        ]
        if mixed:
            lines += [
                'boxes per image that each strategy keeps of these targets',
                f'  LossMix             {describe(self.both)}; '
                f'all weights: {describe(self.weights)}',
                f'  Union               {describe(self.both)}; at full weight',
                f'  Noise               {describe(self.dominant)}; at full weight',
            ]
        else:
            lines.append(
                'No sample holds a partner: this config does not mix, or trains on one '
                'target (Union, Noise).'
            )
        return '\n'.join(lines)

    def figure(self, title: str) -> Figure:
        """The histograms of lambda and of the number of boxes."""
        figure = Figure(figsize=(9, 3.4), dpi=150, layout='constrained')
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.01, ha='left', fontsize=11)
        left, right = figure.subplots(1, 2)
        if self.lams:
            left.hist(self.lams, BINS, (0, 1), color=OWN, edgecolor='white')
        else:
            style = {'ha': 'center', 'va': 'center', 'color': INK}
            left.text(0.5, 0.5, 'no sample has a partner', **style)
        left.set(xlabel='λ, weight of the own target', ylabel='images', xlim=(0, 1))
        highest = max([*self.own, *self.partner, 1])
        edges = [n - 0.5 for n in range(0, highest + 2, 1 + highest // 40)]
        counts, names, colours = [self.own], ['own'], [OWN]
        if self.partner:
            counts, names, colours = (
                [self.own, self.partner],
                ['own', 'partner'],
                [
                    OWN,
                    PARTNER,
                ],
            )
        right.hist(counts, edges, color=colours, label=names)
        right.set(xlabel='boxes of a target', ylabel='images')
        right.legend(frameon=False)
        for ax in (left, right):
            ax.spines[['top', 'right']].set_visible(False)
        return figure


def count_ignored(sample: DetDataSample) -> int:
    """The number of ignored boxes of one target."""
    return len(sample.ignored_instances) if 'ignored_instances' in sample else 0


def describe(values: List) -> str:
    """Mean and range of numbers."""
    if not values:
        return '-'
    mean = sum(values) / len(values)
    low, high = (f'{v:.3g}' for v in (min(values), max(values)))
    return f'mean {mean:.2f}, from {low} to {high}'
