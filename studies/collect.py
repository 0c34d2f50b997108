"""All results of a study as one tidy table: a row per cell and checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, Sequence

import pandas as pd

from .cell_run import CLEAN, CellRun
from .settings import complete

METRICS = {
    'bbox_mAP': 'AP',
    'bbox_mAP_50': 'AP50',
    'bbox_mAP_75': 'AP75',
    'bbox_mAP_s': 'AP_small',
    'bbox_mAP_m': 'AP_medium',
    'bbox_mAP_l': 'AP_large',
}
STUDENT = ('AP', 'AP50', 'AP75')  # measured of the student of an adaptation, too
PSEUDO = ('pseudo_precision', 'pseudo_recall', 'pseudo_per_image')
BESIDE = (*(f'student/{name}' for name in STUDENT), *PSEUDO)
CORRUPTED = 'AP_corrupted/'
PER_CLASS = 'AP_class/'


def collect(cells: Sequence[CellRun]) -> pd.DataFrame:
    """The rows of all finished cells.

    ``split`` is ``val`` for what was measured during the training and ``test`` for the
    final checkpoint; robustness stands in rows of ``test``. ``iteration`` is the last
    one that was logged before. What a test does not measure of an adaptation, its
    student and its pseudo labels, is that of a validation in the last iteration.

    Returns:
        DataFrame: Empty if no cell is finished.
    """
    return pd.DataFrame(
        [row for cell in cells if cell.finished for row in cell_rows(cell)]
    )


def cell_rows(cell: CellRun) -> Iterator[dict[str, Any]]:
    """The rows of one finished cell."""
    trained = json.loads(cell.trained_file.read_text())
    labels = cell.cell.labels
    settings = complete(cell.cell.settings)
    log = read_log(cell.train_dir)
    common = {
        'study': cell.study.name,
        'cell': cell.folder.name,
        **labels,
        **{key: value for key, value in settings.items() if key not in labels},
        'config': cell.cell.config,
    }
    cost = {
        **usage(cell.folder / 'train.usage', 'train'),
        **usage(cell.folder / 'test_clean.usage', 'test'),
        'iteration_seconds': mean(log['time']),
        'gpu_memory_mb': max(log['memory'], default=float('nan')),
        'config_hash': trained['config_hash'],
        **trained['versions'],
        'git_revision': trained['git_revision'],
    }
    since = 0
    beside: dict[str, float] = {}
    for at, metrics in log['validations']:
        row = validated(metrics, at, cell.cfg.model.get('burn_in_iters'))
        row.update(pseudo_labels(log['training'], since, at))
        beside = {key: value for key, value in row.items() if key in BESIDE}
        since = at
        yield {**common, 'split': 'val', 'iteration': at, **row, **cost}
    if since != log['last_iteration']:
        beside = {}
    tests = {
        name: json.loads(cell.metrics_file(name).read_text())
        for name in cell.test_names
    }
    robust = {
        f'{CORRUPTED}{name}': renamed(metrics)['AP']
        for name, metrics in tests.items()
        if name != CLEAN
    }
    if robust:
        robust[f'{CORRUPTED}mean'] = mean(list(robust.values()))
        robust['severity'] = cell.study.severity
    yield {
        **common,
        'split': 'test',
        'iteration': log['last_iteration'],
        'checkpoint': trained['checkpoint'],
        **renamed(tests[CLEAN]),
        **beside,
        **robust,
        **cost,
    }


def validated(
    metrics: dict[str, float], at: int, burn_in: int | None
) -> dict[str, float]:
    """The columns of a validation.

    Args:
        metrics: Of mmdet; those of an adaptation begin with ``teacher/``, ``student/``.
        at: After how many iterations.
        burn_in: After how many the teacher of an adaptation starts; None for a plain
            detector.

    Returns:
        dict[str, float]: Of the teacher if it has started, else of the student, and
        the student's own beside them.
    """
    if burn_in is None:
        return renamed(metrics)
    who = 'teacher' if at > burn_in else 'student'
    student = renamed(part(metrics, 'student'))
    return {
        **renamed(part(metrics, who)),
        **{f'student/{name}': student[name] for name in STUDENT if name in student},
    }


def part(metrics: dict[str, float], who: str) -> dict[str, float]:
    """The metrics of the teacher, or of the student."""
    prefix = f'{who}/'
    return {
        key[len(prefix) :]: value
        for key, value in metrics.items()
        if key.startswith(prefix)
    }


def pseudo_labels(
    training: dict[int, dict], since: int, until: int
) -> dict[str, float]:
    """Means of what the training has logged of its pseudo labels."""
    records = [record for at, record in training.items() if since < at <= until]
    logged = {
        name: [record[name] for record in records if name in record] for name in PSEUDO
    }
    return {name: mean(values) for name, values in logged.items() if values}


def renamed(metrics: dict[str, float]) -> dict[str, float]:
    """Mmdet's metrics under the names of the table's columns.

    mmdet writes -1 where there is nothing to find, and no metric at all if nothing was
    detected in any image; the first is no number, the second an AP of 0.
    """
    short = {key.split('/', 1)[-1]: value for key, value in metrics.items()}
    if 'bbox_mAP' not in short:
        short = dict.fromkeys(('bbox_mAP', 'bbox_mAP_50', 'bbox_mAP_75'), 0.0)
    row = {
        column: short[key] if short[key] >= 0 else float('nan')
        for key, column in METRICS.items()
        if key in short
    }
    for key, value in short.items():
        if key.endswith('_precision'):
            row[f'{PER_CLASS}{key[: -len("_precision")]}'] = value
    return row


def read_log(train_dir: Path) -> dict[str, Any]:
    """What the training logged, in all of its sessions.

    A resumed training repeats what came after its last checkpoint; the later record of
    a step counts. Neither a loss nor a time is in what hooks write, such as
    ``pseudo_class/...`` of TeacherHook.
    """
    training: dict[int, dict] = {}
    validations: dict[int, dict] = {}
    for path in sorted(train_dir.glob('*/vis_data/scalars.json')):
        at = 0
        for line in path.read_text(encoding='utf-8').splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:  # the line that a kill cut off
                continue
            if 'loss' in record:
                at = record['step']
                training[at] = record
            elif 'time' in record:  # holds no AP if nothing was detected
                # Its `step` is the iteration only with log_metric_by_epoch=False; else
                # an epoch, or 0.
                validations[max(at, record['step'])] = record
    return {
        'training': training,
        'last_iteration': max([*training, *validations], default=0),
        'validations': sorted(validations.items()),
        'time': [r['time'] for r in training.values() if 'time' in r],
        'memory': [r['memory'] for r in training.values() if 'memory' in r],
    }


def usage(path: Path, name: str) -> dict[str, float]:
    """Wall-clock and processor seconds of a step in all sessions, and its memory."""
    if not path.is_file():
        return {}
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return {
        f'{name}_seconds': sum(record['seconds'] for record in records),
        f'{name}_cpu_seconds': sum(record['cpu_seconds'] for record in records),
        f'{name}_max_rss_mb': max(record['max_rss_mb'] for record in records),
    }


def mean(values: Sequence[float]) -> float:
    """Their mean; not a number if there are none."""
    return sum(values) / len(values) if values else float('nan')
