"""A study from its file to its report, by Snakemake; what it starts is pretended."""

import io
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from rich.console import Console

from studies.gpus import gpu_places
from studies.schema import StudyError
from studies.workflow import Options, run_study
from tests.helpers import ROOT
from tests.helpers.fake_mim import write_fake_mim
from tests.helpers.processes import ENV
from tests.helpers.studies import write_study

ABLATE = [sys.executable, str(ROOT / 'tools/ablate.py')]
RATES = {
    'good': {'optim_wrapper.optimizer.lr': 0.25},
    'bad': {'optim_wrapper.optimizer.lr': 13},
    'fine': {'optim_wrapper.optimizer.lr': 0.5},
}


@pytest.fixture
def fake(tmp_path, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', str(write_fake_mim(tmp_path / 'fake')))


def run(study, work, **options):
    return run_study(study, Options(work_dir=work, **options), Console(quiet=True))


def calls(work, command='*'):
    """The folder, and the arguments, of every mim that was started."""
    return [
        (path.parent.name, line)
        for path in sorted(work.glob(f'runs/*/**/{command}.calls'))
        for line in path.read_text().splitlines()
    ]


def test_a_failing_run_fails_alone_and_is_tried_again(tmp_path, voc_root, fake):
    axes = {'rate': RATES, 'seed': [0, 1]}
    study = write_study(tmp_path / 'rates.yml', voc_root, axes=axes,
                        baseline={'rate': 'good'}, findings='None.')  # fmt: skip
    work = tmp_path / 'work'
    assert run(study, work, jobs=2) == 1
    assert len(calls(work, 'train')) == 6
    assert len(calls(work, 'test')) == 4
    report = (work / 'rates/report.md').read_text()
    for piece in (
        '**4 of 6 runs are finished**',
        f'lossmix sweep {study} --jobs 2',
        '| good   | 25.0 ± 0.0 |',
        '| fine   | +25.0        | +25.0 to +25.0  | 2       | 2 ',
        '| learning rate | ',
        '## Not finished: rate=bad seed=1',
        'unlucky',
        '![bars](plot_1_bars.png)',
    ):
        assert piece in report
    assert (work / 'rates/plot_1_bars.png').stat().st_size > 5000

    # Again: only what is missing is done, a changed value makes other runs.
    RATES_NOW = {**RATES, 'bad': {'optim_wrapper.optimizer.lr': 0.125}}
    write_study(study, voc_root, axes={**axes, 'rate': RATES_NOW}, baseline={})
    lost = next(work.glob('runs/*/test/clean.json'))
    lost.unlink()
    assert run(study, work) == 0
    assert len(calls(work, 'train')) == 6 + 2
    assert len(calls(work, 'test')) == 4 + 2 + 1
    assert run(study, work) == 0
    assert len(calls(work)) == 15
    table = pd.read_csv(work / 'rates/results.csv')
    assert list(table.split) == ['val', 'test'] * 6
    assert list(table.rate[::2]) == ['good', 'bad', 'fine'] * 2
    assert set(table.iteration) == {2}
    assert table.run.nunique() == 6
    assert (table.train_seconds > 0).all()


def test_results_of_another_machine_are_not_run_again(tmp_path, voc_root, fake):
    """A study grows over sessions: rows of its table stand for runs that are gone."""
    first = write_study(tmp_path / 'first.yml', voc_root)
    here, there = tmp_path / 'here', tmp_path / 'there'
    assert run(first, there) == 0
    known = tmp_path / 'known.csv'
    (there / 'first/results.csv').rename(known)
    table = pd.read_csv(known)
    cut = table[(table.split == 'val') | (table.seed == 0)]  # seed 1 was never tested
    cut.to_csv(known, index=False)
    axes = {'method': {'plain': {}, 'LossMix': {'strategy': 'lossmix'}}, 'seed': [0, 1]}
    second = write_study(tmp_path / 'second.yml', voc_root, axes=axes,
                         baseline={'method': 'plain'})  # fmt: skip
    assert run(second, here, known=[known]) == 0
    assert len(calls(here, 'train')) == 2, 'those of seed 1'
    rows = pd.read_csv(here / 'second/results.csv')
    assert list(rows.method) == ['plain'] * 2 + ['LossMix'] * 2 + list(rows.method[4:])
    assert list(rows.seed) == [0] * 4 + [1] * 4
    assert set(rows.study) == {'second'}
    same = ['run', 'split', 'iteration', 'AP', 'AP50', 'git_revision', 'train_seconds']
    pd.testing.assert_frame_equal(rows[same][:4], table[same][:4])
    assert '| 2       | ' in (here / 'second/report.md').read_text(), 'both seeds pair'
    with pytest.raises(FileNotFoundError):
        run(second, here, known=[tmp_path / 'nowhere.csv'])


def test_studies_share_what_they_have_in_common(tmp_path, voc_root, fake):
    """Runs of the same config are done once, and tested on more images if asked."""
    work = tmp_path / 'work'
    axes = {'strategy': ['none', 'union'], 'alpha': [0.5, 1], 'seed': [0]}
    first = write_study(tmp_path / 'first.yml', voc_root, axes=axes)
    handler = signal.getsignal(signal.SIGTERM)
    assert run(first, work) == 0
    assert signal.getsignal(signal.SIGTERM) == handler, "Snakemake's stays"
    assert len(calls(work, 'train')) == 3  # alpha says nothing without mixing
    table = pd.read_csv(work / 'first/results.csv')
    assert len(table) == 2 * 4
    axes = {'method': {'plain': {}, 'mixed': {'strategy': 'noise'}}, 'seed': [0]}
    second = write_study(tmp_path / 'second.yml', voc_root, axes=axes, baseline={},
                         corruptions=['fog'])  # fmt: skip
    assert run(second, work) == 0
    assert len(calls(work, 'train')) == 4
    assert len(calls(work, 'test')) == 3 + 1 + 2
    table = pd.read_csv(work / 'second/results.csv')
    assert table['AP_corrupted/fog'].notna().sum() == 2


def test_what_cannot_be_run_is_told_before_anything_starts(tmp_path, voc_root, fake):
    wrong = {
        'axes': ({'seed': [0], 'alpha': [1, 2]}, r'\d+: axes.alpha: changes nothing'),
        'overrides': (
            {'model.backbone.depth': 19},
            ' run strategy=none .*invalid depth',
        ),
        'corruptions': (['rain'], " run strategy=none .* not 'rain'"),
        'settings': (
            {'strategy': 'mosaic', 'prob': 2},
            '.*settings.prob: 2 is greater',
        ),
    }
    for key, (value, message) in wrong.items():
        study = write_study(tmp_path / 'a.yml', voc_root, baseline={}, **{key: value})
        with pytest.raises(StudyError, match=f'a.yml:{message}'):
            run(study, tmp_path / 'work')
    missing = 'val_dataloader.dataset.ann_file'
    study = write_study(tmp_path / 'a.yml', voc_root, overrides={missing: 'x.txt'})
    with pytest.raises(StudyError, match=r'run strategy=none .*x\.txt'):
        run(study, tmp_path / 'work')
    assert not calls(tmp_path)


def ablate(study, work, *arguments):
    command = [*ABLATE, str(study), '--work-dir', str(work), *arguments]
    env = {**ENV, 'PYTHONPATH': f'{work.parent / "fake"}:{ENV["PYTHONPATH"]}'}
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip


ENDS = {
    # The signal, the status, and whether the trainings end as well.
    'all killed': (signal.SIGKILL, -signal.SIGKILL, True),
    'ablate killed': (signal.SIGKILL, -signal.SIGKILL, False),
    'Ctrl-C': (signal.SIGINT, 130, True),
    'kill': (signal.SIGTERM, 1, False),
}


@pytest.mark.parametrize(('number', 'status', 'all_end'), ENDS.values(), ids=ENDS)
def test_stopped_and_started_again(tmp_path, voc_root, fake, number, status, all_end):
    """A half-finished run resumes; what outlives a killed ablate is waited for."""
    study = write_study(tmp_path / 'long.yml', voc_root, iters=300, baseline={},
                        axes={'seed': [0]})  # fmt: skip
    work = tmp_path / 'work'
    first = ablate(study, work)
    deadline = time.monotonic() + 200
    while not list(work.glob('runs/*/train/iter_20.pth')):
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if all_end and status < 0:
        os.killpg(first.pid, number)
    else:
        os.kill(first.pid, number)
    assert first.wait() == status
    (pointer,) = work.glob('runs/*/train/last_checkpoint')
    if all_end:
        assert 'iter_300' not in pointer.read_text()
        torn = pointer.with_name('iter_299.pth')  # as a kill may leave it
        torn.write_bytes(b'PK')
        pointer.write_text(str(torn))

    second = ablate(study, work, '--threads', '1')
    output = second.communicate(timeout=200)[0]
    assert second.returncode == 0, output
    assert '1 of 1 runs are finished.' in output
    sessions = ['--resume' in line for _, line in calls(work, 'train')]
    assert sessions == ([False, True] if all_end else [False])
    table = pd.read_csv(work / 'long/results.csv')
    assert (table.iteration == 300).all()


def test_every_run_has_a_gpu_of_its_own(tmp_path, voc_root, fake, monkeypatch):
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3,5')
    assert gpu_places(4, None) == ['3', '5', '3', '5']
    assert gpu_places(2, 2) == ['3,5', '3,5']
    assert gpu_places(2, 0) == []
    with pytest.raises(RuntimeError, match='give --gpus up to 2'):
        gpu_places(1, 3)
    study = write_study(tmp_path / 'a.yml', voc_root, iters=100, baseline={},
                        axes={'seed': [0, 1]})  # fmt: skip
    assert run(study, tmp_path / 'work', jobs=2) == 0
    used = [line.split()[0] for _, line in calls(tmp_path / 'work', 'train')]
    assert sorted(used) == ['3', '5']
    assert run(study, tmp_path / 'both', gpus=2) == 0
    for command in ('train', 'test'):
        for _, line in calls(tmp_path / 'both', command):
            assert line.startswith('3,5 --launcher pytorch --gpus 2 --port ')


def test_dry_run_and_other_options_of_snakemake(tmp_path, voc_root, fake):
    study = write_study(tmp_path / 'a.yml', voc_root)
    console = Console(file=io.StringIO(), width=200)
    options = Options(work_dir=tmp_path / 'work', dry_run=True)
    assert run_study(study, options, console) == 0
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 4, 'one for each run'
    assert 'left to run: strategy=lossmix seed=1' in lines
    assert not calls(tmp_path)
    assert run(study, tmp_path / 'work', snakemake=['--until', 'train']) == 1
    assert len(calls(tmp_path / 'work')) == 4
