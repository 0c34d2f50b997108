"""Runs that start from the weights of one training a seed, each with equal totals."""

from pathlib import Path

import pandas as pd
import pytest
from mmengine.config import Config
from rich.console import Console

from mmdet_lossmix.datasets.walk import dicts_in
from studies.schema import StudyError
from studies.study import read_study
from studies.workflow import Options, plan, run_study
from tests.helpers import ROOT
from tests.helpers.fake_mim import write_fake_mim
from tests.helpers.studies import write_study

RATE = 0.25  # what the fake mim measures of the start, as AP


def write_start(path, voc_root, lr=RATE):
    cfg = Config.fromfile(ROOT / 'configs/studies/fcos_synthetic.py')
    for node in dicts_in(list(cfg.values())):
        if 'data_root' in node:
            node.data_root = f'{voc_root}/'
    cfg.train_cfg.update(max_iters=3, val_interval=3)
    cfg.optim_wrapper.optimizer.lr = lr
    cfg.dump(path)
    return str(path)


def run(tmp_path, voc_root, monkeypatch, **options):
    tmp_path.mkdir(exist_ok=True)
    monkeypatch.setenv('PYTHONPATH', str(write_fake_mim(tmp_path / 'fake')))
    study = write_study(
        tmp_path / 'rungs.yml',
        voc_root,
        start=write_start(tmp_path / 'source.py', voc_root, **options),
        overrides={'optim_wrapper.optimizer.lr': 0.5},
    )
    return run_study(study, Options(work_dir=tmp_path), Console(quiet=True))


def calls(folder):
    return sorted(folder.glob('*/train.calls'), key=lambda path: path.stat().st_mtime)


@pytest.mark.usefixtures('unformatted_configs')
def test_one_start_a_seed_comes_first(tmp_path, voc_root, monkeypatch):
    assert run(tmp_path, voc_root, monkeypatch) == 0
    starts = list((tmp_path / 'runs').glob('source-*'))
    rungs = list((tmp_path / 'runs').glob('fcos_synthetic-*'))
    assert (len(starts), len(rungs)) == (2, 4)
    assert calls(tmp_path / 'runs')[0].parent in starts
    of_seed = {Config.fromfile(s / 'config.py').randomness.seed: s for s in starts}
    for rung in rungs:
        cfg = Config.fromfile(rung / 'config.py')
        start = of_seed[cfg.randomness.seed]
        assert Path(cfg.load_from) == start / 'train/iter_3.pth'
        assert Path(cfg.load_from).is_file()
        ours, theirs = (folder / 'train.calls' for folder in (rung, start))
        assert '--resume' not in ours.read_text() + theirs.read_text()
        assert ours.stat().st_mtime > theirs.stat().st_mtime
        assert not list(start.glob('test/*.json'))  # nobody looks at the test images
    table = pd.read_csv(tmp_path / 'rungs/results.csv')
    first = table[table.iteration == 0]
    assert (len(first), set(first.split), set(first.AP)) == (4, {'val'}, {RATE})
    assert set(table[table.iteration > 0].AP) == {0.5}


def test_runs_are_known_by_their_start(tmp_path, voc_root):
    """Another source training is another run; another folder is not."""
    names = []
    for folder, lr in (('a', RATE), ('b', RATE), ('c', RATE / 2)):
        (tmp_path / folder).mkdir()
        start = write_start(tmp_path / folder / 'source.py', voc_root, lr)
        path = write_study(tmp_path / folder / 'a.yml', voc_root, start=start)
        runs = plan(path, read_study(path), tmp_path / folder)
        assert len({run.start.name for run in runs}) == 2  # seeds
        assert not any(run.why_unfinished() for run in runs)  # none was tried
        names.append({run.name for run in runs})
    assert names[0] == names[1]
    assert not names[0] & names[2]


@pytest.mark.usefixtures('unformatted_configs')
def test_nothing_runs_if_the_start_fails(tmp_path, voc_root, monkeypatch):
    assert run(tmp_path, voc_root, monkeypatch, lr=13) == 1
    assert {path.parent.name[:7] for path in calls(tmp_path / 'runs')} == {'source-'}
    report = (tmp_path / 'rungs/report.md').read_text()
    assert report.count('Its start=source seed=0 failed') == 2
    assert report.count('unlucky') == 4


def test_a_start_with_a_name_that_nobody_fills_is_refused(tmp_path, voc_root):
    study = write_study(tmp_path / 'a.yml', voc_root, start='source_{detector}.py')
    with pytest.raises(StudyError, match=r'start.*\n?.*axes: {detector'):
        run_study(study, Options(work_dir=tmp_path), Console(quiet=True))
