"""Which code a result comes from."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import mmdet_lossmix

IMPORTED = ('torch', 'mmengine', 'mmcv', 'mmdet', 'numpy')  # whoever distributes them


def provenance() -> dict[str, Any]:
    """Versions of what computes, and the project's git revision."""
    distributions = packages_distributions()
    versions = {name: version(distributions[name][0]) for name in IMPORTED}
    ours = {
        'python': platform.python_version(),
        'mmdet_lossmix': mmdet_lossmix.__version__,
    }
    return {'versions': {**ours, **versions}, 'git_revision': git_revision()}


def git_revision() -> str:
    """The commit of the project, with ``+`` if files differ; empty if unknown."""
    project = Path(mmdet_lossmix.__file__).resolve().parents[1]
    if not (project / '.git').exists():
        return ''
    command = [
        'git',
        'describe',
        '--always',
        '--abbrev=10',
        '--exclude',
        '*',
        '--dirty=+',
    ]
    done = subprocess.run(command, cwd=project, capture_output=True, encoding='utf-8')
    return done.stdout.strip()
