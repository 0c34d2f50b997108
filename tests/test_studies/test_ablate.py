"""A study from its file to its report: real trainings and tests, a few iterations."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from rich.console import Console

from studies import StudyError
from studies.collect import PSEUDO, pseudo_labels, renamed, validated
from studies.run import Options, run_study
from tests.helpers import ROOT
from tests.helpers.processes import ENV
from tests.helpers.studies import write_study, write_uda_study

ABLATE = [sys.executable, str(ROOT / 'tools/ablate.py')]


def test_table_and_report(tmp_path, voc_root, in_process):
    study = write_study(tmp_path / 'tiny.yml', voc_root,
                        baseline=[{'strategy': 'none'}, {'strategy': 'lossmix'}],
                        findings='It shows nothing: two steps.')  # fmt: skip
    console = Console(quiet=True)
    options = Options(work_dir=tmp_path / 'work')
    assert run_study(study, options, console) == 0
    assert len(in_process.commands) == 4 * 2

    table = pd.read_csv(tmp_path / 'work/tiny/results.csv')
    assert len(table) == 4 * 2  # cells x (validation, test)
    tests = table[table.split == 'test']
    assert list(tests.strategy) == ['none', 'lossmix'] * 2
    assert list(tests.seed) == [0, 0, 1, 1]
    assert set(tests.checkpoint) == {'iter_2.pth'}
    assert set(table.iteration) == {2}
    assert table.config_hash.nunique() == 4
    # The same checkpoint on the same images: once within the training, once after.
    columns = [c for c in table if c.startswith('AP')]
    assert {'AP', 'AP50', 'AP75', 'AP_medium', 'AP_class/car'} <= set(columns)
    validations = table[table.split == 'val']
    pd.testing.assert_frame_equal(
        tests[columns].reset_index(drop=True),
        validations[columns].reset_index(drop=True),
    )
    assert tests.iteration_seconds.min() > 0
    assert tests.torch.notna().all()
    assert (tests.alpha == 1).all()

    report = (tmp_path / 'work/tiny/report.md').read_text()
    means = 100 * tests.groupby('strategy').AP50.mean()
    for piece in (
        'All 4 runs are finished.',
        f'python tools/ablate.py {study}',
        'It shows nothing: two steps.',
        '## AP: differences to strategy = none',
        '## AP: differences to strategy = lossmix',
        f'{means["lossmix"]:.1f} ± ',
        '![bars](plot_1_bars.png)',
        '![curves](plot_2_curves.png)',
    ):
        assert piece in report
    assert (tmp_path / 'work/tiny/plot_1_bars.png').stat().st_size > 5000

    # Only what is missing is done again; and a changed study has other cells.
    first = tmp_path / 'work/cells' / tests.cell.iloc[0]
    (first / 'test/clean.json').unlink()
    in_process.commands.clear()
    assert run_study(study, options, console) == 0
    assert [words[3] for words in in_process.commands] == ['test']
    write_study(study, voc_root, axes={'seed': [9]}, baseline={})
    aside = options._replace(report_only=True, report_dir=tmp_path / 'reports')
    assert run_study(study, aside, console) == 1
    report = (tmp_path / 'reports/tiny/report.md').read_text()
    assert 'of 1 runs are finished' in report


def test_ladder_of_domain_adaptation(tmp_path, voc_root, in_process):
    study = write_uda_study(tmp_path / 'ladder.yml', voc_root)
    assert run_study(study, Options(work_dir=tmp_path), Console(quiet=True)) == 0
    table = pd.read_csv(tmp_path / 'ladder/results.csv').set_index(['rung', 'split'])
    table = table.set_index('iteration', append=True).sort_index()
    assert list(table.index) == [
        (rung, split, at)
        for rung in ('adaptive_teacher', 'source_only')
        for split, at in (('test', 4), ('val', 2), ('val', 4))
    ]
    # `pseudo_class/...` of TeacherHook makes no row; its records are there.
    adapted = table.loc['adaptive_teacher']
    train_dir = tmp_path / 'cells' / adapted.cell.iloc[0] / 'train'
    (scalars,) = train_dir.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert any('pseudo_class/all' in record for record in records)

    # A row holds what its own validation says of the teacher, or else the student.
    (burn_in, last) = [r for r in records if 'student/coco/bbox_mAP' in r]
    assert 'teacher/coco/bbox_mAP' not in burn_in
    at_2, at_4, test = (adapted.loc[key] for key in (('val', 2), ('val', 4), 'test'))
    for column, metric in (('AP', ''), ('AP50', '_50'), ('AP75', '_75')):
        student = f'student/coco/bbox_mAP{metric}'
        assert at_2[column] == at_2[f'student/{column}'] == burn_in[student]
        assert at_4[column] == last[f'teacher/coco/bbox_mAP{metric}']
        assert at_4[f'student/{column}'] == last[student]
        assert test[column].item() == at_4[column]
        assert test[f'student/{column}'].item() == last[student]
    # Pseudo labels: the mean of iterations 3 and 4; three an image, as all are kept.
    rates = [r for r in records if 'pseudo_recall' in r]
    assert [r['step'] for r in rates] == [3, 4]
    for row in (at_4, test.iloc[0]):
        assert row.pseudo_per_image == 3
        for name in ('pseudo_precision', 'pseudo_recall'):
            assert row[name] == pytest.approx(sum(r[name] for r in rates) / 2)
    assert at_2[list(PSEUDO)].isna().all()
    assert table.loc['source_only', list(PSEUDO)].isna().all(axis=None)

    report = (tmp_path / 'ladder/report.md').read_text()
    for piece in (
        'AP50 minus that of the baseline',
        'AP is that of the teacher, or of the student',
        '| 3.00               | 1      |',
        '![curves](plot_2_curves.png)',
    ):
        assert piece in report
    header = next(line for line in report.splitlines() if 'student/AP50' in line)
    names = [name.strip() for name in header.split('|')]
    assert names[names.index('AP50') + 1] == 'student/AP50'
    assert names[-5:-1] == [*PSEUDO, 'runs']


def test_a_teacher_that_finds_nothing_is_no_student():
    """mmdet writes no metric then; the student's are not taken in their place."""
    metrics = {'student/coco/bbox_mAP': 0.5, 'student/coco/bbox_mAP_50': 0.75}
    assert validated(metrics, 3, burn_in=2)['AP50'] == 0
    assert validated(metrics, 2, burn_in=2)['AP50'] == 0.75
    assert validated(metrics, 3, burn_in=2)['student/AP50'] == 0.75
    both = {**metrics, 'teacher/coco/bbox_mAP': 0.25, 'teacher/coco/car_precision': 0.1}
    assert validated(both, 3, burn_in=2) == {
        'AP': 0.25,
        'AP_class/car': 0.1,
        'student/AP': 0.5,
        'student/AP50': 0.75,
    }
    assert validated({'coco/bbox_mAP': 0.5}, 3, burn_in=None) == {'AP': 0.5}


