"""What the table says of a log, and of the time that is left."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from studies.progress import ProgressTable, clock, read_news

ITERATIONS = (
    'INFO - Iter(train) [ 20/200]  lr: 1e-3  eta: 0:01:00  time: 0.1  loss: 2.5000\n'
    'INFO - Iter(val) [5/5]    coco/bbox_mAP: 0.1230  coco/bbox_mAP_50: 0.3000\n'
    'INFO - Iter(train) [ 50/200]  lr: 1e-3  eta: 0:01:00  time: 0.1  loss: 1.5000\n'
)
EPOCHS = 'INFO - Epoch(train)  [2][ 50/100]  lr: 1e-3  loss: 0.7000\n'


def test_news_of_a_log(tmp_path):
    log = tmp_path / 'train.log'
    assert read_news(log) == (0.0, '', '')
    log.write_text('x' * 40000 + '\n' + ITERATIONS)
    assert read_news(log) == (0.25, '1.5000', '0.1230')
    log.write_text(EPOCHS)
    assert read_news(log, max_epochs=3) == (0.5, '0.7000', '')


def cell(folder, state, seconds=0.0):
    return SimpleNamespace(
        title=folder.name,
        state=state,
        step='train' if state == 'running' else '',
        seconds=seconds,
        folder=folder,
        trained_file=folder / 'trained.json',
        cfg=SimpleNamespace(train_cfg={}),
        test_names=('clean',),
        head_start=0.0,
        metrics_file=lambda name: folder / f'{name}.json',
    )


@pytest.fixture
def cells(tmp_path):
    states = ('done', 'running', 'waiting', 'waiting', 'failed')
    found = [cell(tmp_path / f'{s}{i}', s) for i, s in enumerate(states)]
    (tmp_path / 'running1').mkdir()
    (tmp_path / 'running1/train.log').write_text('')
    return found


def test_time_left(cells, monkeypatch):
    table = ProgressTable(cells, 2, Console(file=io.StringIO()))
    clock_now = [100.0]
    monkeypatch.setattr('studies.progress.time.monotonic', lambda: clock_now[0])
    assert table.seconds_left() is None
    clock_now[0] += 45
    log = cells[1].folder / 'train.log'
    log.write_text(ITERATIONS.replace('50/200', '100/200'))
    # Half of a training, 0.45 of a cell, took 45 s; 0.55 and two cells are left, for 2.
    assert table.seconds_left() == pytest.approx(100 * 2.55 / 2)


def test_table_on_a_terminal_and_lines_elsewhere(cells):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    table = ProgressTable(cells, 2, console)
    console.print(table.render())
    text = out.getvalue()
    for piece in (
        'running1',
        'running train',
        'failed4',
        '1 done, 1 running, 2 waiting',
    ):
        assert piece in text
    lines = io.StringIO()
    with ProgressTable(cells[1:2], 1, Console(file=lines, width=120)):
        pass
    assert 'running train running1' in lines.getvalue()


def test_clock():
    assert clock(3665.7) == '1:01:05'
