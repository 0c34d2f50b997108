"""A study from its file to its report: checked here, run by Snakemake."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import NamedTuple, Sequence

import psutil
from rich.console import Console

from .burn_in import share_burn_ins
from .check import RunCheck, rate_note
from .data import draw_data
from .gpus import gpu_places
from .known import take_known
from .progress import Progress
from .provenance import provenance
from .report import write_report
from .run_folder import RunFolder, run_folder
from .schema import StudyError
from .study import Study, read_study

SNAKEFILE = Path(__file__).with_name('Snakefile')


class Options(NamedTuple):
    """How to run a study; what its results depend on stands in the study itself.

    Attributes:
        work_dir: Of all studies: each has a folder in it, and ``runs`` is shared.
        jobs: Runs side by side.
        threads: Cores of each, loader workers included.
        gpus: Of each; None takes one if there are any.
        dry_run: List the runs only.
        report_only: Write the report of what is there only.
        report_dir: Gets the reports; default: ``work_dir``.
        known: Tables with results of runs that were done elsewhere.
        snakemake: More arguments of Snakemake.
    """

    work_dir: Path = Path('work_dirs/studies')
    jobs: int = 1
    threads: int = 1
    gpus: int | None = None
    dry_run: bool = False
    report_only: bool = False
    report_dir: Path | None = None
    known: Sequence[Path] = ()
    snakemake: Sequence[str] = ()


def run_study(path: Path, options: Options, console: Console) -> int:
    """Run what is left of a study, and write its report.

    Returns:
        int: 0 if every run is finished, else 1.

    Raises:
        StudyError: If the study cannot be run as it is written.
    """
    study = read_study(path)
    root = options.work_dir.absolute()
    if not (options.dry_run or options.report_only):
        draw_data(study.data, path, options.jobs * options.threads)
    runs = plan(path, study, root / 'runs')
    take_known(runs, options.known)
    if not options.report_only:
        left = [run for run in unique(runs) if not run.finished]
        burn_ins = share_burn_ins(left, study.data)
        starts = unique([run.start for run in left if run.start is not None])
        if not options.dry_run:
            check_runs(path, [*starts, *left])
            for note in {rate_note(run.cfg, options.gpus or 1) for run in left}:
                console.print(note, end='', markup=False)
        for run in [*starts, *burn_ins, *left] if options.dry_run else ():
            console.print(f'left to run: {run.title}', markup=False)
        if options.dry_run:
            return 0
        execute(study, [*starts, *burn_ins, *left], options, console)
    folder = (options.report_dir or root) / study.name
    command = f'lossmix sweep {path} --jobs {options.jobs}'
    report = write_report(study, runs, folder, command)
    for run in unique(runs):
        if not run.finished and run.why_unfinished():
            console.print(f'\nNot finished: {run.title}', style='red', markup=False)
            console.print(run.why_unfinished(), markup=False)
    done = sum(run.finished for run in runs)
    console.print(f'{done} of {len(runs)} runs are finished.')
    console.print(f'{report}\n{report.with_name("results.csv")}')
    return 0 if done == len(runs) else 1


def plan(path: Path, study: Study, root: Path) -> list[RunFolder]:
    """The folder of each run, with its whole config.

    Runs that a setting does not tell apart, such as alpha without any mixing, are one.

    Raises:
        StudyError: If a config cannot be built, or an axis changes nothing.
    """
    origin = provenance()
    runs, names = [], {}
    for run in study.runs():
        try:
            runs.append(run_folder(run, study, root, origin))
        except Exception as error:  # a config may raise anything
            raise StudyError(path, '', f'run {run.title}: {error}') from error
        names[tuple(run.labels.items())] = runs[-1].name
    for axis, labels in study.axes.items():
        rest: dict[tuple, set] = {}
        for run_labels, name in names.items():
            others = tuple(item for item in run_labels if item[0] != axis)
            rest.setdefault(others, set()).add(name)
        if len(labels) > 1 and len(set(names.values())) == len(rest) < len(names):
            raise StudyError(
                path, f'axes.{axis}', 'changes nothing in any run; remove it'
            )
    return runs


def unique(runs: Sequence[RunFolder]) -> list[RunFolder]:
    """Each folder once."""
    return list({run.name: run for run in runs}.values())


def check_runs(path: Path, runs: Sequence[RunFolder]) -> None:
    """Build the parts of each run.

    Raises:
        StudyError: If something cannot be built.
    """
    check = RunCheck()
    for run in runs:
        try:
            run.iterations = check(run.cfg)
            for cfg in run.tests.values():
                check(cfg)
        except Exception as error:
            raise StudyError(path, '', f'run {run.title}: {error}') from error


def execute(
    study: Study, runs: Sequence[RunFolder], options: Options, console: Console
) -> None:
    """Let Snakemake run what is left, with progress.

    Raises:
        KeyboardInterrupt: After all that was running has been ended.
    """
    from snakemake.cli import main as snakemake

    root = options.work_dir.absolute()
    listed = root / study.name / 'runs.json'
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(
        json.dumps(workflow_config(runs, options), indent=1), encoding='utf-8'
    )
    for run in runs:
        run.write()
    arguments = [
        *('--snakefile', str(SNAKEFILE), '--configfile', str(listed)),
        *('--directory', str(root)),
        *(
            ('--jobs', str(options.jobs))  # submitted at a time
            if elsewhere(options)
            else ('--cores', str(options.jobs * options.threads))
        ),
        # A failed run does not stop the rest. Folders have locks of their own, which
        # end with whoever holds them, and outputs are whole or not there; Snakemake's
        # locks and marks of incomplete outputs would stay after a kill.
        *('--keep-going', '--nolock', '--ignore-incomplete'),
        *('--rerun-triggers', 'mtime', '--scheduler', 'greedy'),
        *('--quiet', 'all'),
        *options.snakemake,
    ]
    if not runs:
        return
    interrupted = []

    def end_all(number: int, frame: object) -> None:
        """End all that was started, whoever got the signal."""
        interrupted.append(number)
        for child in psutil.Process().children(recursive=True):
            child.terminate()
        raise KeyboardInterrupt

    # Snakemake leaves its own for SIGTERM, by which what is forked later would not end.
    before = {x: signal.getsignal(x) for x in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, end_all)
    try:
        with Progress(runs, console):
            snakemake(arguments)
    except SystemExit:  # what has failed is told by the folders
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:
        raise KeyboardInterrupt


def elsewhere(options: Options) -> bool:
    """Whether runs are handed to a cluster, which assigns GPUs by itself."""
    return any(word.split('=')[0] in ('--executor', '-e') for word in options.snakemake)


def workflow_config(runs: Sequence[RunFolder], options: Options) -> dict:
    """What studies/Snakefile reads."""
    places = [] if elsewhere(options) else gpu_places(options.jobs, options.gpus)
    return {
        'work_dir': str(options.work_dir.absolute()),
        'cwd': str(Path.cwd()),
        'threads': options.threads,
        'gpus': int(bool(places)) if options.gpus is None else options.gpus,
        'places': places,
        'runs': {
            run.name: {
                'title': run.title,
                'tests': list(run.tests),
                'burn_in': run.burn_in and run.burn_in.name,
                'start': run.start and run.start.name,
                'workers': run.cfg.train_dataloader.get('num_workers', 0),
            }
            for run in runs
        },
    }