def test_means_of_pseudo_labels_since_the_validation_before():
    training = {
        2: {'pseudo_recall': 1.0},
        3: {'pseudo_recall': 0.25, 'loss': 1.0},
        4: {'pseudo_recall': 0.75, 'pseudo_precision': 0.5},  # the first with a label
        5: {'pseudo_recall': 0.0},
    }
    assert pseudo_labels(training, 2, 4) == {
        'pseudo_recall': 0.5,
        'pseudo_precision': 0.5,
    }
    assert pseudo_labels(training, 0, 1) == {}


def test_studies_share_what_they_have_in_common(tmp_path, voc_root, in_process):
    """Another study's cells of the same config are not run again, only tested more."""
    options = Options(work_dir=tmp_path)
    axes = {'strategy': ['none'], 'seed': [0]}
    first = write_study(tmp_path / 'first.yml', voc_root, axes=axes, baseline={})
    assert run_study(first, options, Console(quiet=True)) == 0
    axes = {'method': {'plain': {}, 'mixed': {'strategy': 'noise'}}, 'seed': [0]}
    second = write_study(tmp_path / 'second.yml', voc_root, axes=axes, baseline={},
                         corruptions=['fog'])  # fmt: skip
    in_process.commands.clear()
    assert run_study(second, options, Console(quiet=True)) == 0
    steps = [words[3] for words in in_process.commands]
    assert steps == ['test', 'train', 'test', 'test']
    tables = [pd.read_csv(tmp_path / n / 'results.csv') for n in ('first', 'second')]
    assert list(tables[1].method) == ['plain', 'plain', 'mixed', 'mixed']
    assert tables[0].cell[0] == tables[1].cell[0]
    assert list(tables[0].AP) == list(tables[1].AP[:2])
    assert tables[1]['AP_corrupted/fog'].notna().sum() == 2


