"""The settings of a run: each has a name, a check and what it does to a config.

A study sweeps them as axes or fixes them under ``settings``. They are put into a plain
detector's config in the order of the table.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple

from mmengine.config import Config

from . import data_regime, mixing

Apply = Callable[[Config, Mapping[str, Any]], None]


class Setting(NamedTuple):
    """A setting.

    Attributes:
        default: Its value in runs that do not set it.
        check: Raises ``ValueError`` or ``TypeError`` for a value that cannot be.
        apply: Puts it into a config, given all settings; None if another one does.
    """

    default: Any
    check: Callable[[Any], None]
    apply: Apply | None = None


def one_of(*values: Any) -> Callable[[Any], None]:
    """A check for one of these."""

    def check(value: Any) -> None:
        if value not in values or isinstance(value, bool):
            known = ', '.join(map(str, values))
            raise ValueError(f'expected one of {known} but got {value!r}')

    return check


def number(low: float, high: float, above: bool = False) -> Callable[[Any], None]:
    """A check for a number from (or, if asked, above) ``low`` to ``high``."""

    def check(value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f'expected a number but got {value!r}')
        if not low <= value <= high or (above and value == low):
            begin = 'above' if above else 'from'
            raise ValueError(f'expected {begin} {low} to {high} but got {value}')

    return check


def whole(low: int) -> Callable[[Any], None]:
    """A check for a whole number from ``low``."""

    def check(value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f'expected a whole number from {low} but got {value!r}')

    return check


def kinds(value: Any) -> None:
    """A check for a list of kinds of label noise."""
    from .parts.noisy_labels import KINDS

    if not isinstance(value, list) or not value or not set(value) <= set(KINDS):
        raise ValueError(f'expected a list of {", ".join(KINDS)} but got {value!r}')


def set_seed(cfg: Config, settings: Mapping[str, Any]) -> None:
    """The seed of everything: weights, order, augmentation, lambda."""
    cfg.randomness = {**cfg.get('randomness', {}), 'seed': settings['seed']}


def set_workers(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Loader workers; the config's own number if None."""
    workers = settings['workers']
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if workers is not None and cfg.get(loader):
            cfg[loader].update(num_workers=workers, persistent_workers=workers > 0)


# Order matters: data before what mixes it; mixing looks at the finished pipeline.
SETTINGS: dict[str, Setting] = {
    'seed': Setting(0, whole(0), set_seed),
    'workers': Setting(None, whole(0), set_workers),
    'label_noise': Setting(0, number(0, 1), data_regime.add_label_noise),
    'noise_kinds': Setting(None, kinds),
    'imbalance': Setting(1, number(1, 1e6), data_regime.make_long_tailed),
    'data_fraction': Setting(1, number(0, 1, above=True), data_regime.take_fraction),
    'strategy': Setting('none', one_of(*mixing.STRATEGIES), mixing.add_mixing),
    'mix_in': Setting('batch', one_of('batch', 'pipeline')),
    'operator': Setting('blend', one_of(*mixing.OPERATORS)),
    'alpha': Setting(1.0, number(0, 1e9, above=True)),
    'prob': Setting(1.0, number(0, 1)),
    'weighting': Setting(None, one_of('batch', 'image')),
    'roi_sampling': Setting('joint', one_of('joint', 'per_target')),
    'coupling': Setting('coupled', one_of('coupled', 'independent', 'half')),
    'stop_mixing': Setting(0, number(0, 1), mixing.stop_early),
}


def complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run with the defaults of those that it does not set."""
    defaults = {name: setting.default for name, setting in SETTINGS.items()}
    return {**defaults, **settings}


def apply_settings(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Put all settings into a config, in place."""
    settings = complete(settings)
    for setting in SETTINGS.values():
        if setting.apply is not None:
            setting.apply(cfg, settings)
