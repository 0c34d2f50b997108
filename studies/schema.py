"""What a study file may hold, and errors that say where it does not."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Iterable

import yaml

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
    """A study cannot be run as it is written; says in which line, and what to do."""

    def __init__(self, path: Path, key: str, problem: str) -> None:
        line = line_of(path, key)
        place = f'{path}:{line}' if line else f'{path}'
        super().__init__(': '.join(filter(None, [place, key, problem])))


def line_of(path: Path, key: str) -> int:
    """The line where a key (``axes.alpha``) or the nearest above it stands, or 0."""
    try:
        node = yaml.compose(path.read_text(encoding='utf-8'))
    except (OSError, yaml.YAMLError):
        return 0
    line = 0
    while isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if f'{key}.'.startswith(f'{name.value}.'):
                key = key[len(name.value) + 1 :]
                line, node = name.start_mark.line + 1, value
                break
        else:
            break
    return line


def expect(condition: bool, path: Path, key: str, problem: str) -> None:
    """Raise a StudyError unless the condition holds."""
    if not condition:
        raise StudyError(path, key, problem)


def expect_known(
    name: Any, known: Iterable, path: Path, key: str, what: str = 'is unknown'
) -> None:
    """Raise a StudyError unless a name is one of the known ones."""
    known = list(known)
    near = get_close_matches(str(name), map(str, known), n=1, cutoff=0.7)
    hint = f'did you mean `{near[0]}`? ' if near else ''
    names = ', '.join(map(str, known))
    expect(name in known, path, key, f'{hint}{name!r} {what}; expected one of {names}')


def expect_type(
    value: Any, kind: type | tuple[type, ...], path: Path, key: str
) -> None:
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


def check_keys(raw: Any, path: Path) -> None:
    """Raise a StudyError unless all top-level keys are there and of their types."""
    expect_type(raw, dict, path, '')
    for key, value in raw.items():
        expect_known(key, KEYS, path, str(key), 'is no key of a study')
        expect_type(value, KEYS[key], path, key)
    for key in REQUIRED:
        expect(key in raw, path, key, 'is missing; add it')
    expect(bool(raw['axes']), path, 'axes', 'expected at least one axis')
    for key in raw.get('overrides', {}):
        expect('.' in key, path, f'overrides.{key}', 'expected a dotted key')
    for key in ('exclude', 'plots', 'baseline'):
        for entry in as_list(raw.get(key, [])):
            expect_type(entry, dict, path, key)
    expect_known(raw.get('metric', 'AP'), METRICS, path, 'metric', 'is no metric')
    expect_known(raw.get('severity', 3), range(1, 6), path, 'severity', 'is none')