def test_what_cannot_be_run_is_told_before_anything_starts(tmp_path, voc_root):
    axes = {'seed': [0], 'alpha': [1, 2]}
    study = write_study(tmp_path / 'a.yml', voc_root, axes=axes, baseline={'alpha': 1})
    options = Options(work_dir=tmp_path / 'w')
    with pytest.raises(StudyError, match=r'a.yml: cell seed=0 alpha=2: is the same'):
        run_study(study, options, Console(quiet=True))
    write_study(study, voc_root, settings={'workers': 2})
    with pytest.raises(StudyError, match='Expected more than 2 threads a cell'):
        run_study(study, options._replace(threads=2), Console(quiet=True))
    assert not (tmp_path / 'w').exists()


def test_names_of_metrics():
    metrics = {
        'coco/bbox_mAP': 0.25,
        'coco/bbox_mAP_s': -1.0,  # there are no small objects
        'coco/car_precision': 0.5,
        'time': 0.1,
    }
    row = renamed(metrics)
    assert math.isnan(row.pop('AP_small'))
    assert row == {'AP': 0.25, 'AP_class/car': 0.5}
    nothing_detected = {'data_time': 0.1, 'time': 0.1}
    assert renamed(nothing_detected) == {'AP': 0.0, 'AP50': 0.0, 'AP75': 0.0}


def ablate(study, work_dir, *arguments):
    command = [*ABLATE, str(study), '--work-dir', str(work_dir), *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
def test_killed_and_started_again(tmp_path, voc_root):
    """SIGKILL in the middle: finished cells stay, the half-finished one resumes."""
    study = write_study(tmp_path / 'tiny.yml', voc_root, iters=60, overrides={
        'train_cfg.val_interval': 60}, axes={'seed': [0, 1]}, baseline={})  # fmt: skip
    work = tmp_path / 'work'
    first = ablate(study, work, '--threads', '1')
    deadline = time.monotonic() + 300
    while True:
        finished = list(work.glob('cells/*/test/clean.json'))
        running = [
            path
            for path in work.glob('cells/*/train/iter_*.pth')
            if path.parent.joinpath('last_checkpoint').exists()
            and not (path.parents[1] / 'trained.json').exists()
        ]
        if finished and len(running) >= 2:
            break
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)  # ablate alone, not what it has started
    first.wait()
    before = finished[0].stat().st_mtime_ns

    second = ablate(study, work, '--threads', '1')
    output = second.communicate(timeout=300)[0]
    assert second.returncode == 0, output
    assert '1 of 2 cells to run' in output
    assert finished[0].stat().st_mtime_ns == before
    log = running[0].parents[1] / 'train.log'
    assert 'Load checkpoint from' in log.read_text()
    assert 'resumed epoch' in log.read_text()
    usage = log.with_suffix('.usage').read_text().splitlines()
    assert [json.loads(line)['stopped'] for line in usage] == [True, False]
    table = pd.read_csv(work / 'tiny/results.csv')
    assert len(table[table.split == 'test']) == 2
    assert (table.iteration == 60).all()
    assert table.AP50.max() > 0


@pytest.mark.slow
def test_failing_cell_and_two_side_by_side(tmp_path, voc_root):
    axes = {'rate': {'good': {'optim_wrapper.optimizer.lr': 0.001},
                     'bad': {'train_dataloader.sampler.type': 'NoSuchSampler'},
                     'fine': {'optim_wrapper.optimizer.lr': 0.002}}}  # fmt: skip
    study = write_study(tmp_path / 'tiny.yml', voc_root, axes=axes,
                        baseline={'rate': 'good'})  # fmt: skip
    process = ablate(study, tmp_path / 'work', '--jobs', '2', '--threads', '1')
    output = process.communicate(timeout=400)[0]
    assert process.returncode == 1, output
    assert '2 of 3 cells finished, 1 failed.' in output
    assert 'NoSuchSampler is not in the' in output
    report = (tmp_path / 'work/tiny/report.md').read_text()
    assert '**2 of 3 runs are finished**' in report
    assert 'NoSuchSampler is not in' in report
    assert len(pd.read_csv(tmp_path / 'work/tiny/results.csv')) == 2 * 2
