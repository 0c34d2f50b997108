"""Survey LossMix over the architectures that mmdet ships, and write a table.

Each architecture is built small from its shipped config, in a process of its own, and
LossMixDetector is compared with the naive way: two complete passes of the plain
detector, interpolated by hand. Rows of architectures that are not surveyed this time
stay as they are.
"""

import argparse
import multiprocessing
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Dict, List

import torch
from tqdm import tqdm

import mmdet_lossmix  # noqa: F401  registers the wrapper
from benchmarks.architectures import ARCHITECTURES
from benchmarks.exactness import (
    EXACT,
    INEXACT,
    REFUSED,
    UNFINISHED,
    UNTRAINABLE,
    Finding,
    survey,
)
from tests.helpers import ROOT

VERDICTS = (EXACT, INEXACT, UNTRAINABLE, REFUSED, UNFINISHED)
HEAD = """# Every architecture of mmdet under LossMix

This command has written the page:

    .venv/bin/python -m benchmarks.survey

The command builds each architecture small from its shipped config: a thin ResNet, few
queries, images of 128 pixels, random weights. It compares `LossMixDetector` with the
naive way. The naive way makes two complete passes of the plain detector over the same
mixed batch, with the same random state, and interpolates the losses. The losses and the
gradients of all parameters are compared.
PAA and LAD need `pip install -c requirements/constraints.txt scikit-learn` first.

- *loss*, *gradient*: the largest difference, for `batch` / `image` weighting. It is
  relative to the largest value of the same tensor. RoIs are sampled per target, as in
  the naive way.
- *works exactly*: differences are below 1e-6 in float64, or below 1e-3 if an
  architecture runs in float32 only. (Some losses of mmdet are computed in float32 in
  any case.) A gradient that consists of rounding alone counts in units of 1e-8 of the
  largest one. The key bias of an attention has such a gradient.
- *both targets see the same dropout*: a shared stage draws random numbers once. The
  naive way draws again in its second pass. Here, the second pass gets the random
  numbers of the first.
- *runs again*: the parts that compute more often than in one plain step of `'batch'`,
  and how often. All other parts run once for both targets.
- *time*: of a step, roughly, in plain steps. Two complete passes would be 2.

"""
COLUMNS = '| architecture | verdict | loss | gradient | runs again | time |\n'
RULE = '|---|---|---|---|---|---|\n'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'names', nargs='*', metavar='NAME', help='architectures (default: all)'
    )
    parser.add_argument('--list', action='store_true', help='list the names, and stop')
    parser.add_argument(
        '--out',
        type=Path,
        default=ROOT / 'docs/survey.md',
        help='(default: %(default)s)',
    )
    parser.add_argument(
        '--timeout', type=float, default=300, help='seconds for each (default: 300)'
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='processes side by side (default: 1)'
    )
    args = parser.parse_args()
    unknown = set(args.names) - set(ARCHITECTURES)
    if unknown:
        parser.error(f'unknown: {", ".join(sorted(unknown))}; see --list')
    return args


def survey_alone(name: str, timeout: float) -> Finding:
    """Survey in a process of its own, so that no crash or hang reaches the others."""
    fork = multiprocessing.get_context('fork')
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_send_finding, args=(name, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout):
            return Finding(UNFINISHED, f'nothing came out in {timeout:.0f} s')
        return receiver.recv()
    except EOFError:
        process.join()
        return Finding(UNFINISHED, f'it ended with code {process.exitcode}')
    finally:
        process.kill()
        process.join()


def _send_finding(name: str, sender: Connection) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter('ignore')
    sender.send(survey(name))


def row(name: str, finding: Finding) -> str:
    """A line of the table."""
    path = ARCHITECTURES[name].config
    verdict = f'**{finding.verdict}**' if finding.verdict != EXACT else finding.verdict
    if finding.reason:
        verdict += f': {finding.reason}'
    if finding.precision == 'float32':
        verdict += ' (float32)'
    again = ', '.join(f'{stage} x{n:.3g}' for stage, n in finding.again.items())
    cells = [
        f'{name} `{path.split("/")[0]}`',
        verdict.replace('|', '/'),
        ' / '.join(f'{x:.0e}' for x in finding.losses),
        ' / '.join(f'{x:.0e}' for x in finding.gradients),
        again or ('nothing' if finding.losses else ''),
        f'{finding.time_ratio:.1f}' if finding.time_ratio else '',
    ]
    return f'| {" | ".join(cells)} |'


def read_rows(path: Path) -> Dict[str, str]:
    """The rows of an earlier survey, by name."""
    lines = path.read_text(encoding='utf-8').splitlines() if path.exists() else []
    rows = [line for line in lines if line.startswith('| ') and '`' in line]
    return {line[2:].split(' `')[0]: line for line in rows}


def write(path: Path, rows: Dict[str, str]) -> None:
    """Write the table in the order of :data:`ARCHITECTURES`."""
    lines = [rows[name] for name in ARCHITECTURES if name in rows]
    counts = [
        f'{sum(verdict in line.split(" | ")[1] for line in lines)} {verdict}'
        for verdict in VERDICTS
    ]
    summary = f'{len(lines)} architectures: {"; ".join(counts)}.\n\n'
    path.write_text(
        HEAD + summary + COLUMNS + RULE + '\n'.join(lines) + '\n', encoding='utf-8'
    )


def main() -> None:
    """Survey, showing what comes out, and write the table after each architecture."""
    args = parse_args()
    names: List[str] = args.names or list(ARCHITECTURES)
    if args.list:
        print('\n'.join(ARCHITECTURES))
        return
    rows = read_rows(args.out)
    progress = tqdm(total=len(names), unit='architecture', file=sys.stderr)
    with ThreadPoolExecutor(args.jobs) as pool:
        findings = {
            pool.submit(survey_alone, name, args.timeout): name for name in names
        }
        for future in as_completed(findings):
            name = findings[future]
            rows[name] = row(name, future.result())
            progress.write(rows[name])
            progress.update()
            write(args.out, rows)


if __name__ == '__main__':
    main()
