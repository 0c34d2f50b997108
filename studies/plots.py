"""The plots of a report: bars, a band along an axis, learning curves."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmdet_lossmix.visualization.curves import COLOURS

from .collect import PSEUDO as IN_TRAINING
from .statistics import SEED

MARKERS = ('o-', 's--', '^:')  # of labels beyond the number of colours
CROWDED = 60  # characters of labels that fit beside each other
CLEAR = 4  # bands that can be told apart


def draw_plot(
    plot: Mapping[str, Any], table: pd.DataFrame, axes: Sequence[str]
) -> Figure:
    """Draw one plot of a study.

    Args:
        plot: ``kind``, ``x`` (an axis), ``by`` (an axis, a colour for each label), and
            optionally ``panels`` (an axis, side by side), ``y`` (a column, AP if not
            given) and ``log``. Where nothing of the column was measured, nothing is
            drawn.
        table: All rows of the study.
        axes: Of the study.

    Returns:
        Figure: Mean and, as error bar or band, standard deviation. These are over the
        seeds and whatever else the plot does not show.
    """
    y, by = plot.get('y', 'AP'), plot.get('by')
    if y not in table:
        table = table.assign(**{y: float('nan')})
    if by:  # a label has its colour in every panel, whoever is missing from one
        labels = pd.Categorical(table[by], table[by].unique())
        table = table.assign(**{by: labels})
    panels = _groups(table, plot.get('panels'))
    width = 8 if len(panels) == 1 else 3 + 4 * len(panels)
    figure = Figure(figsize=(width, 4.2), dpi=130, layout='constrained')
    FigureCanvasAgg(figure)
    figures = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (label, part) in zip(figures, panels):
        if plot['kind'] == 'curves':
            draw_curves(ax, part, by, y)
        else:
            rows = part[part['split'] == 'test']
            draw = draw_bars if plot['kind'] == 'bars' else draw_band
            draw(ax, rows, plot['x'], by, y, bool(plot.get('log')))
        ax.label_outer()
        ax.spines[['top', 'right']].set_visible(False)
        ax.grid(axis='y', color='#E5E5E5', linewidth=0.8)
        ax.set_axisbelow(True)
        if label:
            ax.set_title(label, fontsize=10)
    shown = (plot.get('x'), by, plot.get('panels'))
    text = title(plot, [axis for axis in axes if axis not in shown])
    if len(panels) == 1:
        figures[0].set_title(text, loc='left', fontsize=10)
    else:
        figure.suptitle(text, fontsize=10)
    if figures[-1].get_legend_handles_labels()[0]:
        figures[-1].legend(loc='upper left', bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def title(plot: Mapping[str, Any], others: Sequence[str]) -> str:
    """What is shown, and what mean and deviation are taken over."""
    y = plot.get('y', 'AP')
    along = 'during the training' if plot['kind'] == 'curves' else f'by {plot["x"]}'
    over = ' and '.join(others) or 'a single run each'
    return f'{y} {along}; mean ± standard deviation over {over}'


def _groups(table: pd.DataFrame, by: str | None) -> list[tuple[Any, pd.DataFrame]]:
    if by is None:
        return [('', table)]
    labels = table[by].unique()
    if isinstance(table[by].dtype, pd.CategoricalDtype):
        labels = table[by].cat.categories
    return [(label, table[table[by] == label]) for label in labels]


def _summary(table: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    return table.groupby(x, sort=False)[y].agg(['mean', 'std']).fillna({'std': 0})


def draw_bars(
    ax: Axes, table: pd.DataFrame, x: str, by: str | None, y: str, log: bool
) -> None:
    """A bar for each label of ``x``, beside each other for each of ``by``; all runs."""
    labels = list(table[x].unique())
    groups = _groups(table, by)
    width = 0.8 / len(groups)
    for i, (label, group) in enumerate(groups):
        summary = _summary(group, x, y).reindex(labels)
        at = np.arange(len(labels)) + (i - (len(groups) - 1) / 2) * width
        colour = COLOURS[i % len(COLOURS)]
        name = str(label) if by else None
        ax.bar(at, summary['mean'], width * 0.92, color=colour, label=name, alpha=0.8)
        ax.errorbar(at, summary['mean'], summary['std'], fmt='none', color='black')
        places = dict(zip(labels, at))
        dots = [places[value] for value in group[x]]
        ax.plot(dots, group[y], 'o', color='black', markersize=3, alpha=0.5)
    names = [str(label) for label in labels]
    style: dict[str, Any] = {}
    if sum(map(len, names)) > CROWDED:
        style = dict(rotation=30, ha='right')
    ax.set_xticks(range(len(labels)), names, **style)
    ax.set(xlabel=x, ylabel=y)


def draw_band(
    ax: Axes, table: pd.DataFrame, x: str, by: str | None, y: str, log: bool
) -> None:
    """A line with a band along numeric labels; a horizontal line for each other one."""
    for i, (label, group) in enumerate(_groups(table, by)):
        summary = _summary(group, x, y)
        numeric = pd.to_numeric(pd.Series(summary.index), errors='coerce').to_numpy()
        line = summary[~np.isnan(numeric)]
        at = numeric[~np.isnan(numeric)]
        order = np.argsort(at)
        line, at = line.iloc[order], at[order]
        mean, std = line['mean'], line['std']
        colour = COLOURS[i % len(COLOURS)]
        ax.plot(at, mean, 'o-', color=colour, label=str(label) or None)
        ax.fill_between(at, mean - std, mean + std, color=colour, alpha=0.2, lw=0)
        rest = summary[np.isnan(numeric)]
        for j, (name, (level, spread)) in enumerate(zip(rest.index, rest.to_numpy())):
            other = COLOURS[(i + j + 1) % len(COLOURS)] if by is None else colour
            style = '--' if j == 0 else ':'
            text = f'{label} {name}'.strip()
            ax.axhline(level, color=other, linestyle=style, label=text)
            ax.axhspan(level - spread, level + spread, color=other, alpha=0.08, lw=0)
    if log:
        ax.set_xscale('log')
        ticks = sorted({t for t in pd.to_numeric(table[x], errors='coerce') if t > 0})
        ax.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
        ax.minorticks_off()
    ax.set(xlabel=x, ylabel=y)


def draw_curves(ax: Axes, table: pd.DataFrame, by: str | None, y: str) -> None:
    """A column during the training, with a band; labels without any value left out."""
    rows = table[table['split'] == 'val']
    groups = _groups(rows, by)
    veil = 0.2 if len(groups) <= CLEAR else 0.06
    # A label has its colour in every plot, whoever is left out of one.
    for i, (label, group) in enumerate(groups):
        group = group[group[y].notna()]
        if group.empty:
            continue
        summary = group.groupby('iteration')[y].agg(['mean', 'std']).fillna({'std': 0})
        colour = COLOURS[i % len(COLOURS)]
        marker = MARKERS[i // len(COLOURS) % len(MARKERS)]
        mean, std = summary['mean'], summary['std']
        ax.plot(summary.index, mean, marker, color=colour, label=str(label) or None)
        ax.fill_between(
            summary.index, mean - std, mean + std, color=colour, alpha=veil, lw=0
        )
    measured = 'since the validation before' if y in IN_TRAINING else 'validation'
    ax.set(xlabel='training iteration', ylabel=f'{y}, {measured}')
    if rows.empty:
        ax.text(0.5, 0.5, 'no validation during the training', ha='center')
    elif rows[y].isna().all():
        ax.text(0.5, 0.5, f'no {y} in any validation', ha='center')


def default_plots(axes: Sequence[str]) -> list[dict[str, str]]:
    """What is drawn if a study names no plots."""
    shown = [axis for axis in axes if axis != SEED] or list(axes)
    pair = dict(zip(('x', 'by'), shown))
    return [{'kind': 'bars', **pair}, {'kind': 'curves', 'by': shown[0]}]
