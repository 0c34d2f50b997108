"""Ablation studies: a grid of ordinary mim runs, one table, one report.

``tools/ablate.py`` is the command; docs/studies.md describes the study files.
"""
