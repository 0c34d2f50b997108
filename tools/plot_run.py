"""Draw the losses and the AP of a training run into one picture.

Example:
    lossmix plot work_dirs/lossmix_faster_rcnn_voc
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

try:
    import matplotlib as mpl
    import pandas as pd
except ImportError as error:
    sys.exit(f'error: run `pip install matplotlib pandas`: {error}')


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


def draw(log: pd.DataFrame, title: str, out: Path) -> None:
    """Draw losses above, smoothed over the raw values, and metrics below."""
    mpl.use('Agg')
    from matplotlib import pyplot as plt

    trained = log['loss'].notna()
    losses = gathered(log[trained].filter(like='loss'))
    smooth = losses.rolling(max(1, len(losses) // 20), min_periods=1).mean()
    metrics = log[~trained].filter(like='/').dropna(axis='columns', how='all')
    metrics = metrics.loc[:, ~metrics.round(2).T.duplicated()]  # VOC's mAP is its AP50
    metrics = metrics.iloc[:, :10]  # AP of single classes comes last
    last = metrics.ffill().tail(1).T.squeeze(axis=1)
    names = {
        name: f'{name.removeprefix("coco/").removeprefix("pascal_voc/")}: {value:.3f}'
        for name, value in last.items()
    }
    panels = 1 if metrics.empty else 2
    figure, axes = plt.subplots(
        panels,
        sharex=True,
        figsize=(9, 2.4 + 2 * panels),
        height_ratios=(3, 2)[:panels],
        layout='constrained',
        squeeze=False,
    )
    above, below = axes[0, 0], axes[-1, 0]  # one and the same without a validation
    figure.suptitle(title, x=0.01, ha='left')
    style = {'color': mpl.color_sequences['tab10'], 'legend': False}
    losses.plot(ax=above, alpha=0.25, linewidth=0.8, **style)
    smooth.plot(ax=above, **style)
    curves = above.lines[len(losses.columns) :]
    curves[list(losses).index('loss')].set_linewidth(2.6)
    legends = {above: curves}
    if not metrics.empty:
        metrics.rename(columns=names).plot(ax=below, marker='o', markersize=4, **style)
        legends[below] = below.lines
        below.set_ylabel('validation')
    for ax, lines in legends.items():
        beside = {'loc': 'upper left', 'bbox_to_anchor': (1, 1), 'frameon': False}
        ax.legend(handles=lines, **beside)
        ax.spines[['top', 'right']].set_visible(False)
        ax.grid(axis='y', color='#E5E5E5')
        ax.set_ylim(bottom=0)
    above.set_ylabel('loss')
    below.set_xlabel('training iteration')
    figure.savefig(out, dpi=150)


def main(argv: list[str] | None = None) -> None:
    """Draw, and say where the picture is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dir', type=Path, help='its newest training is drawn')
    parser.add_argument('--out', type=Path, help='default: WORK_DIR/curves.png')
    args = parser.parse_args(argv)
    out = args.out or args.work_dir / 'curves.png'
    try:
        log = read_training(args.work_dir)
    except FileNotFoundError as error:
        sys.exit(f'error: {error}')
    out.parent.mkdir(parents=True, exist_ok=True)
    draw(log, args.work_dir.resolve().name, out)
    print(out)


if __name__ == '__main__':
    main()
