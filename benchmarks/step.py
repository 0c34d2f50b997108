"""Measure what a training step with LossMix costs, beside the plain detector's.

A step is mixing on the device, losses, backward and optimizer. All variants of a
detector take turns in one process, so a drift of the machine meets all of them alike.
Ratios are taken within a round. The command writes a page with tables, and a plot.

Example:
    python -m benchmarks.step --threads 2
    python -m benchmarks.step mask_rcnn cascade_rcnn --out work_dirs/two_stages
    python -m benchmarks.step --depth 101 --images 16 --amp float16  # on a GPU
"""

import argparse
import platform
import sys
import warnings
from pathlib import Path
from typing import Dict, List

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

import mmdet_lossmix  # noqa: F401  registers the wrapper
from benchmarks.arguments import parse, step_parser
from benchmarks.measure import count_operators, peak_memory, step_times
from benchmarks.step_variants import LOSSMIX, PLAIN, make_steps
from tests.helpers import ROOT

mpl.use('Agg')
from matplotlib import pyplot as plt

GROWTH = (PLAIN, *LOSSMIX)
OUT = ROOT / 'work_dirs/benchmark'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = step_parser(__doc__, size=(480, 640))
    parser.add_argument('--images', type=int, default=2, help='of a batch (default: 2)')
    parser.add_argument('--rounds', type=int, default=9, help='(default: 9)')
    parser.add_argument(
        '--batches',
        type=int,
        nargs='*',
        default=(2, 4, 8, 16),
        help='sizes of which to show the growth, at half the side (default: 2 4 8 16)',
    )
    parser.add_argument('--growth-rounds', type=int, default=3, help='(default: 3)')
    parser.add_argument('--out', type=Path, default=OUT, help='(work_dirs/benchmark)')
    return parse(parser)


def measure(name: str, args: argparse.Namespace) -> List[dict]:
    """All variants at one batch: a row each."""
    steps = make_steps(name, args.images, args.size, args.depth, args.amp)
    with tqdm(total=len(steps) * (args.rounds + 1), desc=name) as progress:
        times = step_times(steps, args.rounds, progress.update)
    memory = {variant: peak_memory(step) for variant, step in steps.items()}
    counts = {variant: count_operators(step) for variant, step in steps.items()}
    return [
        {
            'detector': name,
            'variant': variant,
            **ratio_to_plain(times, variant),
            'memory': memory[variant] / memory[PLAIN],
            'MiB': memory[variant] / 2**20,
            'operators': counts[variant].operators / counts[PLAIN].operators,
            'waits': counts[variant].waits,
        }
        for variant in steps
    ]


