"""The benchmark of a step measures what it says."""

import subprocess
import sys
import time

import pytest
import torch

from benchmarks.measure import peak_memory, step_times
from benchmarks.step_variants import JOINT, LOSSMIX, PLAIN, training_steps
from tests.helpers import ROOT
from tests.helpers.processes import run
from tests.helpers.thin_detectors import thin_model_cfg

MEGABYTE = 2**20


def test_times_are_taken_in_turn_after_a_warm_up():
    calls = []
    steps = {
        'fast': lambda: calls.append('fast'),
        'slow': lambda: (calls.append('slow'), time.sleep(0.02)),
    }
    times = step_times(steps, rounds=2)
    assert calls == ['fast', 'slow'] * 3
    assert [len(of_rounds) for of_rounds in times.values()] == [2, 2]
    assert min(times['slow']) >= 0.02 > max(times['fast'])


@pytest.mark.skipif(torch.cuda.is_available(), reason='it would measure the GPU')
def test_peak_memory_counts_what_is_alive_at_once():
    kept = []

    def step():
        first = torch.empty(4 * MEGABYTE, dtype=torch.uint8)
        second = torch.empty(3 * MEGABYTE, dtype=torch.uint8)
        del first
        kept.append(torch.empty(2 * MEGABYTE, dtype=torch.uint8))
        del second

    assert peak_memory(step) == 7 * MEGABYTE
    assert peak_memory(step) == 7 * MEGABYTE  # what stays from before does not count


def test_all_variants_train_the_same_detector():
    steps = training_steps(thin_model_cfg('faster_rcnn'), 2, (64, 96))
    assert next(iter(steps)) == PLAIN
    assert {*LOSSMIX, *JOINT} < set(steps)
    for step in steps.values():
        step()
    assert set(LOSSMIX) < set(training_steps(thin_model_cfg('fcos'), 2, (64, 96)))


@pytest.mark.parametrize('name', ['step', 'operators', 'survey', 'loading'])
def test_commands_start_as_a_user_starts_them(name, monkeypatch):
    """As modules, since other packages install a folder `tests` that comes first."""
    monkeypatch.delenv('PYTHONPATH', raising=False)
    words = [sys.executable, '-m', f'benchmarks.{name}', '--help']
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'usage: ' in done.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason='a GPU has it')
def test_half_precision_on_a_cpu_is_refused():
    done = run([sys.executable, '-m', 'benchmarks.step', '--amp', 'float16'], ROOT)
    assert done.returncode != 0
    assert 'it needs a GPU' in done.stdout


@pytest.mark.slow
def test_the_tool_writes_a_page_and_a_plot(tmp_path):
    options = '--size 64 96 --rounds 2 --batches 2 --growth-rounds 1 --threads 1'
    words = [sys.executable, '-m', 'benchmarks.step', 'fcos', *options.split()]
    done = run([*words, '--out', str(tmp_path)], ROOT)
    assert done.returncode == 0, done.stdout
    lines = (tmp_path / 'benchmark.md').read_text().splitlines()
    rows = [line for line in lines if line.startswith('| fcos')]
    assert len(rows) == 6 + 2
    plain = [cell.strip() for cell in rows[0].strip('| ').split('|')]
    assert plain[1] == PLAIN
    assert plain[3] == plain[6].join(['**'] * 2) == '**1.00**'
    assert (tmp_path / 'images/benchmark.png').stat().st_size > 10_000
