"""Run a study: every cell of a grid as `mim train` and `mim test`, then a report.

Stop it as you like; the same command goes on: finished cells are not run again, a
half-finished one resumes, a failed one is tried again. docs/studies.md says more.

Examples:
    python tools/ablate.py studies/grids/alpha_quick.yml --jobs 4
    python tools/ablate.py studies/grids/alpha_full.yml --jobs 8 --slurm PARTITION
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 if every cell is finished."""
    args = parse_args(argv)
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated')  # in mmengine
    logging.getLogger('mmengine').setLevel(logging.ERROR)
    from studies import StudyError
    from studies.run import Options, run_study

    options = Options(
        work_dir=args.work_dir,
        jobs=args.jobs,
        threads=args.threads,
        partition=args.slurm,
        gpus=args.gpus,
        srun_args=args.srun_args,
        dry_run=args.dry_run,
        report_only=args.report,
        report_dir=args.report_dir,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return max([run_study(study, options, console) for study in args.study])
    except (StudyError, RuntimeError) as error:
        console.print(f'error: {error}', style='red', markup=False)
        return 2
    except KeyboardInterrupt:
        console.print('\nInterrupted; the same command goes on from here.')
        return 130


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'study', type=Path, nargs='+', help='files of studies/, or your own'
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/studies'),
        help='gets a folder for each study, and the cells that they share',
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='cells side by side; default: 1'
    )
    parser.add_argument(
        '--threads',
        type=int,
        help='cores for each cell, loader workers included; default: an equal share',
    )
    parser.add_argument('--slurm', metavar='PARTITION', help='hand cells to SLURM')
    parser.add_argument('--gpus', type=int, default=1, help='a cell, on SLURM')
    parser.add_argument('--srun-args', default='', help='more for srun, in one string')
    parser.add_argument(
        '--dry-run', action='store_true', help='list the cells and what is left to do'
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
    args = parser.parse_args(argv)
    for name in ('jobs', 'threads', 'gpus'):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f'expected --{name} from 1, but got {value}')
    if args.threads is None:
        cores = len(os.sched_getaffinity(0))
        args.threads = max(1, cores // args.jobs)
    return args


if __name__ == '__main__':
    sys.exit(main())
