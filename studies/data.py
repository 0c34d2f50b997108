"""The images that a study wants to be drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from .schema import StudyError


def draw_data(data: Mapping[str, Any], study: Path, workers: int) -> None:
    """Draw each synthetic VOC that is not there.

    Raises:
        StudyError: If one cannot be drawn, or other data lie there.
    """
    from synthetic_voc import LOOK, generate_voc

    described = data.get('synthetic', [])
    several = isinstance(described, list)
    for i, arguments in enumerate(described if several else [described]):
        key = f'data.synthetic.{i}' if several else 'data.synthetic'
        root = Path(arguments['root'])
        mark = root / 'VOCdevkit' / 'synthetic_voc.json'
        wanted = {name: value for name, value in arguments.items() if name != 'root'}
        marked = {**wanted, 'look': LOOK}
        if (
            mark.is_file()
            and marked.items() <= json.loads(mark.read_text(encoding='utf-8')).items()
        ):
            continue
        try:
            generate_voc(root, workers=workers, **wanted)
        except (ValueError, OSError) as error:
            raise StudyError(study, key, f'{error}; or give another `root`') from error
