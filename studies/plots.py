"""The plots of a report: bars, a band along an axis, learning curves."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import matplotlib
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .results import PSEUDO as IN_TRAINING
from .statistics import SEED

CROWDED = 60  # characters of labels that fit beside each other
STYLE: Any = {
    'axes.spines.right': False,
    'axes.spines.top': False,
    'axes.grid': True,
    'axes.grid.axis': 'y',
    'axes.axisbelow': True,
    'grid.color': '#E5E5E5',
    'figure.dpi': 130,
    'legend.frameon': False,
}


def draw_plot(
    plot: Mapping[str, Any], table: pd.DataFrame, axes: Sequence[str]
) -> Figure:
    """Draw one plot of a study.

    Args:
        plot: ``kind``, ``x`` (an axis), ``by`` (an axis, a colour for each label), and
            optionally ``panels`` (an axis, side by side), ``y`` (a column, AP if not
            given) and ``log``. Labels of which nothing was measured are left out.
        table: All rows of the study.
        axes: Of the study.

    Returns:
        Figure: Mean and, as error bar or band, standard deviation. These are over the
        seeds and whatever else the plot does not show.
    """
    kind, y, by = plot['kind'], plot.get('y', 'AP'), plot.get('by')
    panels = plot.get('panels')
    split = 'val' if kind == 'curves' else 'test'
    rows = table[table['split'] == split]
    rows = rows[rows[y].notna()] if y in rows else rows[:0]
    looks = {}
    if by:  # a label looks alike in every plot and panel, whoever is missing from it
        labels = list(table[by].unique())
        colours = sns.color_palette('colorblind', len(labels))
        shown = [label for label in labels if label in set(rows[by])]
        looks = dict(hue=by, hue_order=shown, palette=dict(zip(labels, colours)))
    columns = list(table[panels].unique()) if panels else ['']
    width = 8 if len(columns) == 1 else 3 + 4 * len(columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, 4.2), layout='constrained')
        axs = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for ax, label in zip(axs, columns):
        part = rows[rows[panels] == label] if panels else rows
        if part.empty:
            text = 'no validation during the training'
            if (table['split'] == split).any():
                text = f'no {y} in any {"validation" if split == "val" else "test"}'
            ax.text(0.5, 0.5, text, ha='center')
        elif kind == 'curves':
            draw_curves(ax, part, y, looks, table[by].nunique() if by else 1)
        elif kind == 'bars':
            draw_bars(ax, part, plot['x'], y, looks)
        else:
            draw_band(ax, part, plot['x'], y, looks, bool(plot.get('log')))
        ax.set_title(label, fontsize=10)
        ax.label_outer()
        if ax.get_legend() and ax is not axs[-1]:
            ax.get_legend().remove()
        elif ax.get_legend():
            sns.move_legend(ax, 'upper left', bbox_to_anchor=(1.01, 1), title=None)
    over = [axis for axis in axes if axis not in (plot.get('x'), by, panels)]
    along = 'during the training' if kind == 'curves' else f'by {plot["x"]}'
    averaged = ' and '.join(over) or 'a single run each'
    text = f'{y} {along}; mean ± standard deviation over {averaged}'
    figure.suptitle(text, fontsize=10)
    return figure


def draw_bars(ax: Axes, rows: pd.DataFrame, x: str, y: str, looks: dict) -> None:
    """A bar for each label of ``x``, beside each other for each colour; all runs."""
    names = list(map(str, rows[x].unique()))
    rows = rows.assign(**{x: rows[x].astype(str)})
    sns.barplot(rows, x=x, y=y, order=names, errorbar='sd', alpha=0.8, ax=ax, **looks)
    dots = {**looks, 'palette': None, 'hue': looks.get('hue')}
    sns.stripplot(
        rows, x=x, y=y, order=names, dodge=bool(looks), color='black', size=3,
        alpha=0.5, jitter=False, legend=False, ax=ax,
        hue=dots['hue'], hue_order=looks.get('hue_order'),
        palette=dict.fromkeys(looks['palette'], 'black') if looks else None,
    )  # fmt: skip
    if sum(map(len, names)) > CROWDED:
        ax.set_xticks(ax.get_xticks(), names, rotation=30, ha='right')


def draw_band(
    ax: Axes, rows: pd.DataFrame, x: str, y: str, looks: dict, log: bool
) -> None:
    """A line with a band along numeric labels; a horizontal line for each other one."""
    at = pd.to_numeric(rows[x], errors='coerce')
    line = rows.assign(**{x: at})[at.notna()]
    sns.lineplot(line, x=x, y=y, errorbar='sd', marker='o', ax=ax, **looks)
    others = rows[at.isna()]
    by = looks.get('hue')
    for i, (label, part) in enumerate(
        others.groupby([by, x] if by else [x], sort=False)
    ):
        mean, std = part[y].mean(), part[y].std()
        colour = looks['palette'][label[0]] if by else f'C{i + 1}'
        name = ' '.join(map(str, label))
        ax.axhline(mean, color=colour, linestyle='--', label=name)
        ax.axhspan(mean - std, mean + std, color=colour, alpha=0.08, lw=0)
    if len(others) or by:
        ax.legend()
    if log:
        ax.set_xscale('log')
        ticks = sorted({t for t in at if t > 0})
        ax.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
        ax.minorticks_off()


def draw_curves(ax: Axes, rows: pd.DataFrame, y: str, looks: dict, labels: int) -> None:
    """A column during the training, with a band."""
    style = dict(style=looks['hue'], style_order=looks['hue_order']) if looks else {}
    veil = {'alpha': 0.2 if labels <= 4 else 0.06}
    sns.lineplot(
        rows, x='iteration', y=y, errorbar='sd', markers=True, dashes=True,
        err_kws=veil, ax=ax, **looks, **style,
    )  # fmt: skip
    measured = 'since the validation before' if y in IN_TRAINING else 'validation'
    ax.set(xlabel='training iteration', ylabel=f'{y}, {measured}')


def default_plots(axes: Sequence[str]) -> list[dict[str, str]]:
    """What is drawn if a study names no plots."""
    shown = [axis for axis in axes if axis != SEED] or list(axes)
    pair = dict(zip(('x', 'by'), shown))
    return [{'kind': 'bars', **pair}, {'kind': 'curves', 'by': shown[0]}]
