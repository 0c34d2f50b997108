"""Ablation studies: a grid of ordinary mim runs, one table, one report.

``tools/ablate.py`` is the command; docs/studies.md describes the study files.
"""

from .schema import StudyError
from .study import Cell, Study, read_study

__all__ = ['Cell', 'Study', 'StudyError', 'read_study']
