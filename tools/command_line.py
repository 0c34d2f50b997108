"""What commands have in common: reading their config, and naming what is missing."""

from __future__ import annotations

import os.path as osp
import sys
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Mapping

from mmengine.config import Config


def any_letters() -> None:
    """Print names with letters that the locale lacks, with these as escapes."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')


def read_config(path: Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config, with the overrides of ``--cfg-options``.

    Raises:
        SystemExit: If it is not there or is no config. The text has the remedy.
    """
    if not path.is_file():
        sys.exit(
            'error: name a config file (`lossmix configs` lists the shipped ones): '
            f'there is no {path}{similar(str(path))}'
        )
    try:
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(dict(options or {}))
    # What mmengine raises has no class in common: a typo may be of any kind.
    except Exception as error:
        sys.exit(f'error: mend {path}: {type(error).__name__}: {error}')
    return cfg


def similar(path: str) -> str:
    """Where a path that is missing ends, and what is there instead."""
    there = Path(path)
    while there != there.parent and not there.parent.is_dir():
        there = there.parent
    if not there.parent.is_dir():
        return ''
    names = [child.name for child in there.parent.iterdir()]
    same = [name for name in names if name.lower() == there.name.lower()]
    close = same or get_close_matches(there.name, names, n=1)
    hint = f', is it {osp.join(there.parent, close[0])}?' if close else ''
    return hint if there == Path(path) else f' (no {there}{hint})'
