"""What mixing did to a number of images, in figures."""

from typing import List, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmdet.structures import DetDataSample

from .boxes import OWN, PARTNER

UNMIXED = (
    'No sample holds a partner: this config does not mix, or its strategy trains on '
    'one set of boxes (Union, Noise).'
)


class MixStatistics:
    """Count boxes over samples, and what each strategy would train on."""

    def __init__(self) -> None:
        self._rows: List[tuple] = []  # own, partner, ignored boxes; lambda; mixed?

    def add(self, sample: DetDataSample) -> None:
        """Count one more sample."""
        both = [sample, sample.partner] if 'partner' in sample else [sample]
        own, partner = (*[len(s.gt_instances) for s in both], 0)[:2]
        ignored = sum(len(s.get('ignored_instances', ())) for s in both)
        lam = sample.get('mix_lambda', 1.0)
        self._rows.append((own, partner, ignored, lam, len(both) == 2))

    def report(self) -> str:
        """All figures as a short text."""
        own, partner, ignored, lam, mixed = self._columns()
        share = mixed.mean() if len(mixed) else 0
        figures = {
            'images': len(own),
            'with a partner': f'{mixed.sum()} ({share:.0%})',
            'boxes per image': describe(own),
            'boxes per partner': describe(partner[mixed]),
            'ignored boxes': f'{ignored.sum():.0f}',
            'lambda': describe(lam[mixed]),
        }
        if mixed.any():
            both = describe(own + partner)
            weights = describe(lam * own + (1 - lam) * partner)
            dominant = describe(np.where(lam >= 0.5, own, partner))
            figures['boxes per image that each strategy keeps'] = ''
            figures['  LossMix'] = f'{both}; sum of weights: {weights}'
            figures['  Union'] = f'{both}; of weight 1'
            figures['  Noise'] = f'{dominant}; of weight 1'
        else:
            figures[UNMIXED] = ''
        return '\n'.join(f'{name:22}{x}'.rstrip() for name, x in figures.items())

    def figure(self, title: str) -> Figure:
        """The histograms of lambda and of the number of boxes."""
        own, partner, _, lam, mixed = self._columns()
        figure = Figure(figsize=(9, 3.4), dpi=150, layout='constrained')
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.01, ha='left', fontsize=11)
        left, right = figure.subplots(1, 2)
        left.hist(lam[mixed], bins=20, range=(0, 1), color=OWN, edgecolor='white')
        if not mixed.any():
            left.text(0.5, 0.5, 'no sample has a partner', ha='center')
        left.set(xlabel="λ, weight of the image's own boxes", ylabel='images')
        highest = int(max([*own, *partner, 1]))
        edges = np.arange(0, highest + 2, 1 + highest // 40) - 0.5
        names = ['own', 'of the image mixed in']
        right.hist([own, partner[mixed]], edges, color=[OWN, PARTNER], label=names)
        right.set(xlabel='boxes', ylabel='images')
        right.legend(frameon=False)
        for ax in (left, right):
            ax.spines[['top', 'right']].set_visible(False)
        return figure

    def _columns(self) -> Sequence[np.ndarray]:
        *numbers, mixed = np.array(self._rows, float).reshape(-1, 5).T
        return (*numbers, mixed.astype(bool))


def describe(values: np.ndarray) -> str:
    """Mean and range of numbers."""
    if not len(values):
        return '-'
    return f'mean {values.mean():.2f}, from {values.min():.3g} to {values.max():.3g}'
