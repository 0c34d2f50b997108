"""All results of a study as one tidy table: a row per run and checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import pandas as pd

from .run_folder import CLEAN, RunFolder
from .scalars import read_scalars
from .study import Run, Study

METRICS = {
    'bbox_mAP': 'AP',
    'bbox_mAP_50': 'AP50',
    'bbox_mAP_75': 'AP75',
    'bbox_mAP_s': 'AP_small',
    'bbox_mAP_m': 'AP_medium',
    'bbox_mAP_l': 'AP_large',
    'segm_mAP': 'mask_AP',
    'segm_mAP_50': 'mask_AP50',
    'segm_mAP_75': 'mask_AP75',
}
STUDENT = ('AP', 'AP50', 'AP75')  # measured of the student of an adaptation, too
PSEUDO = ('pseudo_precision', 'pseudo_recall', 'pseudo_per_image')
BESIDE = (*(f'student/{name}' for name in STUDENT), *PSEUDO)
CORRUPTED = 'AP_corrupted/'
PER_CLASS = 'AP_class/'
USAGE = {'s': 'seconds', 'cpu_time': 'cpu_seconds', 'max_rss': 'max_rss_mb'}


def collect(study: Study, folders: Sequence[RunFolder]) -> pd.DataFrame:
    """The rows of all finished runs.

    ``split`` is ``val`` for what was measured during the training and ``test`` for the
    final checkpoint; robustness stands in rows of ``test``. ``iteration`` is the last
    one that was logged before; 0 has what the training measured last that a run
    started from. What a test does not measure of an adaptation, its student and its
    pseudo labels, is that of a validation in the last iteration, the student's only if
    both have the same images.

    Args:
        study: The study.
        folders: Of all of its runs, in their order.

    Returns:
        DataFrame: Empty if no run is finished.
    """
    return pd.DataFrame(
        [
            row
            for run, folder in zip(study.runs(), folders)
            if folder.finished
            for row in (
                [{**row, 'study': study.name, **run.labels} for row in folder.known]
                or run_rows(study, run, folder)
            )
        ]
    )


def run_rows(study: Study, run: Run, folder: RunFolder) -> Iterator[dict[str, Any]]:
    """The rows of one finished run."""
    facts = json.loads((folder.folder / 'facts.json').read_text(encoding='utf-8'))
    log = read_scalars(folder.train_dir)
    training = log[log['split'] == 'train'].reindex(
        columns=['iteration', 'time', 'memory', *PSEUDO]
    )
    unlabelled = {k: v for k, v in facts['settings'].items() if k not in run.labels}
    common = {
        'study': study.name,
        'run': folder.name,
        **run.labels,
        **unlabelled,
        'config': facts['config'],
    }
    cost = {
        **usage('train', folder.folder / 'burn_in.tsv', folder.folder / 'train.tsv'),
        **usage('test', folder.folder / f'test/{CLEAN}.tsv'),
        'iteration_seconds': training['time'].mean(),
        'gpu_memory_mb': training['memory'].max(),
        'config_hash': facts['config_hash'],
        **facts['versions'],
        'git_revision': revisions(folder, facts),
    }
    for row in starting_point(folder):
        yield {**common, 'split': 'val', 'iteration': 0, **row, **cost}
    since, beside = 0, {}
    for _, record in log[log['split'] == 'val'].iterrows():
        at = int(record['iteration'])
        row = validated(record, at, folder.cfg.model.get('burn_in_iters'))
        between = training[
            (since < training['iteration']) & (training['iteration'] <= at)
        ]
        row.update(between[list(PSEUDO)].mean().dropna())
        beside = {key: row[key] for key in BESIDE if key in row}
        since = at
        yield {**common, 'split': 'val', 'iteration': at, **row, **cost}
    last = int(log['iteration'].max()) if len(log) else 0
    if folder.cfg.val_dataloader.dataset != folder.cfg.test_dataloader.dataset:
        beside = {key: value for key, value in beside.items() if key in PSEUDO}
    tests = {
        name: renamed(json.loads(folder.metrics_file(name).read_text(encoding='utf-8')))
        for name in folder.tests
    }
    robust = {
        f'{CORRUPTED}{name.rpartition("-")[0]}': metrics['AP']
        for name, metrics in tests.items()
        if name != CLEAN
    }
    if robust:
        robust[f'{CORRUPTED}mean'] = sum(robust.values()) / len(robust)
        robust['severity'] = study.severity
    yield {
        **common,
        'split': 'test',
        'iteration': last,
        'checkpoint': folder.trained.read_text(encoding='utf-8').strip(),
        **tests[CLEAN],
        **(beside if since == last else {}),
        **robust,
        **cost,
    }


def starting_point(folder: RunFolder) -> Iterator[dict[str, float]]:
    """What was last measured of the weights that a run started from, if anything."""
    if folder.start is None:
        return
    log = read_scalars(folder.start.train_dir)
    for _, record in log[log['split'] == 'val'].tail(1).iterrows():
        if record['iteration'] == log['iteration'].max():
            yield renamed(record)


def validated(
    metrics: Mapping[str, float], at: int, burn_in: int | None
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
    student = renamed(part(metrics, 'student/'))
    return {
        **(renamed(part(metrics, 'teacher/')) if at > burn_in else student),
        **{f'student/{name}': student[name] for name in STUDENT if name in student},
    }


def part(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    """The metrics with a prefix, without it."""
    return {k[len(prefix) :]: v for k, v in metrics.items() if k.startswith(prefix)}


def renamed(metrics: Mapping[str, float]) -> dict[str, float]:
    """Mmdet's metrics under the names of the table's columns.

    mmdet writes -1 where there is nothing to find, and no metric at all if nothing was
    detected in any image; the first is no number, the second an AP of 0.
    """
    short = {
        key.split('/', 1)[-1]: value
        for key, value in metrics.items()
        if '/' in key and pd.notna(value)
    }
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


def usage(name: str, *tables: Path) -> dict[str, float]:
    """Seconds, processor seconds and memory (the largest) of Snakemake's benchmarks."""
    found = [pd.read_csv(path, sep='\t') for path in tables if path.is_file()]
    if not found:
        return {}
    rows = pd.concat(found)[list(USAGE)].apply(pd.to_numeric, errors='coerce')
    how = {'s': 'sum', 'cpu_time': 'sum', 'max_rss': 'max'}
    return {f'{name}_{USAGE[key]}': value for key, value in rows.agg(how).items()}


def revisions(folder: RunFolder, facts: Mapping[str, Any]) -> str:
    """The git revision of a run, and those of what it began with if they are others."""
    found = [folder.folder / 'burn_in.json']
    if folder.start is not None:
        found.insert(0, folder.start.folder / 'facts.json')
    begun = [
        json.loads(path.read_text(encoding='utf-8'))['git_revision']
        for path in found
        if path.is_file()
    ]
    return ', then '.join(dict.fromkeys([*begun, facts['git_revision']]))
