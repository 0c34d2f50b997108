"""Results of runs that were done elsewhere, or earlier, and whose folders are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import pandas as pd

from .run_folder import CLEAN, RunFolder


def take_known(folders: Sequence[RunFolder], tables: Sequence[Path]) -> None:
    """Give rows of ``results.csv`` files to the runs that they are of.

    A run is known by its name, which has a hash of its config. A run that is finished
    on disk needs no rows; of several tables the first that has a run counts.

    Args:
        folders: Of all runs of a study.
        tables: Files that :func:`studies.report.write_report` has written.

    Raises:
        FileNotFoundError: If a table is not there.
    """
    for path in tables:
        # Words such as "None" may be labels; only an empty field is no value.
        table = pd.read_csv(path, na_values=[''], keep_default_na=False)
        rows = {str(name): part for name, part in table.groupby('run', sort=False)}
        for folder in folders:
            if not folder.finished and _whole(rows.get(folder.name), folder):
                folder.known = _records(rows[folder.name])


def _whole(rows: pd.DataFrame | None, folder: RunFolder) -> bool:
    """Whether rows have the final test, on all the images that are asked for."""
    if rows is None:
        return False
    corrupted = [
        f'AP_corrupted/{name.rpartition("-")[0]}'
        for name in folder.tests
        if name != CLEAN
    ]
    tests = rows[rows['split'] == 'test'].reindex(columns=['AP', *corrupted])
    return len(tests) > 0 and bool(tests.notna().all(axis=None))


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows without what another study has left empty."""
    return [row.dropna().to_dict() for _, row in rows.iterrows()]
