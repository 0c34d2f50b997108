"""The settings of a run, which are put into a plain detector's config.

A study sweeps them as axes or fixes them under ``settings``. Their values and defaults
stand in study.schema.yml.
"""

from __future__ import annotations

from typing import Any, Mapping

from mmengine.config import Config

from .data_regime import add_label_noise, make_long_tailed, take_fraction
from .mixing import add_mixing, stop_early
from .schema import SETTINGS


def set_seed(cfg: Config, settings: Mapping[str, Any]) -> None:
    """The seed of everything: weights, order, augmentation, lambda."""
    cfg.randomness = {**cfg.get('randomness', {}), 'seed': settings['seed']}


def set_workers(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Loader workers; the config's own number if None."""
    workers = settings['workers']
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if workers is not None:
            cfg[loader].update(num_workers=workers, persistent_workers=workers > 0)


def complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run with the defaults of those that it does not set."""
    defaults = {name: spec['default'] for name, spec in SETTINGS['properties'].items()}
    return {**defaults, **settings}


def apply_settings(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Put all settings into a config, in place."""
    settings = complete(settings)
    # Data before what mixes it; mixing looks at the finished pipeline.
    for apply in (
        set_seed,
        set_workers,
        add_label_noise,
        make_long_tailed,
        take_fraction,
        add_mixing,
        stop_early,
    ):
        apply(cfg, settings)
