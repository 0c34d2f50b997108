r"""Run a study: every run of a grid as `mim train` and `mim test`, then a report.

Stop it as you like; the same command goes on. Finished runs are not run again, a
half-finished one resumes, and a failed one is tried again. Snakemake runs them, and
gets the options that are not listed here. docs/studies.md says more.

Examples:
    lossmix sweep studies/grids/alpha_quick.yml --jobs 4
    lossmix sweep MINE.yml --jobs 8 --executor slurm \
        --default-resources slurm_partition=gpu runtime=600
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from pathlib import Path

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 if every run is finished."""
    args, snakemake = parse_args(argv)
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated')  # in mmengine
    logging.getLogger('mmengine').setLevel(logging.ERROR)
    try:
        from studies.schema import StudyError
        from studies.workflow import Options, run_study
    except ModuleNotFoundError as error:
        sys.exit(f"error: run `pip install -e '.[studies]'` in the clone: {error}.")

    options = Options(
        work_dir=args.work_dir,
        jobs=args.jobs,
        threads=args.threads,
        gpus=args.gpus,
        dry_run=args.dry_run,
        report_only=args.report,
        report_dir=args.report_dir,
        known=args.known,
        snakemake=snakemake,
    )
    try:
        return max([run_study(study, options, console) for study in args.study])
    except (StudyError, RuntimeError, FileNotFoundError) as error:
        console.print(f'error: {error}', style='red', markup=False)
        return 2
    except KeyboardInterrupt:
        console.print('\nInterrupted; the same command goes on from here.')
        return 130


def parse_args(argv: list[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: our options, and those of Snakemake."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        'study', type=Path, nargs='+', help='files of studies/grids, or your own'
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/studies'),
        help='gets a folder for each study, and the runs that they share',
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='runs side by side; default: 1'
    )
    parser.add_argument(
        '--threads',
        type=int,
        help='cores of a run, loader workers included; default: an equal share',
    )
    parser.add_argument(
        '--gpus',
        type=int,
        help='GPUs of a run; default: one, if there are any. Runs side by side are '
        'spread over all of CUDA_VISIBLE_DEVICES',
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='list the runs and what is left to do'
    )
    parser.add_argument(
        '--report', action='store_true', help='only write the report of what is there'
    )
    parser.add_argument(
        '--report-dir',
        type=Path,
        help='gets a folder with report, table and plots for each study; default: '
        '--work-dir',
    )
    parser.add_argument(
        '--known',
        type=Path,
        nargs='+',
        default=[],
        metavar='CSV',
        help='results.csv of an earlier call or another machine: runs in it are not '
        'run again, and stand in the report',
    )
    args, snakemake = parser.parse_known_args(argv)
    for name, least in (('jobs', 1), ('threads', 1), ('gpus', 0)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f'expected --{name} from {least}, but got {value}')
    if args.threads is None:
        cores = len(os.sched_getaffinity(0))
        args.threads = max(1, cores // args.jobs)
    return args, snakemake


if __name__ == '__main__':
    sys.exit(main())
