"""A run whose newest checkpoint is gone or cut off is resumed from the one before."""

import itertools
import shutil
from pathlib import Path

import pytest
from mmengine.runner import Runner

from tests.helpers.processes import end_workers

run_number = itertools.count()


@pytest.fixture
def broken_run(lossmix_run, tmp_path):
    """The folder of a finished run, of which a test breaks something."""
    for name in ('iter_3.pth', 'iter_6.pth', 'last_checkpoint'):
        shutil.copy(Path(lossmix_run.work_dir) / name, tmp_path / name)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_6.pth'))
    return tmp_path


def resume(lossmix_run, folder):
    """Resume to the end; which iteration it began with, and its log."""
    cfg = lossmix_run.copy()
    cfg.merge_from_dict(
        dict(
            work_dir=str(folder),
            resume=True,
            experiment_name=f'broken_{next(run_number)}',
        )
    )
    runner = Runner.from_cfg(cfg)
    begins = []
    load = runner.load_or_resume
    runner.load_or_resume = lambda: (load(), begins.append(runner.iter))
    runner.train()
    end_workers(runner)
    return begins[0], next(folder.glob('2*/*.log')).read_text()


def test_without_last_checkpoint(lossmix_run, broken_run):
    (broken_run / 'last_checkpoint').unlink()
    begin, log = resume(lossmix_run, broken_run)
    assert begin == 6
    assert 'iter_6.pth, the newest whole checkpoint: last_checkpoint is gone' in log


def test_with_a_newest_one_that_was_cut_off(lossmix_run, broken_run):
    newest = broken_run / 'iter_6.pth'
    shutil.copy(newest, broken_run / 'best_mAP_iter_6.pth')  # has no optimizer
    newest.write_bytes(newest.read_bytes()[:5000])
    begin, log = resume(lossmix_run, broken_run)
    assert begin == 3
    assert 'iter_3.pth, the newest whole checkpoint' in log
    assert 'iter_6.pth is cut off' in log


def test_a_whole_one_is_mmengines_affair(lossmix_run, broken_run):
    begin, log = resume(lossmix_run, broken_run)
    assert begin == 6
    assert 'newest whole checkpoint' not in log


def test_a_first_run_starts_from_the_beginning(lossmix_run, tmp_path):
    begin, _ = resume(lossmix_run, tmp_path)
    assert begin == 0
