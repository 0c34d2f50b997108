"""A study from its file to its report."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Sequence

from rich.console import Console

from .burn_in import share_burn_ins
from .cell_run import CellRun
from .commands import Launch, train_command
from .data import prepare_data
from .progress import ProgressTable
from .provenance import provenance
from .report import write_report
from .scheduler import Scheduler, folder_lock
from .schema import StudyError
from .study import Cell, Study, read_study
from .training import Training


class Options(NamedTuple):
    """How to run a study; what its results depend on stands in the study itself.

    Attributes:
        work_dir: Of all studies: each has a folder in it, and ``cells`` is shared.
        jobs: Cells side by side.
        threads: Cores for each cell, loader workers included.
        partition: Of SLURM; None runs here.
        gpus: For each cell, on SLURM.
        srun_args: More for srun.
        dry_run: List the cells only.
        report_only: Write the report of what is there only.
        report_dir: Gets the reports; default: ``work_dir``.
    """

    work_dir: Path = Path('work_dirs/studies')
    jobs: int = 1
    threads: int = 1
    partition: str | None = None
    gpus: int = 1
    srun_args: str = ''
    dry_run: bool = False
    report_only: bool = False
    report_dir: Path | None = None


def run_study(path: Path, options: Options, console: Console) -> int:
    """Run what is left of a study, and write its report.

    Returns:
        int: 0 if every cell is finished, else 1.

    Raises:
        StudyError: If the study cannot be run as it is written.
    """
    study = read_study(path)
    root = options.work_dir.absolute()
    launch = Launch(options.threads, options.partition, options.gpus, options.srun_args)
    cells = prepare_cells(path, study, root / 'cells', launch)
    burn_ins = share_burn_ins(cells, root / 'cells')
    if options.dry_run:
        list_cells([*burn_ins, *cells], console)
        return 0
    if not options.report_only:
        with folder_lock(root / 'cells'):
            prepare_data(study.data, path, options.jobs * options.threads)
        run_cells(cells, burn_ins, options, console)
    folder = (options.report_dir or root) / study.name
    command = f'python tools/ablate.py {path} --jobs {options.jobs}'
    report = write_report(study, cells, folder, command)
    failed = [cell for cell in cells if cell.state == 'failed']
    for cell in failed:
        console.print(f'\nFailed: {cell.title}', style='red', markup=False)
        console.print(cell.failure, markup=False)
    done = sum(cell.finished for cell in cells)
    console.print(f'{done} of {len(cells)} cells finished, {len(failed)} failed.')
    console.print(f'{report}\n{report.with_name("results.csv")}')
    return 0 if done == len(cells) else 1


def prepare_cells(
    path: Path, study: Study, root: Path, launch: Launch
) -> list[CellRun]:
    """Build every cell's config before the first one starts.

    Raises:
        StudyError: If one of them cannot be, or two of them are the same.
    """
    origin = provenance()
    cells: dict[str, CellRun] = {}
    for cell in study.cells():
        try:
            run = CellRun(cell, study, root, launch, origin)
            launch.environment(run.cfg.train_dataloader.get('num_workers', 0))
        except Exception as error:  # a config may raise anything
            name = f'cell {describe(cell)}'
            raise StudyError(path, name, f'{error}') from error
        if run.hash in cells:
            raise StudyError(
                path,
                f'cell {run.title}',
                f'is the same run as {cells[run.hash].title}; `exclude` one of them, '
                'or let the axis change something',
            )
        cells[run.hash] = run
    return list(cells.values())


def describe(cell: Cell) -> str:
    """A cell by its labels."""
    return ' '.join(f'{axis}={label}' for axis, label in cell.labels.items())


def run_cells(
    cells: list[CellRun], burn_ins: list[Training], options: Options, console: Console
) -> None:
    """Run what is not finished, with progress; first what cells have in common."""
    left = [cell for cell in cells if cell.state != 'done']
    if not left:
        return
    console.print(
        f'{len(left)} of {len(cells)} cells to run, {options.jobs} side by side, '
        f'{options.threads} threads each'
    )
    with ProgressTable([*burn_ins, *cells], options.jobs, console) as table:
        scheduler = Scheduler(options.jobs)
        scheduler.run([run for run in burn_ins if not run.finished], table.tick)
        for cell in left:
            if cell.burn_in is not None and not cell.burn_in.finished:
                cell.fail(f'Its {cell.burn_in.title} failed: {cell.burn_in.failure}')
        scheduler.run([cell for cell in left if cell.state != 'failed'], table.tick)


def list_cells(cells: Sequence[Training], console: Console) -> None:
    """Print each cell, or shared burn-in, and the command of its training."""
    for cell in cells:
        command = train_command(cell.folder / 'config.py', cell.train_dir, cell.launch)
        console.print(f'{cell.state:8} {cell.title}', markup=False)
        console.print(f'         {" ".join(command[2:])}', style='dim', markup=False)
    done = sum(cell.state == 'done' for cell in cells)
    console.print(f'{len(cells)} trainings, {done} finished')
