"""Ask finished runs of a study about blends of their test images.

Writes why.csv and why.png. Runs that differ in nothing but the seed become one line
with a band.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from .blends import TrainedRun
from .figure import draw
from .summary import labels, summarise


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog='python -m studies.why', description=__doc__)
    parser.add_argument('runs', nargs='+', type=Path, help='folders of finished runs')
    parser.add_argument('--out', type=Path, required=True, help='gets both files')
    parser.add_argument('--images', type=int, help='the first ones only (default: all)')
    parser.add_argument('--device', default='cpu', help='default: cpu')
    return parser.parse_args()


def main() -> None:
    """Ask all runs."""
    args = parse_args()
    try:
        runs = [TrainedRun(folder) for folder in args.runs]
    except FileNotFoundError as error:
        sys.exit(f'error: {error}')
    tables = []
    for run, label in zip(runs, labels([run.traits for run in runs])):
        answers = []
        with tqdm(desc=label, unit='image') as bar:
            for answer in run.ask(args.images, args.device):
                answers.append(answer)
                bar.update(answer.images)
        facts = dict(
            run=run.name,
            label=label,
            seed=run.traits['seed'],
            checkpoint=run.checkpoint.name,
            images=sum(answer.images for answer in answers),
        )
        tables.append(summarise(answers).assign(**facts))
    table = pd.concat(tables)
    table = table[[*facts, *(name for name in table if name not in facts)]]
    args.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out / 'why.csv', index=False, float_format='%.4f')
    draw(table).savefig(args.out / 'why.png')
    print(f'{args.out / "why.csv"}\n{args.out / "why.png"}')


if __name__ == '__main__':
    main()
