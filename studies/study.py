"""A study: which runs, from which config, compared with what. Read from YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any, Iterator, Mapping

import yaml

from .schema import SCHEMA, SETTINGS, StudyError, as_list, check, check_known

Labels = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One training of a study.

    Attributes:
        labels: Axis name to the label of its value, in the order of the axes.
        config: Path of the config, with the placeholders filled.
        settings: Setting name to its value, see study.schema.yml.
        overrides: Dotted key of the config to its value.
        start: The training whose last checkpoint this one is loaded from, if any.
    """

    labels: Labels
    config: str
    settings: Mapping[str, Any]
    overrides: Mapping[str, Any]
    start: Run | None = None

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
    start: str = ''
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
                (overrides if '.' in key else settings)[key] = value
        config, start = (
            path.format(**{**settings, **labels}) for path in (self.config, self.start)
        )
        return Run(labels, config, settings, overrides, self._start(start, settings))

    def _start(self, config: str, settings: Mapping[str, Any]) -> Run | None:
        """What the runs of one seed start from; they have nothing else in common."""
        if not config:
            return None
        own = {key: settings[key] for key in ('seed', 'workers') if key in settings}
        return Run({'start': Path(config).stem, **own}, config, own, {})


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
    check(raw, SCHEMA, path)
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
    return study


def placeholders(config: str) -> list[str]:
    """The names in braces in a config's path."""
    return [name for _, name, _, _ in Formatter().parse(config) if name is not None]


def _axis(axis: str, raw: dict, path: Path) -> dict[Any, dict]:
    """The values of an axis: label to settings and overrides."""
    values, key = raw['axes'][axis], f'axes.{axis}'
    if isinstance(values, dict):
        for label, changes in values.items():
            settings = {k: v for k, v in changes.items() if '.' not in k}
            check(settings, SETTINGS, path, f'{key}.{label}')
        return values
    if axis in SETTINGS['properties']:
        for value in values:
            check(value, SETTINGS['properties'][axis], path, key)
        return {value: {axis: value} for value in values}
    if axis not in placeholders(raw['config']):
        raise StudyError(
            path,
            key,
            'a list of values needs an axis that is a setting or stands as '
            f'{{{axis}}} in `config`; for anything else write a mapping of labels to '
            f'overrides of the config. Settings: {", ".join(SETTINGS["properties"])}',
        )
    return {value: {} for value in values}


def _check_labels(study: Study, path: Path) -> None:
    """Axes and labels that other keys speak of have to exist."""
    for key, config in (('config', study.config), ('start', study.start)):
        for name in placeholders(config):
            if name not in study.axes and name not in study.settings:
                raise StudyError(
                    path, key, f'add `axes: {{{name}: [...]}}`, as it has {{{name}}}'
                )
    rules = [
        *(('baseline', rule) for rule in study.baseline),
        *(('exclude', rule) for rule in study.exclude),
    ]
    for key, rule in rules:
        for axis, labels in rule.items():
            check_known(axis, study.axes, path, f'{key}.{axis}', 'is no axis')
            for label in as_list(labels):
                check_known(label, study.axes[axis], path, f'{key}.{axis}')
    if any('seed' in rule for rule in study.baseline):
        raise StudyError(path, 'baseline.seed', 'remove it; seeds are what is paired')
    for i, plot in enumerate(study.plots):
        for role in {'x', 'by', 'panels'} & set(plot):
            place = f'plots.{i}.{role}'
            check_known(plot[role], study.axes, path, place, 'is no axis')
    if not any(study.runs()):
        raise StudyError(path, 'exclude', 'exclude less; it leaves no run')
