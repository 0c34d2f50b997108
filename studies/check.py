"""Builds what runs are made of, before the first one starts."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from typing import Any

from mmdet.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config

from .schema import as_list


class RunCheck:
    """Builds models, datasets and metrics of configs, each only once."""

    def __init__(self) -> None:
        self.built: dict[str, Any] = {}

    def __call__(self, cfg: Config) -> int:
        """Build what a run needs.

        Returns:
            int: The number of its training iterations.

        Raises:
            Exception: Whatever cannot be built.
        """
        self._once(cfg.model, lambda model: MODELS.build(model) and None)
        for split in ('train', 'val', 'test'):
            loader = cfg.get(f'{split}_dataloader')
            if not loader:
                continue
            images = self._once(loader.dataset, load)
            if split == 'train':
                batches = math.ceil(images / loader.get('batch_size', 1))
            for metric in as_list(cfg.get(f'{split}_evaluator') or []):
                self._once(metric, METRICS.build)
        loop = cfg.train_cfg
        return loop.get('max_iters') or loop.get('max_epochs', 1) * batches

    def _once(self, part: Any, build: Any) -> Any:
        key = f'{build} {json.dumps(part, sort_keys=True, default=str)}'
        if key not in self.built:
            self.built[key] = build(deepcopy(part))
        return self.built[key]


def rate_note(cfg: Config, gpus: int) -> str:
    """Say that the learning rate is made for other batches; '' if it is not."""
    scaling = cfg.get('auto_scale_lr') or {}
    made_for = scaling.get('base_batch_size')
    size = cfg.train_dataloader.get('batch_size', 1)
    if scaling.get('enable') or made_for in (None, size * gpus):
        return ''
    return (
        'note: Add `overrides: {auto_scale_lr.enable: true}` to the study, or set the '
        f'learning rate. That of the config is for {made_for} images a step, and a '
        f'step here has {size * gpus}.\n'
    )


def load(dataset: dict) -> int:
    """Read all annotations, send an image through the pipeline, return the length."""
    built = DATASETS.build(dataset)
    built[0]
    return len(built)
