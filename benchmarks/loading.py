"""Measure what mixing costs the loading of data, as ratios to plain loading.

Every way to mix runs through a real data loader with persistent workers, on the data of
a training config. By default these are generated images as large as VOC's. All loaders
live at the same time. One at a time runs an epoch, in a new random order in every
round. A ratio compares an epoch with that of plain loading in the same round. There are
two pipelines: the config's own, and a short one that neither resizes nor flips.

The command writes loading.md, .csv and .png.

Example:
    python -m benchmarks.loading
    python -m benchmarks.loading --config configs/baseline_faster_rcnn_bccd.py
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.registry import init_default_scope
from tqdm import tqdm

import mmdet_lossmix  # noqa: F401  registers everything
from benchmarks.epochs import Epoch, private_memory, time_epoch, worker_pids
from benchmarks.voc_photos import write_voc_photos
from benchmarks.ways import PLAIN, Way, build_ways
from mmdet_lossmix.datasets.walk import dicts_in
from tests.helpers import ROOT
from tests.helpers.processes import end_dataloader_workers

GOALS = {'cache': 0.90, 'dataset': 0.48, 'batch': 0.98}


def measure(ways: dict[str, Way], rounds: int, progress: tqdm) -> dict:
    """Epochs of every way, one a round, after one round that does not count."""
    epochs: dict[str, list[Epoch]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name in random.sample(list(ways), len(ways)):
            progress.set_postfix_str(name)
            epochs[name].append(time_epoch(ways[name].loader, ways[name][2]))
            progress.update()
    return {name: measured[1:] for name, measured in epochs.items()}


def measure_pipelines(cfg: Config, args: argparse.Namespace) -> list[dict]:
    """The rows of both pipelines, one after the other."""
    # Else the first full collection of garbage in a worker copies what it shares.
    gc.collect()
    gc.freeze()
    rows = []
    for pipeline in ('training', 'short'):
        short = pipeline == 'short'
        ways = build_ways(cfg, short, args.workers, args.device, args.only)
        with tqdm(total=len(ways) * (args.rounds + 1), desc=pipeline) as progress:
            epochs = measure(ways, args.rounds, progress)
        rows += summarise(pipeline, ways, epochs)
        for way in ways.values():
            end_dataloader_workers(way.loader)
    return rows


def summarise(pipeline: str, ways: dict[str, Way], epochs: dict) -> list[dict]:
    """One row for each way; ratios are taken round by round, then their median."""
    rows = []
    for name, way in ways.items():
        own, base = np.array(epochs[name]), np.array(epochs[way.base])
        speed, cpu, pixels = (
            [measured[:, column] / measured[:, 0] for measured in (own, base)]
            for column in (1, 2, 3)
        )
        ratios = speed[1] / speed[0]
        memory = [private_memory(pid) for pid in worker_pids(way.loader)]
        rows.append(
            {
                'pipeline': pipeline,
                'way': name,
                'samples/s': np.median(1 / speed[0]),
                'throughput': np.median(ratios),
                'lowest': ratios.min(),
                'highest': ratios.max(),
                'CPU ms/sample': np.median(cpu[0]) * 1000,
                'CPU': np.median(cpu[0] / cpu[1]),
                'padded area': pixels[0].mean() / pixels[1].mean(),
                'MB/worker': np.mean(memory) / 2**20,
            }
        )
    return rows


def to_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown; ratios are to plain loading."""
    spread = table[['throughput', 'lowest', 'highest']].apply(
        lambda row: '**{:.2f}** ({:.2f} - {:.2f})'.format(*row), axis=1
    )
    columns = {
        'pipeline': table['pipeline'],
        'way': table['way'],
        'samples/s': table['samples/s'].round(),
        'throughput / plain (lowest - highest)': spread,
        'CPU ms/sample': table['CPU ms/sample'].round(1),
        'CPU / plain': table['CPU'].round(2),
        'padded area / plain': table['padded area'].round(3),
        'private MB/worker': table['MB/worker'].round(),
    }
    return pd.DataFrame(columns).to_markdown(index=False, tablefmt='github') + '\n'


def plot(table: pd.DataFrame, title: str) -> Figure:
    """Share of plain loading's throughput: median, range, and our goals."""
    pipelines = list(table['pipeline'].unique())
    figure = Figure(figsize=(10, 4.6), dpi=130, layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha='left', fontsize=11)
    axes = figure.subplots(1, len(pipelines), sharey=True, squeeze=False)[0]
    for ax, pipeline in zip(axes, pipelines):
        rows = table[
            (table['pipeline'] == pipeline) & ~table['way'].str.contains(PLAIN)
        ]
        y = np.arange(len(rows))[::-1]
        ours = ~rows['way'].str.startswith('mmdet')
        ax.barh(y, rows['throughput'], color=np.where(ours, '#0072B2', '#BDBDBD'))
        ax.hlines(y, rows['lowest'], rows['highest'], color='black', linewidth=1)
        right = max(1.1, rows['highest'].max()) + 0.05
        for at, name, value in zip(y, rows['way'], rows['throughput']):
            ax.text(right, at, f'{value:.2f}', va='center')
            goal = GOALS.get(name.split(':')[0])
            if goal:
                ax.vlines(goal, at - 0.4, at + 0.4, color='#D55E00', linewidth=2)
        ax.axvline(1, color='black', linewidth=0.8)
        ax.set_yticks(y, rows['way'])
        ax.set(title=f'{pipeline} pipeline', xlim=(0, right))
        ax.set_xlabel('throughput / plain loading (orange: goal)')
        ax.spines[['top', 'right']].set_visible(False)
    return figure


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--config', type=Path, help='an unmixed training config (default: VOC-like)'
    )
    parser.add_argument('--data-root', help='of the config (default: generated images)')
    parser.add_argument('--images', type=int, default=434, help='to be generated')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--only', default='', help='ways whose name contains this')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu'
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/loading'))
    parser.add_argument('--quick', action='store_true', help='to see that it works')
    args = parser.parse_args(argv)
    if args.quick:
        args.images, args.rounds = 16, 1
    return args


def main(argv: list[str] | None = None) -> None:
    """Measure, and say where the files are."""
    args = parse_args(argv)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)  # as mmengine does in training
    init_default_scope('mmdet')
    cfg = Config.fromfile(args.config or ROOT / 'configs/baseline_faster_rcnn_voc.py')
    with tempfile.TemporaryDirectory() as folder:
        if args.config is None and args.data_root is None:
            args.data_root = write_voc_photos(Path(folder), args.images)
        for node in dicts_in(cfg.train_dataloader.dataset):
            if 'data_root' in node and args.data_root:
                node['data_root'] = f'{args.data_root}/'
        try:
            table = pd.DataFrame(measure_pipelines(cfg, args))
        except (FileNotFoundError, ValueError) as error:
            sys.exit(f'error: {error}')
    args.out.mkdir(parents=True, exist_ok=True)
    table.round(4).to_csv(args.out / 'loading.csv', index=False)
    (args.out / 'loading.md').write_text(to_markdown(table), encoding='utf-8')
    title = f'Loading with {args.workers} workers, {args.rounds} rounds'
    plot(table, title).savefig(args.out / 'loading.png')
    print(to_markdown(table))
    print(f'Written: {args.out}/loading.md, .csv and .png')


if __name__ == '__main__':
    main()
