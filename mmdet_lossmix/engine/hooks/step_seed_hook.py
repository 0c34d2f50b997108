"""Makes a resumed run draw the random numbers of the uninterrupted one."""

from typing import Optional

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seed torch before every training step with (seed, rank, iteration).

    mmengine does not store the state of random generators in a checkpoint, so what the
    model itself draws (the RoIs that are sampled, dropout) would differ after a resume.
    Together with batch mixing and an iteration-based loop, a resumed run ends with the
    weights of the uninterrupted one, bit for bit.
    """

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[dict] = None
    ) -> None:
        """Seed the generators of this step."""
        key = [runner.seed, get_rank(), runner.iter]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))
