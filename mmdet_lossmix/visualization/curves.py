"""Curves of one training run: every loss term, and every AP that was measured."""

import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's colours, the ones that show on white.
COLOURS = (
    '#0072B2', '#D55E00', '#009E73', '#CC79A7',
    '#E69F00', '#56B4E9', '#8A6FDF', '#7F7F7F',
)  # fmt: skip

Curve = Tuple[List[int], List[float]]


class RunCurves(NamedTuple):
    """The curves of a run over its training iterations.

    Attributes:
        losses (dict[str, Curve]): The total ``loss`` and its terms.
        metrics (dict[str, Curve]): What the validation measured, AP among it.
    """

    losses: Dict[str, Curve]
    metrics: Dict[str, Curve]


def find_scalars(work_dir: Path) -> Path:
    """The ``scalars.json`` of the newest training in a work directory.

    Args:
        work_dir (Path): The directory, or the file itself.

    Raises:
        FileNotFoundError: If there is none.
    """
    if work_dir.is_file():
        return work_dir
    # A test writes such a file as well, and mmengine names its folders by the time.
    found = [
        path
        for path in work_dir.glob('*/vis_data/scalars.json')
        if '"loss"' in path.read_text(encoding='utf-8')
    ]
    if not found:
        raise FileNotFoundError(
            f'Expected a training with vis_data/scalars.json in {work_dir} but got '
            'none; name the --work-dir of one that has logged something.'
        )
    return max(found)


def read_curves(scalars: Path) -> RunCurves:
    """Read mmengine's ``scalars.json``.

    A validation is placed at the training iteration that came before it: its own
    ``step`` is an epoch in one kind of loop and an iteration in the other.

    Raises:
        ValueError: If the file holds neither losses nor metrics.
    """
    curves = RunCurves({}, {})
    iteration = 0
    for line in scalars.read_text(encoding='utf-8').splitlines():
        record = json.loads(line)
        training = 'lr' in record or 'loss' in record
        if training:
            iteration = record['step']
        for key, value in record.items():
            if training and 'loss' in key:
                _append(curves.losses, key, iteration, value)
            elif not training and key not in ('step', 'time', 'data_time'):
                _append(curves.metrics, key.split('/')[-1], iteration, value)
    if not curves.losses and not curves.metrics:
        raise ValueError(
            f'Expected losses or metrics in {scalars} but got none; the run ended '
            'before its first log interval.'
        )
    return curves


def _append(curves: Dict[str, Curve], key: str, iteration: int, value: float) -> None:
    steps, values = curves.setdefault(key, ([], []))
    steps.append(iteration)
    values.append(value)


def smooth(values: List[float], window: int) -> np.ndarray:
    """Running mean over the last ``window`` values; over fewer at the start."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def draw_curves(curves: RunCurves, title: str) -> Figure:
    """Losses above, smoothed over the raw values, and metrics below."""
    figure = Figure(figsize=(9, 6.4), dpi=150, layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha='left', fontsize=12)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for index, (key, (steps, values)) in enumerate(curves.losses.items()):
        style = {'color': COLOURS[index % len(COLOURS)]}
        window = max(1, len(values) // 20)
        above.plot(steps, values, alpha=0.25, linewidth=0.8, **style)
        width = 2.4 if key == 'loss' else 1.6
        above.plot(steps, smooth(values, window), linewidth=width, label=key, **style)
    above.set(ylabel='loss')
    for colour, (key, (steps, values)) in zip(COLOURS, merge_equal(curves.metrics)):
        below.plot(steps, values, color=colour, marker='o', markersize=4, label=key)
        below.annotate(
            f'{values[-1]:.3f}',
            (steps[-1], values[-1]),
            xytext=(6, 0),
            textcoords='offset points',
            va='center',
        )
    below.set(ylabel='validation', xlabel='training iteration')
    if not curves.metrics:
        style = {'ha': 'center', 'va': 'center', 'transform': below.transAxes}
        below.text(0.5, 0.5, 'no validation so far', **style)
    for ax in (above, below):
        _tidy(ax)
    return figure


def merge_equal(curves: Dict[str, Curve]) -> List[Tuple[str, Curve]]:
    """Name curves that are the same once; mAP is AP50 if there is no other."""
    names: Dict[str, List[str]] = {}
    for key, (steps, values) in curves.items():
        rounded = [f'{value:.2f}' for value in values]  # mmdet rounds some of them
        names.setdefault(f'{steps} {rounded}', []).append(key)
    return [(' = '.join(keys), curves[keys[0]]) for keys in names.values()]


def _tidy(ax: Axes) -> None:
    ax.spines[['top', 'right']].set_visible(False)
    ax.grid(axis='y', color='#E5E5E5', linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_ylim(0, ax.dataLim.y1 * 1.08 if ax.dataLim.y1 > 0 else 1)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc='upper left', bbox_to_anchor=(1.06, 1), frameon=False)
