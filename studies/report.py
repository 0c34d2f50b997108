"""The report of a study in Markdown, with its plots and its table of all runs."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import pandas as pd

from .cell_run import CellRun
from .collect import CORRUPTED, PER_CLASS, collect
from .plots import default_plots, draw_plot
from .statistics import SEED, over_seeds, paired_differences, summarise_differences
from .study import Labels, Study

# An adaptation has a student beside its teacher, and pseudo labels.
SUMMARY = (
    'AP', 'AP50', 'student/AP50', 'AP75', 'AP_small', 'AP_medium', 'AP_large',
    'pseudo_precision', 'pseudo_recall', 'pseudo_per_image',
)  # fmt: skip
NUMBERS = ('pseudo_per_image',)  # not in percent
FEW = 6  # pairs from which a bootstrap interval starts to deserve its name


def write_report(
    study: Study, cells: Sequence[CellRun], folder: Path, command: str
) -> Path:
    """Write ``results.csv``, ``report.md`` and plots.

    Args:
        study: The study.
        cells: All of its cells; what is finished is reported.
        folder: Gets the files.
        command: The command line to print.

    Returns:
        Path: Of the report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = collect(cells)
    table.to_csv(folder / 'results.csv', index=False)
    lines = [f'# {study.name}', '', study.about.strip(), '', f'    {command}', '']
    lines += _state(cells)
    if study.findings:
        lines += ['## What the numbers show, and what not', '', study.findings, '']
    if not table.empty:
        tests = table[table['split'] == 'test']
        lines += _means(study, tests)
        for baseline in study.baseline:
            lines += _differences(study, tests, baseline, study.metric)
        lines += _robustness(study, tests)
        lines += _plots(study, table, folder)
        lines += _classes(study, tests)
        lines += _cost(study, tests)
        lines += _origin(tests)
    lines += _failures(cells)
    report = folder / 'report.md'
    report.write_text('\n'.join(lines).rstrip() + '\n', encoding='utf-8')
    return report


def _state(cells: Sequence[CellRun]) -> list[str]:
    done = sum(cell.finished for cell in cells)
    if done == len(cells):
        return [f'All {done} runs are finished.', '']
    return [
        f'**{done} of {len(cells)} runs are finished**; the rest is missing below.',
        '',
    ]


def _means(study: Study, tests: pd.DataFrame) -> list[str]:
    columns = [name for name in SUMMARY if name in tests and tests[name].notna().any()]
    summary = over_seeds(tests, list(study.axes), columns)
    return [
        '## Test of the final checkpoints',
        '',
        _legend(columns),
        '',
        *_markdown(_plus_minus(summary, columns)),
    ]


def _legend(columns: Sequence[str]) -> str:
    lines = ['Mean ± standard deviation over the seeds, in percent.']
    if 'student/AP50' in columns:
        lines.append(
            'AP is that of the teacher, or of the student where no teacher has started.'
        )
    if 'pseudo_per_image' in columns:
        lines.append(
            'Pseudo labels are those kept since the validation before the last: their '
            'number for an image (no percentage) and, where the truth is known, how '
            'many of them are right and how much of it they find.'
        )
    return '\n'.join(lines)


