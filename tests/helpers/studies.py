"""Study files for tests: real cells of a few iterations."""

from pathlib import Path
from typing import Any

import yaml

from tests.helpers import ROOT


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


def write_uda_study(path: Path, voc_root: Any, **changes: Any) -> Path:
    """Write a study of two rungs of the ladder of FCOS: 2 iterations of burn-in of 4.

    Args:
        path (Path): The file to write.
        voc_root (str or Path): A VOCdevkit, source and target in one.
        **changes: Keys of the study to replace.
    """
    train = 'train_dataloader.dataset.datasets'
    datasets = (f'{train}.0', f'{train}.1', 'val_dataloader.dataset',
                'test_dataloader.dataset', 'custom_hooks.2.truth')  # fmt: skip
    study = {
        'name': path.stem,
        'config': str(ROOT / 'configs/uda/demo_{rung}_fcos.py'),
        'settings': {'workers': 0},
        'overrides': {
            **{f'{name}.data_root': f'{voc_root}/' for name in datasets},
            'train_cfg.max_iters': 4,
            'train_cfg.val_interval': 2,
            'default_hooks.checkpoint.interval': 4,
            'default_hooks.logger.interval': 1,
            'custom_hooks.1.interval': 1,
            'custom_hooks.2.interval': 1,
            'train_dataloader.batch_size': 4,
            'train_dataloader.sampler.per_domain': [2, 2],
            'model.detector.backbone.base_channels': 8,
            'model.detector.neck.in_channels': [16, 32, 64],
            'model.detector.test_cfg.score_thr': 0.0,  # something is found untrained
            'model.detector.test_cfg.max_per_img': 3,
        },
        'axes': {
            'rung': {
                'source_only': {'model.burn_in_iters': 4},
                'adaptive_teacher': {
                    'model.burn_in_iters': 2,
                    'model.keep_rate': 0.5,
                    'model.discriminator.in_channels': 64,
                    'model.pseudo_labels.score_thr': 0.0,
                    'model.pseudo_labels.min_size': 0.0,
                },
            },
            'seed': [0],
        },
        'baseline': {'rung': 'source_only'},
        'metric': 'AP50',
        'plots': [
            {'kind': 'bars', 'x': 'rung'},
            {'kind': 'curves', 'by': 'rung', 'y': 'pseudo_recall'},
        ],
        **changes,
    }
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path
