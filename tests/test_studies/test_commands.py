"""Command lines of mim, threads, and what a kill leaves in a work directory."""

import json
import os
import subprocess
import sys

import pytest
import torch

from studies import commands
from studies.commands import Launch, train_command
from studies.training import last_checkpoint, repair_pointer
from tests.helpers.processes import mmdet_distribution


def test_local_commands(tmp_path):
    config, work = tmp_path / 'config.py', tmp_path / 'train'
    start = [sys.executable, '-m', 'mim']
    assert train_command(config, work, Launch()) == [
        *(*start, 'train', mmdet_distribution(), str(config)),
        *('--work-dir', str(work), '--resume'),
    ]
    checkpoint = work / 'iter_2.pth'
    assert commands.test_command(config, checkpoint, work, Launch()) == [
        *(*start, 'test', mmdet_distribution(), str(config)),
        *('--checkpoint', str(checkpoint), '--work-dir', str(work)),
    ]


SRUN = """#!{python}
import json, sys
json.dump(sys.argv[1:], open({out!r}, 'w'))
"""


@pytest.mark.parametrize('kind', ['train', 'test'])
def test_slurm_through_the_launcher_of_mim(tmp_path, kind):
    """The real mim calls an srun that writes down what it was asked."""
    srun = tmp_path / 'srun'
    srun.write_text(SRUN.format(python=sys.executable, out=str(tmp_path / 'asked')))
    srun.chmod(0o755)
    config = tmp_path / 'config.py'
    config.write_text('')
    launch = Launch(threads=6, partition='gpu', gpus=2, srun_args='--time=1:00:00 -x a')
    if kind == 'train':
        command = train_command(config, tmp_path / 'w', launch)
    else:
        command = commands.test_command(
            config, tmp_path / 'c.pth', tmp_path / 'w', launch
        )
    env = {**launch.environment(2), 'PATH': f'{tmp_path}:{os.environ["PATH"]}'}
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    asked = json.loads((tmp_path / 'asked').read_text())
    assert asked[:2] == ['-p', 'gpu']
    options = {'--gres=gpu:2', '--ntasks=2', '--ntasks-per-node=2', '--cpus-per-task=6'}
    assert options <= set(asked)
    assert {'--time=1:00:00', '-x', 'a'} <= set(asked)
    script = next(i for i, word in enumerate(asked) if word.endswith(f'{kind}.py'))
    rest = asked[script + 1 :]
    assert rest[0] == str(config)
    assert rest[rest.index('--launcher') + 1] == 'slurm'
    assert rest[rest.index('--work-dir') + 1] == str(tmp_path / 'w')
    assert ('--resume' in rest) == (kind == 'train')
    assert (str(tmp_path / 'c.pth') in rest) == (kind == 'test')


@pytest.mark.parametrize(
    ('threads', 'workers', 'left'), [(1, 0, 1), (4, 3, 1), (4, 0, 4)]
)
def test_workers_count_as_threads(threads, workers, left):
    env = Launch(threads=threads).environment(workers)
    assert env['OMP_NUM_THREADS'] == env['MKL_NUM_THREADS'] == str(left)


def test_more_workers_than_threads():
    with pytest.raises(ValueError, match='give --threads 3, or set `workers: 0`'):
        Launch(threads=2).environment(2)


def test_pointer_after_a_kill_while_a_checkpoint_was_written(tmp_path):
    for i in (2, 4, 6):
        torch.save({'weight': torch.zeros(500)}, tmp_path / f'iter_{i}.pth')
    cut = tmp_path / 'iter_6.pth'
    cut.write_bytes(cut.read_bytes()[:900])
    (tmp_path / 'best_coco_bbox_mAP_iter_9.pth').write_bytes(
        (tmp_path / 'iter_2.pth').read_bytes()
    )
    pointer = tmp_path / 'last_checkpoint'
    for content in (str(cut), '', str(tmp_path / 'iter_2.pth')):
        pointer.write_text(content)
        repair_pointer(tmp_path)
        assert pointer.read_text() == str(tmp_path / 'iter_4.pth')
        assert not cut.exists()
    for path in tmp_path.glob('*.pth'):
        path.unlink()
    repair_pointer(tmp_path)
    assert not pointer.exists()
    with pytest.raises(FileNotFoundError, match='Expected the training to write'):
        last_checkpoint(tmp_path)
