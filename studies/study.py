"""A study: which cells, from which config, compared with what. Read from YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any, Iterator, Mapping

import yaml

from .schema import PLOTS, StudyError, as_list, check_keys, check_type, expect
from .settings import SETTINGS

Labels = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One training run of a study.

    Attributes:
        labels: Axis name to the label of its value, in the order of the axes.
        config: Path of the config, with the placeholders filled.
        settings: Setting name to its value, see :mod:`.settings`.
        overrides: Dotted key to its value, put over the config at the end.
    """

    labels: Labels
    config: str
    settings: Mapping[str, Any]
    overrides: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """What a study file says; see docs/studies.md for the meaning of each key."""

    name: str
    config: str
    axes: Mapping[str, Mapping[Any, Mapping[str, Any]]]
    baseline: tuple[Labels, ...] = ()
    metric: str = 'AP'
    about: str = ''
    findings: str = ''
    settings: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    exclude: tuple[Mapping[str, list], ...] = ()
    corruptions: tuple[str, ...] = ()
    severity: int = 3
    plots: tuple[Mapping[str, Any], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    def cells(self) -> Iterator[Cell]:
        """Every combination of the axes' values that is not excluded.

        The seed varies slowest: the first complete comparison is there early.
        """
        order = sorted(self.axes, key=lambda axis: axis != 'seed')
        for values in product(*(self.axes[axis] for axis in order)):
            chosen = dict(zip(order, values))
            labels = {axis: chosen[axis] for axis in self.axes}
            if not any(_matches(labels, rule) for rule in self.exclude):
                yield self._cell(labels)

    def _cell(self, labels: Labels) -> Cell:
        settings, overrides = dict(self.settings), dict(self.overrides)
        for axis, label in labels.items():
            for key, value in self.axes[axis][label].items():
                (settings if key in SETTINGS else overrides)[key] = value
        config = self.config.format(**{**settings, **labels})
        return Cell(labels, config, settings, overrides)


def _matches(labels: Labels, rule: Mapping[str, list]) -> bool:
    return all(labels[axis] in values for axis, values in rule.items())


def read_study(path: Path) -> Study:
    """Read and check a study file.

    Raises:
        StudyError: If it is no valid study; names the file, the key and what to do.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        found = ', '.join(sorted(str(p) for p in path.parent.glob('*.yml')))
        raise StudyError(
            path, '', f'no such file; there are {found or "no studies beside it"}'
        ) from error
    except yaml.YAMLError as error:
        raise StudyError(path, '', f'is no YAML: {error}') from error
    expect(isinstance(raw, dict), path, '', 'expected a mapping of keys; see docs')
    check_keys(raw, path)
    axes = {axis: _axis(axis, raw, path) for axis in raw['axes']}
    for key, value in raw.get('settings', {}).items():
        _check_setting(key, value, path, f'settings.{key}')
    study = Study(
        **{
            **raw,
            'axes': axes,
            'exclude': tuple(
                {axis: v if isinstance(v, list) else [v] for axis, v in rule.items()}
                for rule in raw.get('exclude', [])
            ),
            'baseline': tuple(filter(None, as_list(raw.get('baseline', [])))),
            'corruptions': tuple(raw.get('corruptions', [])),
            'plots': tuple(raw.get('plots', [])),
        }
    )
    _check_references(study, path)
    return study


def placeholders(config: str) -> list[str]:
    """The names in braces in a config's path."""
    return [name for _, name, _, _ in Formatter().parse(config) if name is not None]


def _axis(axis: str, raw: dict, path: Path) -> dict[Any, dict]:
    """The values of an axis: label to settings and overrides."""
    values, key = raw['axes'][axis], f'axes.{axis}'
    if isinstance(values, dict):
        for label, changes in values.items():
            check_type(changes, dict, path, f'{key}.{label}')
            for name, value in changes.items():
                _check_change(name, value, path, f'{key}.{label}.{name}')
    else:
        check_type(values, list, path, key)
        if axis in SETTINGS:
            for value in values:
                _check_setting(axis, value, path, key)
            values = {value: {axis: value} for value in values}
        else:
            expect(
                axis in placeholders(raw['config']),
                path,
                key,
                f'a list of values needs an axis that is a setting or stands as '
                f'{{{axis}}} in `config`; settings are {", ".join(SETTINGS)}. For '
                'anything else write a mapping of labels to config overrides.',
            )
            values = {value: {} for value in values}
    expect(bool(values), path, key, 'expected at least one value')
    return values


def _check_change(name: str, value: Any, path: Path, key: str) -> None:
    if name in SETTINGS:
        _check_setting(name, value, path, key)
        return
    expect(
        '.' in name,
        path,
        key,
        f'is neither a setting ({", ".join(SETTINGS)}) nor a dotted key of the config, '
        'such as optim_wrapper.optimizer.lr',
    )


def _check_setting(name: str, value: Any, path: Path, key: str) -> None:
    expect(
        name in SETTINGS, path, key, f'is no setting; these are {", ".join(SETTINGS)}'
    )
    try:
        SETTINGS[name].check(value)
    except (ValueError, TypeError) as error:
        raise StudyError(path, key, str(error)) from error


def _check_references(study: Study, path: Path) -> None:
    """Labels that other keys speak of have to exist."""
    for name in placeholders(study.config):
        expect(
            name in study.axes or name in study.settings,
            path,
            'config',
            f'has the placeholder {{{name}}} but there is no such axis; add '
            f'`axes: {{{name}: [...]}}`',
        )
    rules = [
        *(('baseline', rule) for rule in study.baseline),
        *(('exclude', rule) for rule in study.exclude),
    ]
    for key, rule in rules:
        for axis, labels in rule.items():
            expect(
                axis in study.axes,
                path,
                f'{key}.{axis}',
                f'is no axis; these are {", ".join(study.axes)}',
            )
            for label in labels if isinstance(labels, list) else [labels]:
                expect(
                    label in study.axes[axis],
                    path,
                    f'{key}.{axis}',
                    f'{label!r} is no value of this axis; these are '
                    f'{", ".join(map(str, study.axes[axis]))}',
                )
    expect(
        all('seed' not in rule for rule in study.baseline),
        path,
        'baseline.seed',
        'seeds are what is paired',
    )
    for plot in study.plots:
        expect(
            plot.get('kind') in PLOTS,
            path,
            'plots',
            f'expected `kind` to be one of {", ".join(PLOTS)} but got {plot!r}',
        )
        for role in ('x', 'by', 'panels'):
            expect(
                plot.get(role) is None or plot[role] in study.axes,
                path,
                f'plots.{role}',
                f'{plot.get(role)!r} is no axis; these are {", ".join(study.axes)}',
            )
        expect(
            plot['kind'] == 'curves' or 'x' in plot,
            path,
            'plots.x',
            f'a plot of kind {plot["kind"]} needs the axis to draw along',
        )
    cells = list(study.cells())
    expect(bool(cells), path, 'exclude', 'leaves no cell')
