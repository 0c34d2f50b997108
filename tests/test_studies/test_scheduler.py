"""Cells side by side as processes; failures; a killed parent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from studies import scheduler
from studies.scheduler import Scheduler, folder_lock, tail
from tests.helpers.fake_cell import FakeCell, spawning

ENV = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])}


NAP = 'import time; print(time.time()); time.sleep(0.6); print(time.time())'


@pytest.mark.parametrize('jobs', [1, 3])
def test_as_many_side_by_side_as_asked(tmp_path, jobs):
    cells = [FakeCell(tmp_path / str(i), NAP) for i in range(3)]
    Scheduler(jobs).run(cells)
    spans = [
        tuple(map(float, (tmp_path / str(i) / '0.log').read_text().split()))
        for i in range(3)
    ]
    together = max(sum(a <= t < b for a, b in spans) for t, _ in spans)
    assert together == jobs
    assert [cell.state for cell in cells] == ['done'] * 3


def test_a_failing_cell_does_not_stop_the_rest(tmp_path):
    cells = [
        FakeCell(tmp_path / 'bad', 'print("on its way"); raise SystemExit(3)', NAP),
        FakeCell(tmp_path / 'good', NAP, NAP),
    ]
    Scheduler(1).run(cells)
    assert [cell.state for cell in cells] == ['failed', 'done']
    assert 'step 0 ended with status 3' in cells[0].failure
    assert 'on its way' in cells[0].failure
    assert not (tmp_path / 'bad/1.log').exists()


def test_an_error_in_a_cell_is_its_failure(tmp_path):
    class Broken(FakeCell):
        def steps(self):
            raise FileNotFoundError('no checkpoint')
            yield

    cells = [Broken(tmp_path / 'a'), FakeCell(tmp_path / 'b', 'pass')]
    Scheduler(2).run(cells)
    assert [cell.state for cell in cells] == ['failed', 'done']
    assert 'FileNotFoundError: no checkpoint' in cells[0].failure


def test_usage_is_recorded(tmp_path):
    Scheduler(1).run([FakeCell(tmp_path, 'x = bytearray(300 << 20)')])
    record = json.loads((tmp_path / '0.usage').read_text())
    assert 300 < record['max_rss_mb'] < 400
    assert record['status'] == 0


def test_interrupt_ends_what_runs(tmp_path):
    def interrupt():
        if (tmp_path / 'child').exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Scheduler(1).run(
            [FakeCell(tmp_path, spawning(tmp_path))], interrupt, interval=0.05
        )
    assert gone(int((tmp_path / 'child').read_text()))


def test_nothing_is_left_of_a_killed_parent(tmp_path):
    """Killed without a chance to clean up, its commands' children end too."""
    program = (
        'import runpy, sys; from pathlib import Path; folder = Path(sys.argv[1])\n'
        'from tests.helpers.fake_cell import FakeCell, spawning\n'
        f'module = runpy.run_path({scheduler.__file__!r})\n'
        'module["Scheduler"](1).run([FakeCell(folder, spawning(folder))])\n'
    )
    parent = subprocess.Popen([sys.executable, '-c', program, str(tmp_path)], env=ENV)
    wait_for(lambda: (tmp_path / 'child').exists(), 60)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    with folder_lock(tmp_path):  # waits until the last of them is gone
        assert gone(int((tmp_path / 'child').read_text()))


def test_a_cell_that_another_study_runs_is_waited_for(tmp_path):
    log = tmp_path / '0.log'
    with folder_lock(tmp_path):
        cells = [FakeCell(tmp_path, NAP)]
        thread = threading.Thread(target=Scheduler(1).run, args=(cells,))
        thread.start()
        time.sleep(0.5)
        assert (cells[0].state, log.exists()) == ('waiting', False)
    thread.join()
    assert (cells[0].state, log.exists()) == ('done', True)


def test_an_interrupt_ends_the_waiting(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with folder_lock(tmp_path), pytest.raises(KeyboardInterrupt):
        Scheduler(1).run([FakeCell(tmp_path, NAP)], interrupt, interval=0.05)
    assert not (tmp_path / '0.log').exists()


def gone(pid: int) -> bool:
    """Whether a process has ended, now or within two seconds."""
    return wait_for(lambda: not alive(pid), 2)


def alive(pid: int) -> bool:
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'  # ended, but its new parent has not asked


def wait_for(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_tail(tmp_path):
    log = tmp_path / 'a.log'
    assert tail(log) == '(nothing was written)'
    log.write_text('\n'.join(map(str, range(99))) + '\n\n')
    assert tail(log, lines=2) == '97\n98'
    log.write_text(
        'Traceback (most recent call last):\nKeyError: 1\n'
        'Traceback (most recent call last):\n  in mim\n'
        "subprocess.CalledProcessError: Command '['python', ...]' returned 1\n"
    )
    assert tail(log) == 'Traceback (most recent call last):\nKeyError: 1'
