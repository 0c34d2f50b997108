"""A study: which runs, from which config, compared with what. Read from YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any, Iterator, Mapping

import yaml

from .schema import (
    PLOTS,
    StudyError,
    as_list,
    check_keys,
    expect,
    expect_known,
    expect_type,
)
from .settings import SETTINGS

Labels = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One training of a study.

    Attributes:
        labels: Axis name to the label of its value, in the order of the axes.
        config: Path of the config, with the placeholders filled.
        settings: Setting name to its value, see :mod:`.settings`.
        overrides: Dotted key of the config to its value.
    """

    labels: Labels
    config: str
    settings: Mapping[str, Any]
    overrides: Mapping[str, Any]

    @property
    def title(self) -> str:
        """All labels in a line."""
        return ' '.join(f'{axis}={label}' for axis, label in self.labels.items())


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

    def runs(self) -> Iterator[Run]:
        """Every combination of the axes' values that is not excluded.

        The seed varies slowest: the first complete comparison is there early.
        """
        order = sorted(self.axes, key=lambda axis: axis != 'seed')
        for values in product(*(self.axes[axis] for axis in order)):
            chosen = dict(zip(order, values))
            labels = {axis: chosen[axis] for axis in self.axes}
            if not any(
                all(labels[axis] in values for axis, values in rule.items())
                for rule in self.exclude
            ):
                yield self._run(labels)

    def _run(self, labels: Labels) -> Run:
        settings, overrides = dict(self.settings), dict(self.overrides)
        for axis, label in labels.items():
            for key, value in self.axes[axis][label].items():
                (settings if key in SETTINGS else overrides)[key] = value
        config = self.config.format(**{**settings, **labels})
        return Run(labels, config, settings, overrides)


def read_study(path: Path) -> Study:
    """Read and check a study file.

    Raises:
        StudyError: If it is no valid study.
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
    check_keys(raw, path)
    for key, value in raw.get('settings', {}).items():
        _check_setting(key, value, path, f'settings.{key}')
    study = Study(
        **{
            **raw,
            'axes': {axis: _axis(axis, raw, path) for axis in raw['axes']},
            'exclude': tuple(
                {axis: as_list(values) for axis, values in rule.items()}
                for rule in raw.get('exclude', [])
            ),
            'baseline': tuple(filter(None, as_list(raw.get('baseline', [])))),
            'corruptions': tuple(raw.get('corruptions', [])),
            'plots': tuple(raw.get('plots', [])),
        }
    )
    _check_labels(study, path)
    for plot in study.plots:
        _check_plot(plot, study, path)
    expect(any(study.runs()), path, 'exclude', 'leaves no run')
    return study


def placeholders(config: str) -> list[str]:
    """The names in braces in a config's path."""
    return [name for _, name, _, _ in Formatter().parse(config) if name is not None]


def _axis(axis: str, raw: dict, path: Path) -> dict[Any, dict]:
    """The values of an axis: label to settings and overrides."""
    values, key = raw['axes'][axis], f'axes.{axis}'
    expect_type(values, (dict, list), path, key)
    expect(bool(values), path, key, 'expected at least one value')
    if isinstance(values, dict):
        for label, changes in values.items():
            expect_type(changes, dict, path, f'{key}.{label}')
            for name, value in changes.items():
                if '.' not in name:
                    _check_setting(name, value, path, f'{key}.{label}.{name}')
        return values
    if axis in SETTINGS:
        for value in values:
            _check_setting(axis, value, path, key)
        return {value: {axis: value} for value in values}
    expect(
        axis in placeholders(raw['config']),
        path,
        key,
        'a list of values needs an axis that is a setting or stands as '
        f'{{{axis}}} in `config`; settings are {", ".join(SETTINGS)}. For '
        'anything else write a mapping of labels to overrides of the config.',
    )
    return {value: {} for value in values}


def _check_setting(name: str, value: Any, path: Path, key: str) -> None:
    no_setting = 'is neither a setting nor a dotted key of the config'
    expect_known(name, SETTINGS, path, key, no_setting)
    try:
        SETTINGS[name].check(value)
    except (ValueError, TypeError) as error:
        raise StudyError(path, key, str(error)) from error


def _check_labels(study: Study, path: Path) -> None:
    """Axes and labels that other keys speak of have to exist."""
    for name in placeholders(study.config):
        expect(
            name in study.axes or name in study.settings,
            path,
            'config',
            f'has the placeholder {{{name}}} but there is no such axis; add '
            f'`axes: {{{name}: [...]}}`',
        )
    rules = [('baseline', rule) for rule in study.baseline]
    for key, rule in [*rules, *(('exclude', rule) for rule in study.exclude)]:
        for axis, labels in rule.items():
            expect_known(axis, study.axes, path, f'{key}.{axis}', 'is no axis')
            for label in as_list(labels):
                expect_known(label, study.axes[axis], path, f'{key}.{axis}')
    seedless = all('seed' not in rule for rule in study.baseline)
    expect(seedless, path, 'baseline.seed', 'seeds are what is paired')


def _check_plot(plot: Mapping[str, Any], study: Study, path: Path) -> None:
    expect_known(plot.get('kind'), PLOTS, path, 'plots', 'is no kind of plot')
    for role in ('x', 'by', 'panels'):
        if plot.get(role) is not None:
            expect_known(plot[role], study.axes, path, f'plots.{role}', 'is no axis')
    drawable = plot['kind'] == 'curves' or 'x' in plot
    expect(drawable, path, 'plots.x', f'is what {plot["kind"]} are drawn along; add it')
