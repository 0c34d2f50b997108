"""The one reader of what mmengine logs: ``*/vis_data/scalars.json``."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd


def read_scalars(run_dir: Path) -> pd.DataFrame:
    """Read what a training has logged, in all of its sessions.

    A resumed training repeats what came after its last checkpoint, and a training that
    is started anew repeats everything. From its first iteration on, a later session
    replaces the earlier ones. A line that a kill cut off is left out, and so are tests,
    which mmengine logs into the same kind of file.

    Args:
        run_dir (Path): The work directory of a training.

    Returns:
        DataFrame: A row for each record, in the order of iterations. Columns are
        ``iteration``, ``split`` (``'train'``, ``'val'``, or ``'hook'`` for what hooks
        log beside them) and whatever was logged: ``loss``, ``time``,
        ``coco/bbox_mAP``, ... It has no rows if nothing was logged.
    """
    rows: list[dict] = []
    for path in sorted(run_dir.glob('*/vis_data/scalars.json')):
        session = read_session(path)
        trained = [row['iteration'] for row in session if row['split'] == 'train']
        if trained:
            rows = [row for row in rows if row['iteration'] < trained[0]] + session
    return pd.DataFrame(rows, columns=None if rows else ['iteration', 'split'])


def read_session(path: Path) -> list[dict]:
    """The records of one ``scalars.json``, with ``iteration`` and ``split``."""
    rows, iteration = [], 0
    for line in path.read_text(encoding='utf-8').splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        step = record.pop('step', 0)
        if 'loss' in record:
            split, iteration = 'train', step
        else:  # a validation has a time, but no AP if nothing was detected
            split = 'val' if 'time' in record else 'hook'
        # The step of a validation is an epoch, unless log_metric_by_epoch=False.
        rows.append({'iteration': max(iteration, step), 'split': split, **record})
    return rows
