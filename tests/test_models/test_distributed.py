"""Two processes over gloo: no rank waits for ever, and all end alike."""

import socket
import sys

import pytest
import torch

from tests.helpers import ROOT
from tests.helpers.batches import mixed_batch
from tests.helpers.distributed_run import SPLIT_LAMBDAS, freeze_norms
from tests.helpers.oracle import flat, gradients, relative_difference
from tests.helpers.processes import run
from tests.helpers.thin_detectors import build_pair


def run_two_ranks(task, detector, weighting, out):
    """What each rank saved. A hang ends in ``TimeoutExpired``."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    launch = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2']
    script = str(ROOT / 'tests/helpers/distributed_run.py')
    done = run(
        [*launch, f'--master_port={port}', script, task, detector, weighting, str(out)],
        out,
    )
    assert done.returncode == 0, done.stdout
    return [torch.load(out / f'{rank}.pth') for rank in (0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize('weighting', ['batch', 'image'])
@pytest.mark.parametrize('detector', ['fcos', 'faster_rcnn'])
def test_ranks_that_mix_differently_do_not_hang(detector, weighting, tmp_path):
    first, second = run_two_ranks('train', detector, weighting, tmp_path)
    start = dict(build_pair(detector)[0].named_parameters())
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert any(not torch.equal(first[k], start[k]) for k in start)


@pytest.mark.parametrize(
    ('detector', 'weighting'),
    [
        # RetinaNet's normaliser is local: by images, ranks do not matter at all.
        ('retinanet', 'image'),
        # FCOS has the mean over ranks of its positives: neither do they by batches.
        ('fcos', 'batch'),
    ],
)
def test_a_split_batch_gives_the_gradient_of_the_whole(detector, weighting, tmp_path):
    first, _ = run_two_ranks('split', detector, weighting, tmp_path)
    _, wrapped = build_pair(detector, weighting=weighting)
    freeze_norms(wrapped)
    losses = flat(wrapped.loss(*mixed_batch(wrapped, SPLIT_LAMBDAS[weighting])))
    whole = gradients(wrapped, losses)
    first = {k.replace('detector.', ''): v for k, v in first.items()}
    assert relative_difference(first, whole) < 1e-3
