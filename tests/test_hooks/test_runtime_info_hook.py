"""A run says at its start what will be mixed, and logs how much was."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.runner import Runner

from mmdet_lossmix.hooks import RuntimeInfoHook
from mmdet_lossmix.mixing.shared import MixCounts
from tests.helpers.processes import end_workers
from tests.helpers.tiny_configs import iteration_based, tiny_config

pytestmark = pytest.mark.usefixtures('unformatted_configs')
STRATEGIES = ('LossMix', 'Union', 'Noise', 'SampledLossMix')
SEED = 3


def mixing_config(name, carrier, root, work_dir, prob=0.5, **overrides):
    """A run of six batches; of a plain detector unless there are two losses."""
    cfg = tiny_config('baseline_fcos_voc', root, work_dir, **overrides)
    cfg.randomness = dict(seed=SEED)
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.interval = 1
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.custom_hooks = []  # nothing of ours
    if carrier == 'batch':
        step = dict(type=f'Batch{name}' if 'Loss' in name else f'Batch{name}Mix')
        cfg.model.data_preprocessor.batch_augments = [dict(step, prob=prob)]
    else:
        kind = 'LossMixInputs' if name == 'LossMix' else 'DetInputs'
        mix = f'{name}Transform' if 'Loss' in name else f'{name}MixTransform'
        for part in cfg.train_dataloader.dataset.dataset.datasets:
            part.pipeline[-1:] = [dict(type=mix, prob=prob), dict(type=f'Pack{kind}')]
    if name == 'LossMix':
        weighting = 'batch' if carrier == 'batch' else 'image'
        cfg.model = dict(
            type='LossMixDetector', detector=cfg.model, weighting=weighting
        )
    return cfg


def train(cfg):
    """What was logged: the lines of the log, and the scalars of each step."""
    runner = Runner.from_cfg(cfg)
    assert [h for h in runner.hooks if type(h) is RuntimeInfoHook]
    try:
        runner.train()
    finally:
        end_workers(runner)
    folder = Path(cfg.work_dir)
    lines = next(folder.rglob('*.log')).read_text(encoding='utf-8').splitlines()
    text = next(folder.rglob('scalars.json')).read_text(encoding='utf-8')
    return lines, [json.loads(line) for line in text.splitlines()]


def announced(lines):
    """The lines of carriers, with the place of the first one of a step behind them."""
    found = [line for line in lines if ' carrier, ' in line]
    steps = [i for i, line in enumerate(lines) if '(train)' in line]
    assert all(lines.index(line) < steps[0] for line in found)
    return [line.partition(' - INFO - ')[2] for line in found]


@pytest.mark.parametrize('name', STRATEGIES)
def test_batches(name, voc_root, tmp_path):
    """Lambdas are those of the generator of (seed, iteration), and 1 where unmixed."""
    lines, steps = train(mixing_config(name, 'batch', voc_root, tmp_path))
    read = 'partners read by LossMixDetector'
    read = read if name == 'LossMix' else 'no partners to read'
    assert announced(lines) == [
        f'{name}: batch carrier, alpha 1, prob 0.5, Blend(), {read}'
    ]
    expected, shares = [], []
    for i in range(len(steps)):
        rng = np.random.default_rng([SEED, i])
        mixed, lam = rng.random() < 0.5, rng.beta(1, 1)
        expected.append(lam if mixed else 1)
        shares.append(mixed)
    assert len(steps) == 6
    assert f'Written to {tmp_path}: epoch_1.pth; log and scalars in' in lines[-1]
    assert len(set(shares)) == 2
    assert [s['mix_lambda'] for s in steps] == pytest.approx(expected)
    means = [np.mean(shares[: i + 1]) for i in range(6)]
    assert [s['mixed_share'] for s in steps] == pytest.approx(means)


@pytest.mark.parametrize('name', STRATEGIES)
def test_pipeline(name, voc_root, tmp_path):
    """Of a process, the first image of each cache has no partner: two datasets."""
    lines, steps = train(mixing_config(name, 'pipeline', voc_root, tmp_path, prob=1))
    read = 'partners read by LossMixDetector'
    read = read if name == 'LossMix' else 'no partners to read'
    assert announced(lines) == [
        f'{name}: pipeline carrier, alpha 1, prob 1, Blend(), {read}'
    ]
    assert len(steps) == 6
    assert steps[-1]['mixed_share'] == pytest.approx(10 / 12)
    lambdas = [s['mix_lambda'] for s in steps]
    assert all(0 < lam <= 1 for lam in lambdas)
    assert len(set(lambdas)) >= 5


def test_workers_are_counted(voc_root, tmp_path):
    """What two persistent workers mix, and load ahead, shows in the main process."""
    cfg = mixing_config('Union', 'pipeline', voc_root, tmp_path, prob=0.5)
    cfg.merge_from_dict(iteration_based(max_iters=12, save_every=100))
    lines, steps = train(cfg)
    assert len(announced(lines)) == 1
    assert 0.1 < steps[-1]['mixed_share'] < 0.9
    assert len({s['mix_lambda'] for s in steps}) > 3


def test_a_copy_counts_by_itself():
    counts = MixCounts()
    counts.add(images=2)
    counts.add(mixed=1, lam=0.25)
    other = copy.deepcopy(counts)
    other.add(images=1)
    assert counts.total().tolist() == [2, 1, 1.25]
    assert other.total().tolist() == [3, 1, 2.25]
    assert other._values.is_shared()


def warnings_of(lines):
    return [line for line in lines if ' - WARNING - ' in line]


def test_a_wrapper_without_partners_is_named_at_once(voc_root, tmp_path):
    """As where a config sets `train_pipeline`, which no dataset reads any more."""
    cfg = mixing_config('LossMix', 'batch', voc_root, tmp_path)
    cfg.model.detector.data_preprocessor.batch_augments = None
    lines, steps = train(cfg)
    (warning,) = (w for w in warnings_of(lines) if 'BatchLossMix' in w)
    assert 'LossMixDetector trains as the plain detector' in warning
    assert not announced(lines)
    assert 'mix_lambda' not in steps[-1]


def test_batches_of_one_are_named_at_once(voc_root, tmp_path):
    cfg = mixing_config('Union', 'batch', voc_root, tmp_path)
    cfg.train_dataloader.batch_size = 1
    lines, steps = train(cfg)
    (warning,) = (w for w in warnings_of(lines) if 'BatchUnionMix' in w)
    assert '`batch_size` of 2 or more' in warning
    assert {s['mixed_share'] for s in steps} == {0}
    assert {s['mix_lambda'] for s in steps} == {1}