def _plus_minus(summary: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    shown = pd.DataFrame(index=summary.index)
    for name in columns:
        entries = summary[name]
        shown[name] = [
            _spread(mean, std, count, 1 if name in NUMBERS else 100)
            for mean, std, count in entries.to_numpy()
        ]
    shown['runs'] = summary[columns[0]]['count']
    return shown


def _spread(mean: float, std: float, count: float, scale: int) -> str:
    if not count:
        return ''
    digits = 1 if scale == 100 else 2
    shown = f'{scale * mean:.{digits}f}'
    return shown if count == 1 else f'{shown} ± {scale * std:.{digits}f}'


def _differences(
    study: Study, tests: pd.DataFrame, baseline: Labels, column: str
) -> list[str]:
    axes = list(study.axes)
    name = ', '.join(f'{axis} = {label}' for axis, label in baseline.items())
    differences = paired_differences(tests, axes, baseline, column)
    if differences.empty:
        return [f'There is no pair with {name} yet.', '']
    lines = [
        f'## {column}: differences to {name}',
        '',
        f'{column} minus that of the baseline with the same seed and otherwise '
        'the same axes, in percentage points, with a 95 % percentile bootstrap '
        'interval of the mean.',
    ]
    groups = [axis for axis in axes if axis != SEED]
    tables = [groups]
    if any(len(study.axes[axis]) > 1 for axis in groups if axis not in baseline):
        tables.append(list(baseline))
    for by in tables:
        summary = summarise_differences(differences, by)
        if by is not groups:
            rest = ', '.join(axis for axis in groups if axis not in by)
            lines += ['', f'Pooled over {rest}:']
        lines += ['', *_markdown(_intervals(summary))]
        if by is groups and (summary['pairs'] < FEW).any():
            lines += [
                f'Intervals of fewer than {FEW} pairs are too narrow: so few values '
                'cannot show how far the next one would lie.',
                '',
            ]
    return lines


def _intervals(summary: pd.DataFrame) -> pd.DataFrame:
    shown = pd.DataFrame(index=summary.index)
    shown['difference'] = [f'{100 * value:+.1f}' for value in summary['mean']]
    shown['95 % interval'] = [
        '' if pd.isna(low) else f'{100 * low:+.1f} to {100 * high:+.1f}'
        for low, high in zip(summary['low'], summary['high'])
    ]
    shown['pairs'] = summary['pairs']
    shown['of these up'] = summary['up']
    return shown


def _robustness(study: Study, tests: pd.DataFrame) -> list[str]:
    columns = [name for name in tests if name.startswith(CORRUPTED)]
    if not columns:
        return []
    clean = tests.assign(clean=tests['AP'])
    summary = over_seeds(clean, list(study.axes), ['clean', *columns])
    shown = _plus_minus(summary, ['clean', *columns])
    shown.columns = [str(name).replace(CORRUPTED, '') for name in shown.columns]
    mean, clean_ap = summary[f'{CORRUPTED}mean']['mean'], summary['clean']['mean']
    shown['kept'] = [f'{share:.0%}' for share in (mean / clean_ap).fillna(0)]
    return [
        '## Corrupted test images',
        '',
        f'AP in percent, severity {study.severity} of 5; `kept` is mean / clean.',
        '',
        *_markdown(shown),
        *(
            line
            for baseline in study.baseline
            for line in _differences(study, tests, baseline, f'{CORRUPTED}mean')
        ),
    ]


def _plots(study: Study, table: pd.DataFrame, folder: Path) -> list[str]:
    lines = ['## Plots', '']
    for i, plot in enumerate(study.plots or default_plots(list(study.axes)), start=1):
        name = f'plot_{i}_{plot["kind"]}.png'
        plot = {'y': study.metric, **plot}
        draw_plot(plot, table, list(study.axes)).savefig(folder / name)
        lines += [f'![{plot["kind"]}]({name})', '']
    return lines


def _classes(study: Study, tests: pd.DataFrame) -> list[str]:
    columns = [
        name
        for name in tests
        if name.startswith(PER_CLASS) and tests[name].notna().any()
    ]
    axes = [axis for axis in study.axes if axis != SEED]
    if not columns or not axes:
        return []
    shown = 100 * tests.groupby(axes[0], sort=False)[columns].mean().T
    shown.index = pd.Index([name.replace(PER_CLASS, '') for name in columns], name='')
    return [f'## AP of each class, by {axes[0]}', '', *_markdown(shown.round(1))]


def _cost(study: Study, tests: pd.DataFrame) -> list[str]:
    columns = (
        'train_seconds',
        'iteration_seconds',
        'train_max_rss_mb',
        'gpu_memory_mb',
    )
    axes = [axis for axis in study.axes if axis != SEED] or list(study.axes)
    known = [name for name in columns if name in tests and tests[name].notna().any()]
    shown = tests.groupby(axes, sort=False)[known].mean()
    digits = {name: 3 * (name == 'iteration_seconds') for name in known}
    return ['## Time and memory', '', *_markdown(shown.round(digits))] if known else []


def _origin(tests: pd.DataFrame) -> list[str]:
    names = ('git_revision', 'mmdet_lossmix', 'mmdet', 'mmcv', 'mmengine', 'torch')
    lines = ['## Made with', '']
    for name in (*names, 'numpy', 'python'):
        found = sorted({str(value) for value in tests[name] if value})
        mixed = ' — **several: the runs differ in more than the axes**'
        lines.append(f'- {name} {", ".join(found)}{mixed if len(found) > 1 else ""}')
    return [*lines, '']


def _failures(cells: Sequence[CellRun]) -> list[str]:
    failed = [cell for cell in cells if cell.state == 'failed']
    if not failed:
        return []
    lines = ['## Failed', '', 'The next call of the command tries them again.', '']
    for cell in failed:
        lines += [f'### {cell.title}', '', '```', cell.failure.rstrip(), '```', '']
    return lines


def _markdown(frame: pd.DataFrame) -> list[str]:
    labels = [name for name in frame.index.names if name]
    shown = frame.reset_index()
    for name in labels:
        shown[name] = [f'{v:g}' if isinstance(v, float) else v for v in shown[name]]
    text = shown.to_markdown(index=False, disable_numparse=True)
    return [*text.splitlines(), '']
