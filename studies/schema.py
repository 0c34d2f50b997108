"""What a study file may hold, and errors that say where it does not."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

KEYS: dict[str, type | tuple[type, ...]] = {
    'name': str,
    'about': str,
    'findings': str,
    'config': str,
    'data': dict,
    'settings': dict,
    'overrides': dict,
    'axes': dict,
    'exclude': list,
    'baseline': (dict, list),
    'metric': str,
    'corruptions': list,
    'severity': int,
    'plots': list,
}
REQUIRED = ('name', 'config', 'axes')
PLOTS = ('bars', 'band', 'curves')
METRICS = ('AP', 'AP50', 'AP75', 'AP_small', 'AP_medium', 'AP_large')


class StudyError(Exception):
    """A study cannot be run as it is written."""

    def __init__(self, path: Path, key: str, problem: str) -> None:
        place = f'{path}: {key}' if key else str(path)
        super().__init__(f'{place}: {problem}')


def expect(condition: bool, path: Path, key: str, problem: str) -> None:
    """Raise a StudyError unless the condition holds."""
    if not condition:
        raise StudyError(path, key, problem)


def check_type(value: Any, kind: type | tuple[type, ...], path: Path, key: str) -> None:
    """Raise a StudyError unless the value is of that type, or of one of them."""
    names = {dict: 'a mapping', list: 'a list', str: 'a text', int: 'a whole number'}
    kinds = kind if isinstance(kind, tuple) else (kind,)
    expect(
        isinstance(value, kind) and not (kind is int and isinstance(value, bool)),
        path,
        key,
        f'expected {" or ".join(names[k] for k in kinds)} but got {value!r}',
    )


def as_list(value: Any) -> list:
    """One entry or several, as several."""
    return value if isinstance(value, list) else [value]


def check_keys(raw: dict, path: Path) -> None:
    """Top-level keys, their types, and the ones that may not be missing."""
    for key, value in raw.items():
        near = get_close_matches(str(key), KEYS, n=1)
        hint = f'; did you mean `{near[0]}`?' if near else ''
        expect(
            key in KEYS,
            path,
            str(key),
            f'is no key of a study{hint} Keys are {", ".join(KEYS)}',
        )
        check_type(value, KEYS[key], path, key)
    for key in REQUIRED:
        expect(key in raw, path, key, 'is missing; add it')
    expect(bool(raw['axes']), path, 'axes', 'expected at least one axis')
    for key in raw.get('overrides', {}):
        expect('.' in key, path, f'overrides.{key}', 'expected a dotted key')
    for rule in raw.get('exclude', []):
        check_type(rule, dict, path, 'exclude')
    for key in ('plots', 'baseline'):
        for entry in as_list(raw.get(key, [])):
            check_type(entry, dict, path, key)
    metric = raw.get('metric', 'AP')
    expect(
        metric in METRICS,
        path,
        'metric',
        f'expected one of {", ".join(METRICS)} but got {metric}',
    )
    severity = raw.get('severity', 3)
    expect(1 <= severity <= 5, path, 'severity', f'expected 1 to 5 but got {severity}')
