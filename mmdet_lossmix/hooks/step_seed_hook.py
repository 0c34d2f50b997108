"""Makes a run that resumes end with the weights of the uninterrupted one."""

from collections import deque
from itertools import islice
from typing import Any

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from .whole_checkpoint import resume_from_whole_checkpoint


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seed torch before every training step with (seed, rank, iteration).

    mmengine does not store the state of random generators in a checkpoint, so what the
    model itself draws (the RoIs that are sampled, dropout) would differ after a resume.
    Together with batch mixing, an iteration-based loop and a seed in the config, a
    resumed run ends with the weights of the uninterrupted one, bit for bit.
    """

    def before_run(self, runner: Runner) -> None:
        """Find the newest whole checkpoint if the last one is gone or cut off."""
        resume_from_whole_checkpoint(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Warn if the data loader has another seed than the run to be resumed."""
        seed = checkpoint.get('meta', {}).get('seed', runner.seed)
        if runner._resume and seed != runner.seed:
            runner.logger.warning(
                f'The run to be resumed had seed {seed}, but the data loader was built '
                f'with {runner.seed}: images come in another order. To repeat the '
                'uninterrupted run, resume with '
                f'`--cfg-options randomness.seed={seed}`.'
            )

    def before_train(self, runner: Runner) -> None:
        """Load past batches, so that workers draw the same."""
        batches: Any = getattr(runner.train_loop, 'dataloader_iterator', None)
        if hasattr(batches, 'skip_iter'):  # onedl's mmengine skips them without loading
            batches.skip_iter = lambda n: deque(islice(batches, n), maxlen=0)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Seed the generators of this step."""
        key = [runner.seed, get_rank(), runner.iter]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))