def measure_growth(name: str, args: argparse.Namespace) -> List[dict]:
    """Plain and LossMix at growing batches of images of half the side."""
    rows = []
    for batch_size in args.batches:
        size = [side // 2 for side in args.size]
        steps = make_steps(name, batch_size, size, args.depth, args.amp)
        steps = {variant: steps[variant] for variant in GROWTH}
        total = len(steps) * (args.growth_rounds + 1)
        with tqdm(total=total, desc=f'{name}, batch {batch_size}') as progress:
            times = step_times(steps, args.growth_rounds, progress.update)
        rows += [
            {
                'detector': name,
                'batch': batch_size,
                'variant': variant,
                **ratio_to_plain(times, variant),
            }
            for variant in steps
        ]
    return rows


def ratio_to_plain(times: Dict[str, List[float]], variant: str) -> dict:
    """Median seconds, and the median and quartiles of the rounds' ratios."""
    ratios = np.divide(times[variant], times[PLAIN])
    low, high = np.percentile(ratios, [25, 75])
    return {
        'seconds': np.median(times[variant]),
        'time': np.median(ratios),
        'low': low,
        'high': high,
    }


def draw(table: pd.DataFrame, growth: pd.DataFrame, path: Path) -> None:
    """Bars of the ratios with quartiles, and the growth with the batch."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.2), width_ratios=(3, 2))
    detectors = list(dict.fromkeys(table.detector))
    variants = [v for v in dict.fromkeys(table.variant) if v != PLAIN]
    colours = dict(zip(variants, mpl.color_sequences['tab10']))
    width = 0.85 / len(variants)
    for i, variant in enumerate(variants):
        rows = table[table.variant == variant]
        x = [
            detectors.index(d) + (i - (len(variants) - 1) / 2) * width
            for d in rows.detector
        ]
        spread = [rows.time - rows.low, rows.high - rows.time]
        colour = colours[variant]
        axes[0].bar(x, rows.time, width, yerr=spread, color=colour, label=variant)
    axes[0].set_xticks(range(len(detectors)), detectors)
    axes[0].set_title('one batch', loc='left')
    styles = ('-', '--', ':', '-.', (0, (1, 3)))
    for detector, style in zip(detectors, styles):
        for variant in LOSSMIX:
            rows = growth[(growth.detector == detector) & (growth.variant == variant)]
            axes[1].plot(rows.batch, rows.time, 'o', ls=style, color=colours[variant])
        axes[1].plot([], [], ls=style, color='grey', label=detector)
    axes[1].set_xscale('log', base=2)
    axes[1].set_xticks(sorted(set(growth.batch)), sorted(set(growth.batch)))
    axes[1].set_title('growth with the batch, images of half the side', loc='left')
    axes[1].set_xlabel('images')
    axes[1].set_ylim(axes[0].get_ylim())
    for ax in axes:
        ax.axhline(1, color='black', linewidth=0.8)
        ax.set_ylabel('time of a step / plain')
        ax.spines[['top', 'right']].set_visible(False)
        spot = dict(loc='upper center', bbox_to_anchor=(0.5, -0.12), ncols=3)
        ax.legend(frameon=False, fontsize=8, **spot)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def page(table: pd.DataFrame, growth: pd.DataFrame, args: argparse.Namespace) -> str:
    """The page with both tables."""
    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f'a CPU ({platform.machine()}), {args.threads} threads'
    )
    command = ' '.join(['.venv/bin/python -m benchmarks.step', *sys.argv[1:]])
    lines = [
        '# What a step costs',
        '',
        'Written by',
        '',
        f'    {command}',
        '',
        f'on {device}, torch {torch.__version__}, {args.amp or "float32"}. A step is',
        f"mixing on the device, losses, backward and optimizer, of mmdet's ResNet-"
        f'{args.depth} detectors on random',
        'images with seven objects each. The variants take turns; a ratio is taken',
        'within a round, and shown are the median and the quartiles over the rounds.',
        'Memory is the peak of what a step allocates for tensors. Operators are those',
        'that torch dispatches; waits are those of them that wait for a device.',
        '',
        '![Time of a step in plain steps](images/benchmark.png)',
        '',
        f'## A batch of {args.images}, {args.size[0]} x {args.size[1]}, '
        f'{args.rounds} rounds',
        '',
        to_markdown(table),
        '',
        f'## Growth with the batch, {args.size[0] // 2} x {args.size[1] // 2}, '
        f'{args.growth_rounds} rounds',
        '',
        to_markdown(growth[growth.variant != PLAIN]),
    ]
    return '\n'.join(lines) + '\n'


def to_markdown(table: pd.DataFrame) -> str:
    """A table of the page."""
    table = table.assign(
        seconds=table.seconds.map('{:.2f}'.format),
        time=table.time.map('**{:.2f}**'.format),
        low=table.low.map('{:.2f} - '.format) + table.high.map('{:.2f}'.format),
    )
    if 'memory' in table:
        table['memory'] = table.memory.map('{:.2f}'.format)
        table['memory'] += table.MiB.map(' ({:.0f} MiB)'.format)
        table['operators'] = table.operators.map('{:.2f}'.format)
    table = table.drop(columns=['high', 'MiB'], errors='ignore')
    names = {'time': 'time / plain', 'low': 'quartiles', 'memory': 'memory / plain'}
    names['operators'] = 'operators / plain'
    names['batch'] = 'images'
    text = table.rename(columns=names)
    return text.to_markdown(index=False, tablefmt='github', disable_numparse=True)


def main() -> None:
    """Measure, and write after each detector."""
    args = parse_args()
    warnings.simplefilter('ignore')
    (args.out / 'images').mkdir(parents=True, exist_ok=True)
    rows, growth = [], []
    for name in args.detectors:
        rows += measure(name, args)
        growth += measure_growth(name, args)
        tables = pd.DataFrame(rows), pd.DataFrame(growth)
        draw(*tables, args.out / 'images/benchmark.png')
        (args.out / 'benchmark.md').write_text(page(*tables, args), encoding='utf-8')
        print(tables[0].round(2).to_string(index=False))
    print(tables[1].round(2).to_string(index=False))
    print(f'Written: {args.out}/benchmark.md, {args.out}/images/benchmark.png')


if __name__ == '__main__':
    main()
