"""A run that is killed and resumed ends with the weights of an uninterrupted one."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import List, Optional

import pytest
import torch
from mmdet.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils._pytree import tree_flatten

from mmdet_lossmix.hooks import StepSeedHook, step_seed_hook
from tests.helpers.processes import dump, end_workers, kill_after, mim, run
from tests.helpers.tiny_configs import iteration_based, tiny_config

LOSSMIX = 'lossmix_faster_rcnn_voc'
run_number = itertools.count()


@HOOKS.register_module()
class NoteImages(Hook):
    """Remembers which images were trained on, and whether they were flipped."""

    def before_train(self, runner):
        runner.batches = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        samples = data_batch['data_samples']
        runner.batches.append([(s.img_path, s.flip) for s in samples])


def train(cfg: Config, work_dir: Path, resume_from: Optional[Path] = None) -> Runner:
    cfg = cfg.copy()
    cfg.merge_from_dict(
        dict(
            work_dir=str(work_dir),
            resume=resume_from is not None,
            load_from=resume_from and str(resume_from),
            experiment_name=f'resume_{next(run_number)}',  # mmengine's runs need names
        )
    )
    runner = Runner.from_cfg(cfg)
    runner.train()
    end_workers(runner)
    return runner


def same_training_state(first: Path, second: Path) -> bool:
    """Whether weights, averaged weights and optimizers are equal, bit for bit."""
    states = []
    for path in (first, second):
        checkpoint = torch.load(path)
        keys = ['state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers']
        states.append(tree_flatten([checkpoint.get(key) for key in keys]))
    (leaves, structure), (other_leaves, other_structure) = states
    assert structure == other_structure
    assert sum(isinstance(x, torch.Tensor) for x in leaves) > 200
    return all(
        torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y
        for x, y in zip(leaves, other_leaves)
    )


def test_resumed_run_equals_uninterrupted_one(lossmix_run, tmp_path):
    full = Path(lossmix_run.work_dir)
    train(lossmix_run, tmp_path, resume_from=full / 'iter_3.pth')
    assert same_training_state(tmp_path / 'iter_6.pth', full / 'iter_6.pth')


def test_each_iteration_draws_numbers_of_its_own(monkeypatch):
    hook = StepSeedHook()

    def drawn(seed, iteration, rank=0):
        monkeypatch.setattr(step_seed_hook, 'get_rank', lambda: rank)
        hook.before_train_iter(SimpleNamespace(seed=seed, iter=iteration))
        return torch.rand(()).item()

    keys = [(0, 0), (0, 1), (1, 0), (0, 0, 1), (0, 1, 1)]
    assert len({drawn(*key) for key in keys}) == len(keys)
    assert [drawn(*key) for key in keys] == [drawn(*key) for key in keys]


def test_step_seed_hook_is_what_makes_them_equal(voc_root, tmp_path):
    loop = iteration_based(max_iters=3, save_every=1, num_workers=0)
    for hooks in [[dict(type='StepSeedHook')], []]:
        cfg = tiny_config(LOSSMIX, voc_root, tmp_path, custom_hooks=hooks, **loop)
        full, resumed = tmp_path / f'full{len(hooks)}', tmp_path / f'part{len(hooks)}'
        train(cfg, full)
        train(cfg, resumed, resume_from=full / 'iter_1.pth')
        same = same_training_state(resumed / 'iter_3.pth', full / 'iter_3.pth')
        assert same is bool(hooks)


@pytest.mark.slow
def test_killed_run_is_resumed_by_the_command(lossmix_run, tmp_path):
    """`mim train mmdet CONFIG`, SIGKILL, `mim train mmdet CONFIG --resume`."""
    full = Path(lossmix_run.work_dir)
    command = mim(
        'train', dump(lossmix_run, tmp_path / 'config.py'), '--work-dir', tmp_path
    )
    kill_after(tmp_path / 'iter_3.pth', command, cwd=tmp_path)
    assert not (tmp_path / 'iter_6.pth').exists()
    resumed = run([*command, '--resume'], cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stdout
    assert 'resumed epoch: 0, iter: 3' in resumed.stdout
    assert same_training_state(tmp_path / 'iter_6.pth', full / 'iter_6.pth')


def epoch_based(voc_root: Path, work_dir: Path, **overrides) -> Config:
    return tiny_config(
        LOSSMIX,
        voc_root,
        work_dir,
        custom_hooks=[dict(type='StepSeedHook'), dict(type='NoteImages')],
        **{
            'train_cfg.max_epochs': 2,
            'train_cfg.val_interval': 3,
            'train_dataloader.num_workers': 2,
            **overrides,
        },
    )


def paths(batches: List[list]) -> List[list]:
    return [[path for path, _ in batch] for batch in batches]


@pytest.mark.slow
@pytest.mark.parametrize('persistent', [True, False])
def test_epoch_based_run(persistent, voc_root, tmp_path):
    """Persistent workers cannot repeat their flips; all else is repeated."""
    cfg = epoch_based(
        voc_root, tmp_path, **{'train_dataloader.persistent_workers': persistent}
    )
    full = train(cfg, tmp_path / 'full')
    resumed = train(cfg, tmp_path / 'resumed', tmp_path / 'full/epoch_1.pth')
    second_epoch = full.batches[len(full.batches) // 2 :]
    assert paths(resumed.batches) == paths(second_epoch)
    assert (resumed.batches == second_epoch) is not persistent
    same = same_training_state(
        tmp_path / 'resumed/epoch_2.pth', tmp_path / 'full/epoch_2.pth'
    )
    assert same is not persistent


@pytest.mark.slow
def test_run_without_a_seed_takes_other_images(voc_root, tmp_path):
    """mmengine reads the old seed only after it has built the data loader."""
    cfg = epoch_based(voc_root, tmp_path, randomness=dict(seed=None))
    full = train(cfg, tmp_path / 'full')
    resumed = train(cfg, tmp_path / 'resumed', tmp_path / 'full/epoch_1.pth')
    second_epoch = full.batches[len(full.batches) // 2 :]
    assert resumed.seed == full.seed
    assert paths(resumed.batches) != paths(second_epoch)
