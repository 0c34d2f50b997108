"""How good the pseudo labels of saved teachers would be, at every threshold.

Two teachers at one threshold are not comparable: the more confident one finds more, and
is wrong more often. This compares them at one recall, without training anything.

Example:
    python -m studies.label_curve CONFIG CHECKPOINT... --recall 0.5 --low 0.3
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_from_local

import mmdet_lossmix  # noqa: F401  reads what mmengine stores, with torch's protection

from .parts.pseudo_label_quality_hook import TargetAnnotations, match

MARKS = (0.3, 0.5, 0.7, 0.8, 0.9)  # thresholds that a plot shows


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path, help='of one of the trainings')
    parser.add_argument('checkpoints', type=Path, nargs='+', metavar='CHECKPOINT')
    parser.add_argument('--recall', type=float, default=0.5, help='to compare at')
    parser.add_argument('--low', type=float, default=0.3, help='a low threshold')
    parser.add_argument('--out', type=Path, help='a picture of the curves')
    return parser.parse_args()


def label_curve(found: Sequence, truth: Sequence, iou_thr: float = 0.5) -> pd.DataFrame:
    """Precision and recall of pseudo labels at every threshold, over all images.

    Args:
        found: Predictions of each image, ``InstanceData`` with scores.
        truth: Objects of each image, see :func:`match`.
        iou_thr: The least IoU of a match.

    Returns:
        DataFrame: Columns ``threshold``, which falls, ``precision``, ``recall`` and
        ``labels`` (how many are kept); a row for each score.
    """
    matched = [match(*pair, iou_thr) for pair in zip(found, truth)]
    objects = sum(int((~one.ignored).sum()) for one in truth)
    right, counts = (torch.cat(part).numpy() for part in zip(*matched))
    scores = torch.cat([one.scores.cpu() for one in found]).numpy()[counts]
    order = np.argsort(-scores, kind='stable')
    hits = right[counts][order].cumsum()
    curve = pd.DataFrame(
        {'threshold': scores[order], 'labels': np.arange(len(hits)) + 1}
    )
    curve['precision'], curve['recall'] = hits / curve['labels'], hits / max(1, objects)
    return curve.drop_duplicates('threshold', keep='last', ignore_index=True)


def at_recall(curve: pd.DataFrame, recall: float) -> pd.Series:
    """The row of the highest threshold at which so many objects are found.

    Returns:
        Series: Of NaN if no threshold finds so many.
    """
    rows = curve[curve['recall'] >= recall]
    return rows.iloc[0] if len(rows) else pd.Series(np.nan, curve.columns)


def at_threshold(curve: pd.DataFrame, threshold: float) -> pd.Series:
    """The row of the labels with so high a score; recall is 0 if there is none."""
    rows = curve[curve['threshold'] >= threshold]
    none = pd.Series({'labels': 0, 'precision': np.nan, 'recall': 0.0})
    return rows.iloc[-1] if len(rows) else none


def detector_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Those of the teacher, of a student whose teacher has not started, or all."""
    weights = load_from_local(str(checkpoint), map_location='cpu')['state_dict']
    started = weights.get('teacher_started')
    if started is None:
        return weights
    prefix = 'teacher.' if started else 'student.'
    return {k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)}


@torch.no_grad()
def predict(cfg: Config, checkpoint: Path) -> tuple[list, list]:
    """What a saved teacher, or plain detector, sees in the images of the validation.

    Returns:
        tuple[list, list]: Predictions and objects of each image, for
        :func:`label_curve`, in the frame of the image.
    """
    model = MODELS.build(cfg.model.get('detector', cfg.model))
    model.load_state_dict(detector_weights(checkpoint))
    model.to('cuda' if torch.cuda.is_available() else 'cpu').eval()
    annotations = TargetAnnotations(cfg.val_dataloader.dataset)
    found, truth = [], []
    for batch in Runner.build_dataloader(cfg.val_dataloader):
        for sample in model.test_step(batch):
            found.append(sample.pred_instances)
            truth.append(annotations.of(sample))
    return found, truth


def draw(curves: dict[str, pd.DataFrame], recall: float, out: Path) -> None:
    """Draw a curve for each checkpoint, with marks at some thresholds."""
    mpl.use('Agg')
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots(figsize=(6, 4.5), layout='constrained')
    for i, (name, curve) in enumerate(curves.items()):
        ax.plot(curve['recall'], curve['precision'], color=f'C{i}', label=name)
        for mark in MARKS:
            row = at_threshold(curve, mark)
            ax.plot(row['recall'], row['precision'], 'o', color=f'C{i}', markersize=4)
            ax.annotate(f'{mark}', (row['recall'], row['precision']), fontsize=7)
    ax.axvline(recall, color='grey', linestyle=':')
    ax.set(xlabel='recall of the pseudo labels', ylabel='precision', ylim=(0, 1.02))
    ax.legend()
    figure.savefig(out, dpi=120)


def main() -> Any:
    """Print a table, and draw."""
    args = parse_args()
    init_default_scope('mmdet')
    cfg = Config.fromfile(args.config)
    missing = [str(path) for path in args.checkpoints if not path.is_file()]
    if missing:
        return f'error: Name checkpoints that exist; there is no {", ".join(missing)}.'
    curves = {str(path): label_curve(*predict(cfg, path)) for path in args.checkpoints}
    rows = {}
    for name, curve in curves.items():
        same, low = at_recall(curve, args.recall), at_threshold(curve, args.low)
        rows[name] = {
            f'precision at recall {args.recall:g}': same['precision'],
            'its threshold': same['threshold'],
            f'recall from {args.low:g}': low['recall'],
            f'precision from {args.low:g}': low['precision'],
            **{
                f'{kind} from {mark:g}': at_threshold(curve, mark)[kind]
                for mark in MARKS
                for kind in ('precision', 'recall')
            },
        }
    print(pd.DataFrame(rows).round(3).to_markdown())
    if args.out:
        draw(curves, args.recall, args.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
