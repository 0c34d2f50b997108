"""The generated data that a study asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from .schema import StudyError

ARGUMENTS = ('root', 'train', 'test', 'size', 'seed', 'classes')


def prepare_data(data: Mapping[str, Any], study: Path, workers: int) -> None:
    """Draw the synthetic VOC that a study's ``data.synthetic`` describes, if missing.

    Raises:
        StudyError: If the study does not describe it well, or other data lie there.
    """
    unknown = set(data) - {'synthetic'}
    if unknown:
        raise StudyError(study, f'data.{unknown.pop()}', 'expected `synthetic` only')
    arguments = data.get('synthetic')
    if arguments is None:
        return
    if set(arguments) - set(ARGUMENTS) or 'root' not in arguments:
        raise StudyError(
            study,
            'data.synthetic',
            f'expected `root` and of {", ".join(ARGUMENTS[1:])} what differs from '
            f'tools/make_synthetic_voc.py, but got {", ".join(arguments)}',
        )
    from mmdet_lossmix.datasets.synthetic import generate_voc

    root = Path(arguments['root'])
    mark = root / 'VOCdevkit' / 'synthetic_voc.json'
    wanted = {key: value for key, value in arguments.items() if key != 'root'}
    if mark.is_file() and wanted.items() <= json.loads(mark.read_text()).items():
        return
    try:
        generate_voc(root, workers=workers, **wanted)
    except (ValueError, OSError) as error:
        raise StudyError(
            study, 'data.synthetic', f'{error}; or give another `root`'
        ) from error
