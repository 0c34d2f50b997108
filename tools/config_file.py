"""Reads the config file that a command is given, or ends with what to do."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Mapping

from mmengine.config import Config


def read_config(path: Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config, with the overrides of ``--cfg-options``.

    Raises:
        SystemExit: If it is not there or is no config. The text has the remedy.
    """
    if isinstance(sys.stdout, TextIOWrapper):  # of a locale that may lack letters
        sys.stdout.reconfigure(errors='backslashreplace')
    if not path.is_file():
        beside = [str(file) for file in path.parent.glob('*.py')]
        close = get_close_matches(str(path), beside, 1)
        sys.exit(
            'error: name a config file (`lossmix configs` lists the shipped ones): '
            f'there is no {path}' + (f', is it {close[0]}?' if close else '')
        )
    try:
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(dict(options or {}))
    # What mmengine raises has no class in common: a typo may be of any kind.
    except Exception as error:
        sys.exit(f'error: mend {path}: {type(error).__name__}: {error}')
    return cfg
