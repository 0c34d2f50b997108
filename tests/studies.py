"""Study files for tests: real cells of a few iterations."""

from pathlib import Path
from typing import Any

import yaml
from tiny import ROOT


def write_study(path: Path, voc_root: Any, iters: int = 2, **changes: Any) -> Path:
    """Write a study of thin FCOS on a tiny VOC: 2 strategies x 2 seeds.

    Args:
        path (Path): The file to write.
        voc_root (str or Path): A VOCdevkit.
        iters (int): Iterations of a cell, with a checkpoint after each second one.
        **changes: Keys of the study to replace; ``overrides`` are added.
    """
    train = 'train_dataloader.dataset.datasets'
    datasets = (f'{train}.0', f'{train}.1', 'val_dataloader.dataset',
                'test_dataloader.dataset')  # fmt: skip
    overrides = {
        **{f'{name}.data_root': f'{voc_root}/' for name in datasets},
        'train_cfg.max_iters': iters,
        'train_cfg.val_interval': iters,
        'default_hooks.checkpoint.interval': 2,
        'default_hooks.logger.interval': 1,
        'param_scheduler.1.end': iters,
        'train_dataloader.batch_size': 2,
        'model.backbone.base_channels': 8,
        'model.neck.in_channels': [16, 32, 64],
        'model.test_cfg.score_thr': 0.0,  # something is detected untrained
        **changes.pop('overrides', {}),
    }
    study = {
        'name': path.stem,
        'config': str(ROOT / 'configs/studies/fcos_synthetic.py'),
        'overrides': overrides,
        'axes': {'strategy': ['none', 'lossmix'], 'seed': [0, 1]},
        'baseline': {'strategy': 'none'},
        **changes,
    }
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path
