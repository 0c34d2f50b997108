"""The data that a study asks for: generated images, or the user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from .schema import StudyError, as_list, expect, expect_known, expect_type

ARGUMENTS = ('root', 'train', 'test', 'size', 'seed', 'domain', 'classes')
KINDS = ('coco', 'synthetic')


def check_data(data: Mapping[str, Any], study: Path) -> None:
    """Raise a StudyError unless all of it is described as it should be."""
    for kind in data:
        expect_known(kind, KINDS, study, f'data.{kind}', 'is no kind of data')
    expect_type(data.get('coco', {}), dict, study, 'data.coco')
    for key, arguments in _synthetic(data).items():
        expect_type(arguments, dict, study, key)
        expect('root' in arguments, study, f'{key}.root', 'is missing; add it')
        for name in arguments:
            expect_known(name, ARGUMENTS, study, f'{key}.{name}')


def draw_data(data: Mapping[str, Any], study: Path, workers: int) -> None:
    """Draw each synthetic VOC that is not there.

    Raises:
        StudyError: If one cannot be drawn, or other data lie there.
    """
    from synthetic_voc import LOOK, generate_voc

    for key, arguments in _synthetic(data).items():
        root = Path(arguments['root'])
        mark = root / 'VOCdevkit' / 'synthetic_voc.json'
        wanted = {name: value for name, value in arguments.items() if name != 'root'}
        marked = {**wanted, 'look': LOOK}
        if mark.is_file() and marked.items() <= json.loads(mark.read_text()).items():
            continue
        try:
            generate_voc(root, workers=workers, **wanted)
        except (ValueError, OSError) as error:
            raise StudyError(study, key, f'{error}; or give another `root`') from error


def _synthetic(data: Mapping[str, Any]) -> dict[str, Any]:
    described = data.get('synthetic', [])
    if not isinstance(described, list):
        return {'data.synthetic': described}
    return {f'data.synthetic.{i}': one for i, one in enumerate(as_list(described))}
