"""For tests of domain adaptation: its demo, shrunk to a few iterations."""

from typing import Any

from mmengine.config import Config

from tests.helpers.tiny_configs import tiny_config


def tiny_uda_config(
    name: str,
    data_root: Any,
    work_dir: Any,
    max_iters: int = 4,
    burn_in_iters: int = 2,
    **overrides: Any,
) -> Config:
    """Load ``configs/uda/demo_NAME.py``, ``configs/NAME.py`` or a path, for seconds.

    The teacher guesses, as it has learnt nothing: its scores are not looked at, and
    every image gets its three best boxes.
    """
    cfg = tiny_config(
        name if name.startswith(('uda/', '/')) else f'uda/demo_{name}',
        data_root,
        work_dir,
        **{
            'train_cfg.max_iters': max_iters,
            'train_cfg.val_interval': 1000,
            'train_dataloader.batch_size': 4,
            'train_dataloader.sampler.per_domain': [2, 2],
            'model.keep_rate': 0.9,
            **overrides,
        },
    )
    if cfg.model.burn_in_iters < cfg.max_iters:  # all of the run for `source_only`
        cfg.model.burn_in_iters = burn_in_iters
    if cfg.model.get('pseudo_labels') is not None:
        cfg.model.pseudo_labels.score_thr = 0.0
    if cfg.model.get('discriminator') is not None and 'people_art' not in name:
        cfg.model.discriminator.in_channels = 64  # of the thin backbone
    test_cfg = cfg.model.detector.test_cfg
    test_cfg.get('rcnn', test_cfg).update(score_thr=0.0, max_per_img=3)
    return cfg
