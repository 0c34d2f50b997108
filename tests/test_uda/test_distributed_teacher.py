"""An adaptation in two processes: nobody waits for ever, and both end alike."""

import socket
import sys

import pytest
import torch

from tests.helpers import ROOT
from tests.helpers.processes import run


@pytest.mark.slow
@pytest.mark.parametrize('without', ['background', 'ignored', 'counted'])
@pytest.mark.parametrize('detector', ['fcos', 'faster_rcnn'])
def test_ranks_with_and_without_pseudo_labels_end_alike(detector, without, tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    launch = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2']
    script = str(ROOT / 'tests/helpers/distributed_teacher_run.py')
    done = run(
        [*launch, f'--master_port={port}', script, detector, without, str(tmp_path)],
        tmp_path,
    )
    assert done.returncode == 0, done.stdout
    first, second = (torch.load(tmp_path / f'{rank}.pth') for rank in (0, 1))
    assert first['drawn'] == second['drawn']
    assert {pairing for pairing, _ in first['drawn']} >= {1, 2}
    if without == 'counted':  # of both, four images a step
        images = first['weights']['thresholds.images']
        assert images == pytest.approx(4 * 8, rel=0.05)
    for name, weight in first['weights'].items():
        assert torch.equal(weight, second['weights'][name]), name
    # What the teacher is averaged over does differ.
    own = [torch.equal(v, second['own'][name]) for name, v in first['own'].items()]
    assert not all(own)
