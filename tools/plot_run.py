"""Draw the losses and the AP of a training run into one picture.

Several runs are compared by their loss and their first metric.

Examples:
    lossmix plot work_dirs/lossmix_faster_rcnn_voc
    lossmix plot work_dirs/plain work_dirs/lossmix
"""

from __future__ import annotations

import argparse
import sys
from itertools import cycle
from pathlib import Path
from typing import Any, Sequence

try:
    import matplotlib as mpl
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
except ImportError as error:
    sys.exit(f'error: run `pip install matplotlib pandas`: {error}')

STYLE: dict[str, Any] = {'color': mpl.color_sequences['tab10'], 'legend': False}


def read_training(work_dir: Path) -> pd.DataFrame:
    """What the newest training in a work directory has logged, by its iteration.

    Raises:
        FileNotFoundError: If none has logged anything.
    """
    # A test logs into such a file, too; mmengine names its folders by the time.
    for path in sorted(work_dir.glob('*/vis_data/scalars.json'), reverse=True):
        if not path.stat().st_size:
            continue
        log = pd.read_json(path, lines=True)
        if 'loss' in log:
            # The `step` of a validation is an epoch in one kind of loop.
            log['iteration'] = log['step'].where(log['loss'].notna()).ffill().fillna(0)
            return log.set_index('iteration')
    raise FileNotFoundError(
        f'name the --work-dir of a training that has logged something; there is no '
        f'vis_data/scalars.json with a loss below {work_dir}.'
    )


def gathered(curves: pd.DataFrame) -> pd.DataFrame:
    """As many curves as colours: those of layers and stages added up, then the largest.

    DINO logs 39 losses, ``d0.loss_cls`` to ``d4.dn_loss_iou``.
    """
    layers = curves.columns.str.replace(r'^[ds]\d+\.', '', regex=True)
    sums = {name: curves.loc[:, layers == name].sum(axis=1) for name in layers.unique()}
    curves = pd.DataFrame(sums)
    largest = curves.mean().nlargest(len(mpl.color_sequences['tab10'])).index
    return curves[[name for name in curves if name in largest]]


def metrics_of(log: pd.DataFrame) -> pd.DataFrame:
    """What validations have measured, by iteration, at most ten columns."""
    metrics = log[log['loss'].isna()].filter(like='/').dropna(axis=1, how='all')
    rounded = metrics.round(2)
    same = [  # VOC's mAP of one threshold is its AP50
        name
        for name in metrics.filter(regex=r'pascal_voc/mAP$')
        if rounded[name].equals(rounded.get(f'{name.removesuffix("mAP")}AP50'))
    ]
    return metrics.drop(columns=same).iloc[:, :10]  # AP of single classes comes last


def short(name: str) -> str:
    """A metric without its data set; ``teacher/`` stays."""
    return name.replace('coco/', '').replace('pascal_voc/', '')


def smooth(losses: pd.DataFrame) -> pd.DataFrame:
    """Running means over a twentieth of a training."""
    return losses.rolling(max(1, len(losses) // 20), min_periods=1).mean()


def panels(title: str, number: int) -> tuple[Figure, list]:
    """A figure with panels below each other: losses, then metrics if there are any."""
    figure = Figure(figsize=(9, 2.4 + 2 * number), dpi=150, layout='constrained')
    figure.suptitle(title, x=0.01, ha='left')
    ratios = (3, 2)[:number]
    axes = figure.subplots(number, sharex=True, height_ratios=ratios, squeeze=False)
    for ax, label in zip(axes[:, 0], ('loss', 'validation')):
        ax.set_ylabel(label)
        ax.spines[['top', 'right']].set_visible(False)
        ax.grid(axis='y', color='#E5E5E5')
    axes[-1, 0].set_xlabel('training iteration')
    return figure, list(axes[:, 0])


def finish(ax: Axes, lines: Sequence[Line2D]) -> None:
    """Name the lines beside them; begin at 0 and leave room for markers."""
    ax.legend(handles=lines, loc='upper left', bbox_to_anchor=(1, 1), frameon=False)
    ax.set_ylim(0, 1.05 * (ax.get_ylim()[1] or 1))


def draw(log: pd.DataFrame, title: str) -> Figure:
    """Draw losses above, smoothed over the raw values, and metrics below."""
    losses = gathered(log[log['loss'].notna()].filter(like='loss'))
    metrics = metrics_of(log)
    figure, (above, *rest) = panels(title, 1 if metrics.empty else 2)
    losses.plot(ax=above, alpha=0.25, linewidth=0.8, **STYLE)
    smooth(losses).plot(ax=above, **STYLE)
    curves = above.lines[len(losses.columns) :]
    curves[list(losses).index('loss')].set_linewidth(2.6)
    finish(above, curves)
    for below in rest:
        last = metrics.ffill().iloc[-1]
        names = {x: f'{short(x)}: {value:.3f}' for x, value in last.items()}
        metrics.rename(columns=names).plot(ax=below, marker='o', markersize=4, **STYLE)
        finish(below, below.lines)
    return figure


def compare(logs: dict[str, pd.DataFrame]) -> Figure:
    """Draw the loss of several runs above, and the first metric of each below."""
    metrics = {name: metrics_of(log).iloc[:, :1] for name, log in logs.items()}
    measured = {name: one for name, one in metrics.items() if not one.empty}
    figure, (above, *rest) = panels(', '.join(logs), 2 if measured else 1)
    for colour, (name, log) in zip(cycle(STYLE['color']), logs.items()):
        loss = log.loc[log['loss'].notna(), 'loss']
        above.plot(smooth(loss.to_frame())['loss'], color=colour, label=name)
        for below in rest if name in measured else ():
            ((metric, values),) = measured[name].items()
            label = f'{name}, {short(metric)}: {values.iloc[-1]:.3f}'
            below.plot(values, marker='o', markersize=4, color=colour, label=label)
    for ax in (above, *rest):
        finish(ax, ax.lines)
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw, and say where the picture is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'work_dir', type=Path, nargs='+', help='its newest training; several: compare'
    )
    parser.add_argument(
        '--out', type=Path, help='default: curves.png or compared.png in WORK_DIR'
    )
    args = parser.parse_args(argv)
    try:
        logs = {path.resolve().name: read_training(path) for path in args.work_dir}
    except FileNotFoundError as error:
        sys.exit(f'error: {error}')
    if len(logs) < len(args.work_dir):
        sys.exit('error: rename one of the folders: the legend has their names')
    name = 'curves.png' if len(logs) == 1 else 'compared.png'
    out = args.out or args.work_dir[0] / name
    out.parent.mkdir(parents=True, exist_ok=True)
    figure = compare(logs) if len(logs) > 1 else draw(*list(logs.values()), *logs)
    figure.savefig(out)
    print(out)


if __name__ == '__main__':
    main()
