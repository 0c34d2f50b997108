"""One figure: score and recall by visibility, and a reliability diagram."""

from __future__ import annotations

import matplotlib
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..plots import STYLE
from .summary import D_ECE, PRECISION, RECALL, SCORE


def draw(table: pd.DataFrame) -> Figure:
    """Draw the table of all runs; a band is a standard deviation over seeds."""
    order = list(table['label'].unique())
    colours = sns.color_palette('colorblind', len(order))
    looks = dict(
        hue='label', hue_order=order, palette=dict(zip(order, colours)),
        style='label', style_order=order, markers=True, dashes=False,
    )  # fmt: skip
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12, 4), layout='constrained')
        for ax, quantity in zip(figure.subplots(1, 3), (SCORE, RECALL, PRECISION)):
            rows = table[table['quantity'] == quantity]
            if quantity == PRECISION:
                _diagonal(ax)
                for label, of_label in rows.groupby('label'):
                    index = order.index(label)
                    for _, run in of_label.groupby('run'):
                        ax.plot(run['at'], run['value'], 'o-', ms=4, c=colours[index])
                continue
            legend = quantity == SCORE
            sns.lineplot(
                rows, x='at', y='value', errorbar='sd', ax=ax, legend=legend, **looks
            )
            ax.set(xlabel='how visible the object is in the blend')
    first, second, third = figure.axes
    first.set(ylabel='score of its detection, 0 if there is none', title='Score')
    second.set(ylabel='share found', title='Recall at one false positive an image')
    third.set(
        xlabel='confidence of detections', ylabel='share that is right',
        title='Calibration on unmixed images', xlim=(0, 1), ylim=(0, 1),
    )  # fmt: skip
    for ax in (first, second):
        ax.set(ylim=(0, None))
    sns.move_legend(first, 'upper left', title=None)
    errors = table[table['quantity'] == D_ECE].groupby('label', sort=False)['value']
    lines = [f'{label}: D-ECE {100 * e:.1f} %' for label, e in errors.mean().items()]
    third.text(0.97, 0.03, '\n'.join(lines), ha='right', va='bottom', fontsize=8)
    return figure


def _diagonal(ax: Axes) -> None:
    ax.plot([0, 1], [0, 1], color='#999999', linestyle='--', linewidth=1)
