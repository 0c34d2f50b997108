"""What a training says of its mixing, and what it checks, without a line of config."""

import os
from collections import deque
from pathlib import Path
from typing import Any, Dict

import torch
from mmengine import hooks
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mmdet_lossmix.datasets.labels import check_labels, warn_of_classes_without_object
from mmdet_lossmix.datasets.walk import walk
from mmdet_lossmix.mixing.run_check import check_config, warn_of_other_mixing
from mmdet_lossmix.mixing.shared import MixCounts, total_of
from mmdet_lossmix.mixing.strategies import Strategy

STEPS = 50  # that `mixed_share` is the mean of


@HOOKS.register_module(force=True)
class RuntimeInfoHook(hooks.RuntimeInfoHook):
    """mmengine's hook of this name, which every run has, for runs that may mix.

    It takes the place of mmengine's, so that no config has to name it. Where nothing
    mixes it adds the check of labels alone.

    Before the first step it checks config and labels, and logs what will be mixed. In
    every step it logs the mean weight of the own image (``mix_lambda``, 1 if unmixed)
    and the share of images that were mixed in the last 50 steps (``mixed_share``), from
    numbers of the host alone.
    """

    def __init__(self) -> None:
        self._counts: Dict[int, MixCounts] = {}
        self._total = torch.zeros(3, dtype=torch.float64)
        self._steps: deque = deque(maxlen=STEPS)

    def before_train(self, runner: Runner) -> None:
        """Check config and labels, or raise a ``ValueError``; say how it is mixed."""
        super().before_train(runner)
        check_config(runner.cfg)
        warn_of_other_mixing(runner.cfg)
        for loop in (runner.train_loop, runner.val_loop):
            if hasattr(loop, 'dataloader'):
                check_labels(loop.dataloader.dataset)
        warn_of_classes_without_object(runner.train_dataloader.dataset)
        _announce(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Find what mixes; PipelineSwitchHook may exchange it."""
        super().before_train_epoch(runner)
        found = carriers(runner.model, runner.train_dataloader.dataset)
        self._counts.update((id(one), one.counts) for one in found)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Log what has been mixed since the last step."""
        super().after_train_iter(runner, *args, **kwargs)
        total = total_of(self._counts.values())
        images, mixed, weights = (total - self._total).tolist()
        if not images:  # nothing mixes, or workers that load ahead rest
            return
        self._total = total
        self._steps.append((images, mixed))
        share = sum(m for _, m in self._steps) / sum(i for i, _ in self._steps)
        runner.message_hub.update_scalar('train/mix_lambda', weights / images)
        runner.message_hub.update_scalar('train/mixed_share', share)

    def after_run(self, runner: Runner) -> None:
        """Say what a training has written where, as its last line."""
        if runner.iter:
            saved = sorted(Path(runner.work_dir).glob('*.pth'), key=os.path.getmtime)
            names = ', '.join(path.name for path in saved) or 'no checkpoint'
            runner.logger.info(
                f'Written to {runner.work_dir}: {names}; log and scalars in '
                f'{runner.timestamp}/, for `lossmix plot {runner.work_dir}`.'
            )


def carriers(model: torch.nn.Module, dataset: Any) -> list:
    """The batch augments and the transforms that mix, each once."""
    nodes = [*model.modules(), *walk(dataset)]
    return [n for n in nodes if isinstance(getattr(n, 'strategy', None), Strategy)]


def _announce(runner: Runner) -> None:
    """Log a line for each way of mixing, and warn of what will not be mixed."""
    model = getattr(runner.model, 'module', runner.model)  # in a distributed run
    name = type(model).__name__
    found = carriers(model, runner.train_dataloader.dataset)
    lines = []
    for one in found:
        by_batch = isinstance(one, torch.nn.Module)
        both = one.strategy.keeps_both
        lines.append(
            f'{type(one.strategy).__name__}: {"batch" if by_batch else "pipeline"} '
            f'carrier, alpha {one.alpha:g}, prob {one.prob:g}, {one.operator}, '
            + (f'partners read by {name}' if both else 'no partners to read')
        )
        loader = runner.train_dataloader
        batches = getattr(loader.batch_sampler, 'batch_size', loader.batch_size)
        if by_batch and batches == 1:
            runner.logger.warning(
                'Use a `batch_size` of 2 or more per GPU, or mix in the pipeline, with '
                f'images seen before: {type(one).__name__} mixes nothing in batches of '
                'one image.'
            )
    for line in dict.fromkeys(lines):
        runner.logger.info(line)
    needed = getattr(model, 'reads_partners', False)
    if needed and not any(one.strategy.keeps_both for one in found):
        runner.logger.warning(
            'Add BatchLossMix to `batch_augments` of the `data_preprocessor`, or '
            'LossMixTransform and PackLossMixInputs to the pipeline that the '
            f'`train_dataloader` holds: there is neither, and {name} trains as the '
            'plain detector.'
        )
