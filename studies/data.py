"""The generated data that a study asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from .schema import StudyError, check_type, expect

ARGUMENTS = ('root', 'train', 'test', 'size', 'seed', 'domain', 'classes')


def prepare_data(data: Mapping[str, Any], study: Path, workers: int) -> None:
    """Draw each synthetic VOC that a study's ``data.synthetic`` describes, if missing.

    Raises:
        StudyError: If the study does not describe them well, or other data lie there.
    """
    unknown = set(data) - {'synthetic'}
    if unknown:
        raise StudyError(study, f'data.{unknown.pop()}', 'expected `synthetic` only')
    described = data.get('synthetic', [])
    several = isinstance(described, list)
    # All are looked at before the first one is drawn.
    datasets = {
        f'data.synthetic.{i}' if several else 'data.synthetic': arguments
        for i, arguments in enumerate(described if several else [described])
    }
    for key, arguments in datasets.items():
        check_arguments(arguments, study, key)
    for key, arguments in datasets.items():
        draw_missing(arguments, study, key, workers)


def check_arguments(arguments: Any, study: Path, key: str) -> None:
    """Raise a StudyError unless a dataset is described as it should be."""
    check_type(arguments, dict, study, key)
    expect(
        set(arguments) <= set(ARGUMENTS) and 'root' in arguments,
        study,
        key,
        f'expected `root` and of {", ".join(ARGUMENTS[1:])} what differs from '
        f'python -m synthetic_voc, but got {", ".join(arguments)}',
    )


def draw_missing(
    arguments: Mapping[str, Any], study: Path, key: str, workers: int
) -> None:
    """Draw one dataset, if it is not there.

    Raises:
        StudyError: If it cannot be drawn, or other data lie there.
    """
    from synthetic_voc import LOOK, generate_voc

    root = Path(arguments['root'])
    mark = root / 'VOCdevkit' / 'synthetic_voc.json'
    wanted = {name: value for name, value in arguments.items() if name != 'root'}
    marked = {**wanted, 'look': LOOK}
    if mark.is_file() and marked.items() <= json.loads(mark.read_text()).items():
        return
    try:
        generate_voc(root, workers=workers, **wanted)
    except (ValueError, OSError) as error:
        raise StudyError(study, key, f'{error}; or give another `root`') from error
