"""For tests of what is mixed: records the batches that `model.loss` gets in a run."""

import json
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_lossmix.visualization import to_rgb_images


class RecordedBatch(NamedTuple):
    """One batch: which images, which of them have a partner, which are blended."""

    paths: List[str]
    partner: List[bool]
    blended: List[bool]

    @property
    def mixed(self) -> bool:
        return any(self.partner) or any(self.blended)


@HOOKS.register_module()
class RecordBatches(Hook):
    """Keeps a :class:`RecordedBatch` of every iteration in ``runner.recorded_batches``.

    Args:
        pipeline (list[dict]): The pipeline without mixing and without random steps.
        wait (float): Seconds to wait in each iteration before other hooks are called:
            workers then have loaded all that they were asked for.
        out (str, optional): A file for the list, for a run in another process.
    """

    priority = 'VERY_HIGH'

    def __init__(
        self, pipeline: List[dict], wait: float = 0, out: Optional[str] = None
    ) -> None:
        self.pipeline = Compose(pipeline)
        self.wait = wait
        self.out = out
        self.images: Dict[str, np.ndarray] = {}

    def before_train(self, runner: Runner) -> None:
        runner.recorded_batches = []
        model, loss = runner.model, runner.model.loss

        def recording(inputs: torch.Tensor, samples: list) -> dict:
            images = to_rgb_images(inputs, samples, model.data_preprocessor)
            blended = [
                not np.array_equal(image, self.unmixed(sample.img_path))
                for image, sample in zip(images, samples)
            ]
            paths = [sample.img_path for sample in samples]
            partner = ['partner' in sample for sample in samples]
            runner.recorded_batches.append(RecordedBatch(paths, partner, blended))
            return loss(inputs, samples)

        model.loss = recording

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[dict] = None
    ) -> None:
        time.sleep(self.wait)

    def after_train(self, runner: Runner) -> None:
        if self.out:
            Path(self.out).write_text(json.dumps(runner.recorded_batches))

    def unmixed(self, path: str) -> np.ndarray:
        """The image of a file as RGB, as the model gets it if nothing mixes it."""
        if path not in self.images:
            results = self.pipeline(dict(img_path=path))
            self.images[path] = results['img'][:, :, ::-1]
        return self.images[path]
