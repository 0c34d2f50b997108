"""The report of a study: one page of Markdown, a table and plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, Sequence

import pandas as pd

from .plots import default_plots, draw_plot
from .results import CORRUPTED, PER_CLASS, collect
from .run_folder import RunFolder
from .statistics import SEED, over_seeds, paired_differences, summarise_differences
from .study import Labels, Study

# An adaptation has a student beside its teacher, and pseudo labels.
SUMMARY = (
    'AP', 'AP50', 'student/AP50', 'AP75', 'AP_small', 'AP_medium', 'AP_large',
    'mask_AP', 'mask_AP50', 'mask_AP75',
    'pseudo_precision', 'pseudo_recall', 'pseudo_per_image',
)  # fmt: skip
MASK = 'mask_AP'  # differences of it stand beside those of the study's metric
COST = ('train_seconds', 'iteration_seconds', 'train_max_rss_mb', 'gpu_memory_mb')
ORIGIN = (
    'git_revision', 'mmdet_lossmix', 'mmdet', 'mmcv', 'mmengine', 'torch', 'numpy',
    'python',
)  # fmt: skip


def write_report(
    study: Study, folders: Sequence[RunFolder], out: Path, command: str
) -> Path:
    """Write ``results.csv``, ``report.md`` and plots.

    Args:
        study: The study.
        folders: Of all of its runs, in their order; what is finished is reported.
        out: Gets the files.
        command: The command line to print.

    Returns:
        Path: Of the report.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = collect(study, folders)
    table.to_csv(out / 'results.csv', index=False)
    done = sum(folder.finished for folder in folders)
    state = f'All {done} runs are finished.'
    if done < len(folders):
        state = f'**{done} of {len(folders)} runs are finished**; others are missing.'
    parts = [f'# {study.name}', study.about.strip(), f'    {command}', state]
    parts += _training(study, folders)
    if study.findings:
        parts += ['## What the numbers show, and what not', study.findings]
    if not table.empty:
        tests = table[table['split'] == 'test']
        parts += _means(study, tests)
        for baseline in study.baseline:
            for column in dict.fromkeys([study.metric, *_measured(tests, [MASK])]):
                parts += _differences(study, tests, baseline, column)
        parts += _robustness(study, tests)
        parts += _plots(study, table, out)
        parts += _classes(study, tests)
        parts += _cost(study, tests)
        parts += ['## Made with', '\n'.join(_origin(tests, name) for name in ORIGIN)]
    parts += _unfinished(folders)
    report = out / 'report.md'
    report.write_text('\n\n'.join(filter(None, parts)) + '\n', encoding='utf-8')
    return report


def _training(study: Study, folders: Sequence[RunFolder]) -> Iterator[str]:
    """What the runs have in common."""
    cfgs = [folder.cfg for folder in folders]
    loops = [cfg.train_cfg for cfg in cfgs]
    optimizers = [cfg.optim_wrapper.get('optimizer', {}) for cfg in cfgs]
    lines = {
        'config': [study.config],
        'start': [study.start],
        'settings': [', '.join(f'{k}: {v}' for k, v in study.settings.items())],
        'overrides': [', '.join(f'{k}: {v}' for k, v in study.overrides.items())],
        'iterations or epochs': [
            x.get('max_iters') or x.get('max_epochs') for x in loops
        ],
        'images of a step': [cfg.train_dataloader.get('batch_size') for cfg in cfgs],
        'learning rate': [optimizer.get('lr') for optimizer in optimizers],
    }
    rows = [
        f'| {name} | {", ".join(map(str, filter(None, dict.fromkeys(values))))} |'
        for name, values in lines.items()
        if any(values)
    ]
    yield '\n'.join(['| of all runs | |', '|---|---|', *rows])


def _means(study: Study, tests: pd.DataFrame) -> Iterator[str]:
    columns = _measured(tests, SUMMARY)
    yield '## Test of the final checkpoints'
    yield 'Mean ± standard deviation over the seeds, in percent.'
    if 'student/AP50' in columns:
        yield (
            'AP is that of the teacher, or of the student where no teacher has started.'
        )
    if 'pseudo_per_image' in columns:
        yield (
            'Pseudo labels are those kept since the validation before the last: their '
            'number for an image (no percentage) and, where the truth is known, how '
            'many of them are right and how much of it they find.'
        )
    yield _markdown(_plus_minus(over_seeds(tests, list(study.axes), columns)))


def _measured(tests: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name in tests and tests[name].notna().any()]


def _plus_minus(summary: pd.DataFrame) -> pd.DataFrame:
    """Mean ± deviation of each column of :func:`over_seeds`, in percent."""
    columns = list(summary.columns.unique(level=0))
    shown = pd.DataFrame(index=summary.index)
    for name in columns:
        in_percent = name != 'pseudo_per_image'
        scale, digits = (100, 1) if in_percent else (1, 2)
        shown[name] = [
            ' ± '.join(f'{scale * value:.{digits}f}' for value in both[: int(count)])
            for *both, count in summary[name].to_numpy()
        ]
    shown['runs'] = summary[columns[0]]['count']
    return shown


