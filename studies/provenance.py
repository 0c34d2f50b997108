"""Which code a result comes from."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import mmdet_lossmix

DISTRIBUTIONS = {
    'torch': ('torch',),
    'mmengine': ('mmengine', 'onedl-mmengine'),
    'mmcv': ('mmcv', 'onedl-mmcv'),
    'mmdet': ('mmdet', 'onedl-mmdetection'),
    'numpy': ('numpy',),
}


def provenance() -> dict[str, Any]:
    """Versions of what computes, and the project's git revision."""
    versions = {name: _version(names) for name, names in DISTRIBUTIONS.items()}
    return {
        'versions': {
            'python': platform.python_version(),
            'mmdet_lossmix': mmdet_lossmix.__version__,
            **versions,
        },
        'git_revision': git_revision(),
    }


def git_revision() -> str:
    """The commit of the project, with ``+`` if files differ; empty if unknown."""
    project = Path(mmdet_lossmix.__file__).resolve().parents[1]
    if not (project / '.git').exists():
        return ''
    commit = _git(project, 'rev-parse', '--short=10', 'HEAD')
    changed = _git(project, 'status', '--porcelain', '--untracked-files=no')
    return commit + ('+' if changed else '')


def _git(project: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ['git', *arguments], cwd=project, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ''
    return done.stdout.strip()


def _version(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ''
