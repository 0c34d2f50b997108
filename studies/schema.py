"""What a study file may hold, and errors that say where it does not."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Iterable

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

SCHEMA = yaml.safe_load(
    Path(__file__).with_name('study.schema.yml').read_text(encoding='utf-8')
)
SETTINGS = SCHEMA['properties']['settings']


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
    while isinstance(node, (yaml.MappingNode, yaml.SequenceNode)):
        entries = node.value
        if isinstance(node, yaml.SequenceNode):
            entries = [
                (yaml.ScalarNode('', str(i), value.start_mark), value)
                for i, value in enumerate(entries)
            ]
        for name, value in entries:
            if f'{key}.'.startswith(f'{name.value}.'):
                key = key[len(name.value) + 1 :]
                line, node = name.start_mark.line + 1, value
                break
        else:
            break
    return line


def check(value: Any, schema: dict, path: Path, key: str = '') -> None:
    """Raise a StudyError unless a value is what a JSON schema asks for."""
    error = best_match(Draft202012Validator(schema).iter_errors(value))
    if error is None:
        return
    places = [*filter(None, [key]), *map(str, error.absolute_path)]
    if error.validator == 'additionalProperties':
        name = next(
            name for name in error.instance if name not in error.schema['properties']
        )
        place = '.'.join([*places, str(name)])
        check_known(name, error.schema['properties'], path, place)
    if error.validator == 'enum':
        check_known(error.instance, error.validator_value, path, '.'.join(places))
    raise StudyError(path, '.'.join(places), error.message)


def check_known(
    name: Any, known: Iterable, path: Path, key: str, what: str = 'is unknown'
) -> None:
    """Raise a StudyError unless a name is one of the known ones."""
    known = list(known)
    if name in known:
        return
    near = get_close_matches(str(name), map(str, known), n=1, cutoff=0.7)
    hint = f'did you mean `{near[0]}`? ' if near else ''
    names = ', '.join(map(str, known))
    raise StudyError(path, key, f'{hint}{name!r} {what}; expected one of {names}')


def as_list(value: Any) -> list:
    """One entry or several, as several."""
    return value if isinstance(value, list) else [value]