def _differences(
    study: Study, tests: pd.DataFrame, baseline: Labels, column: str
) -> Iterator[str]:
    axes = list(study.axes)
    name = ', '.join(f'{axis} = {label}' for axis, label in baseline.items())
    differences = paired_differences(tests, axes, baseline, column)
    if differences.empty:
        yield f'There is no pair with {name} yet.'
        return
    yield f'## {column}: differences to {name}'
    yield (
        f'{column} minus that of the baseline with the same seed and otherwise '
        'the same axes, in percentage points, with a 95 % t interval '
        'of the mean.'
    )
    groups = [axis for axis in axes if axis != SEED]
    summary = summarise_differences(differences, groups)
    yield _markdown(_intervals(summary))
    if any(len(study.axes[axis]) > 1 for axis in groups if axis not in baseline):
        rest = ', '.join(axis for axis in groups if axis not in baseline)
        yield f'Pooled over {rest}:'
        yield _markdown(_intervals(summarise_differences(differences, list(baseline))))


def _intervals(summary: pd.DataFrame) -> pd.DataFrame:
    points = 100 * summary[['mean', 'low', 'high']]
    return pd.DataFrame(
        {
            'difference': [f'{mean:+.1f}' for mean in points['mean']],
            '95 % interval': [
                '' if pd.isna(low) else f'{low:+.1f} to {high:+.1f}'
                for low, high in zip(points['low'], points['high'])
            ],
            'pairs': summary['pairs'],
            'of these up': summary['up'],
        },
        index=summary.index,
    )


def _robustness(study: Study, tests: pd.DataFrame) -> Iterator[str]:
    columns = [name for name in tests if name.startswith(CORRUPTED)]
    if not columns:
        return
    clean = tests.assign(clean=tests['AP'])
    summary = over_seeds(clean, list(study.axes), ['clean', *columns])
    shown = _plus_minus(summary)
    shown.columns = [name.replace(CORRUPTED, '') for name in shown.columns]
    kept = summary[f'{CORRUPTED}mean']['mean'] / summary['clean']['mean']
    shown['kept'] = [f'{share:.0%}' for share in kept.fillna(0)]
    yield '## Corrupted test images'
    yield f'AP in percent, severity {study.severity} of 5; `kept` is mean / clean.'
    yield _markdown(shown)
    for baseline in study.baseline:
        yield from _differences(study, tests, baseline, f'{CORRUPTED}mean')


def _plots(study: Study, table: pd.DataFrame, out: Path) -> Iterator[str]:
    yield '## Plots'
    for i, plot in enumerate(study.plots or default_plots(list(study.axes)), start=1):
        name = f'plot_{i}_{plot["kind"]}.png'
        plot = {'y': study.metric, **plot}
        draw_plot(plot, table, list(study.axes)).savefig(out / name)
        yield f'![{plot["kind"]}]({name})'


def _classes(study: Study, tests: pd.DataFrame) -> Iterator[str]:
    columns = _measured(tests, [c for c in tests if c.startswith(PER_CLASS)])
    axes = [axis for axis in study.axes if axis != SEED]
    if columns and axes:
        shown = 100 * tests.groupby(axes[0], sort=False)[columns].mean().T
        names = [name.replace(PER_CLASS, '') for name in columns]
        shown.index = pd.Index(names, name='class')
        yield f'## AP of each class, by {axes[0]}'
        yield _markdown(shown.round(1))


def _cost(study: Study, tests: pd.DataFrame) -> Iterator[str]:
    axes = [axis for axis in study.axes if axis != SEED] or list(study.axes)
    columns = _measured(tests, COST)
    if columns:
        digits = {name: 3 * (name == 'iteration_seconds') for name in columns}
        yield '## Time and memory'
        yield _markdown(tests.groupby(axes, sort=False)[columns].mean().round(digits))


def _origin(tests: pd.DataFrame, name: str) -> str:
    found = sorted({str(value) for value in tests[name] if value})
    mixed = ' — **several: the runs differ in more than the axes**'
    return f'- {name} {", ".join(found)}{mixed if len(found) > 1 else ""}'


def _unfinished(folders: Sequence[RunFolder]) -> Iterator[str]:
    for folder in {folder.name: folder for folder in folders}.values():
        why = '' if folder.finished else folder.why_unfinished()
        if why:
            yield f'## Not finished: {folder.title}'
            yield 'The next call of the command goes on with it.'
            yield f'```text\n{why}\n```'


def _markdown(frame: pd.DataFrame) -> str:
    shown: Any = frame.reset_index()
    for name in filter(None, frame.index.names):
        shown[name] = [f'{v:g}' if isinstance(v, float) else v for v in shown[name]]
    return shown.to_markdown(index=False, disable_numparse=True)
