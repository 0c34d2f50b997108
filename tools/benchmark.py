#!/usr/bin/env python
"""What a training step with LossMix costs, as a ratio to the plain detector's.

For each detector it times forward, backward and optimizer step of the plain detector,
Union, LossMix in either weighting, and LossMix the naive way (two full passes), in turn
in one process, so that a drift of the machine meets all of them alike; then the peak of
memory of each, in a process of its own. Writes a table and a plot.
"""

import argparse
import multiprocessing
import resource
from functools import partial
from pathlib import Path
from statistics import median
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.mask import BitmapMasks
from mmengine.hub import get_config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.utils.benchmark import Timer
from tqdm import tqdm

import mmdet_lossmix  # noqa: F401  registers everything
from mmdet_lossmix.functional import interpolate_losses
from mmdet_lossmix.structures import split_targets

CONFIGS = {
    'faster_rcnn': 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'retinanet': 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
    'fcos': 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    'mask_rcnn': 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'cascade_rcnn': 'mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
}
WRAPPERS = {
    'LossMix, batch': dict(weighting='batch', roi_sampling='joint'),
    'LossMix, per-target RoIs': dict(weighting='batch', roi_sampling='per_target'),
    'LossMix, image': dict(weighting='image', roi_sampling='joint'),
}
VARIANTS = ('plain', 'Union', *WRAPPERS, 'two full passes')


def make_batch(
    batch_size: int, size: Tuple[int, int], device: str, masks: bool
) -> Tuple[Tensor, SampleList]:
    """Noise with seven boxes an image; no cost depends on what is in the pixels."""
    rng = np.random.default_rng(0)
    height, width = size
    samples = []
    for _ in range(batch_size):
        extent = rng.uniform(0.05, 0.6, (7, 2)) * (width, height)
        corner = rng.uniform(0, 1, (7, 2)) * ((width, height) - extent)
        boxes = np.hstack([corner, corner + extent]).astype(np.float32)
        sample = DetDataSample(metainfo=dict(scale_factor=(1.0, 1.0)))
        for key in ('img_shape', 'ori_shape', 'batch_input_shape', 'pad_shape'):
            sample.set_metainfo({key: size})
        sample.gt_instances = InstanceData(
            bboxes=torch.from_numpy(boxes),
            labels=torch.from_numpy(rng.integers(0, 80, 7)),
        )
        if masks:
            bitmaps = np.zeros((7, height, width), np.uint8)
            for bitmap, (x1, y1, x2, y2) in zip(bitmaps, boxes.astype(int)):
                bitmap[y1:y2, x1:x2] = 1
            sample.gt_instances.masks = BitmapMasks(bitmaps, height, width)
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
        samples.append(sample.to(device))
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(batch_size, 3, height, width, generator=generator)
    return inputs.to(device), samples


def make_steps(
    name: str, batch_size: int, size: Tuple[int, int], device: str
) -> Dict[str, Callable[[], None]]:
    """A training step for each variant, on the same detector and the same batch."""
    init_default_scope('mmdet')
    cfg = get_config(CONFIGS[name]).model
    cfg.backbone.init_cfg = None
    lossmix = MODELS.build(dict(type='LossMixDetector', detector=cfg))
    detector = lossmix.to(device).train().detector
    batch = make_batch(batch_size, size, device, masks='mask' in name)
    optimizer = torch.optim.SGD(detector.parameters(), lr=1e-4, momentum=0.9)
    mix = MODELS.build(dict(type='BatchLossMix'))
    union = MODELS.build(dict(type='BatchUnionMix'))

    def plain(augment: Callable = lambda *batch: batch) -> dict:
        return detector.loss(*augment(*batch))

    def wrapped(**arguments: str) -> dict:
        vars(lossmix).update(arguments)
        return lossmix.loss(*mix(*batch))

    def two_passes() -> dict:
        inputs, samples = mix(*batch)
        own, partner, _ = split_targets(samples)
        own_loss, partner_loss = (detector.loss(inputs, t) for t in (own, partner))
        return interpolate_losses(own_loss, partner_loss, samples[0].mix_lambda)

    losses: Dict[str, Callable[[], dict]] = {
        'plain': plain,
        'Union': partial(plain, union),
        **{variant: partial(wrapped, **args) for variant, args in WRAPPERS.items()},
        'two full passes': two_passes,
    }

    def step(loss: Callable[[], dict]) -> None:
        optimizer.zero_grad()
        detector.parse_losses(loss())[0].backward()
        nn.utils.clip_grad_norm_(detector.parameters(), 1.0)
        optimizer.step()

    return {variant: partial(step, loss) for variant, loss in losses.items()}


def measure_times(
    steps: Dict[str, Callable[[], None]], rounds: int, threads: int, progress: tqdm
) -> Dict[str, List[float]]:
    """Seconds of each variant and round, in turn; the first round does not count."""
    times: Dict[str, List[float]] = {variant: [] for variant in steps}
    for _ in range(rounds + 1):
        for variant, step in steps.items():
            timer = Timer('step()', globals=dict(step=step), num_threads=threads)
            times[variant] += timer.timeit(1).times
            progress.update()
    return {variant: seconds[1:] for variant, seconds in times.items()}


def measure_memory(
    name: str,
    variant: str,
    batch_size: int,
    size: Tuple[int, int],
    device: str,
    threads: int,
) -> int:
    """Bytes that a few steps need on top of what was there before them."""
    torch.set_num_threads(threads)
    step = make_steps(name, batch_size, size, device)[variant]
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for _ in range(3):
        step()
    if device == 'cuda':
        return torch.cuda.max_memory_allocated() - before
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before


def summarise(name: str, times: Dict[str, List[float]], memory: dict) -> List[dict]:
    """One row a variant; ratios are taken round by round, then their quartiles."""
    rows = []
    for variant, seconds in times.items():
        ratios = np.divide(seconds, times['plain'])
        low, high = np.percentile(ratios, [25, 75])
        rows.append(
            {
                'detector': name,
                'variant': variant,
                'step (s)': round(median(seconds), 3),
                'time / plain': f'{median(ratios):.2f}',
                'quartiles': f'{low:.2f} - {high:.2f}',
                'memory / plain': f'{memory[variant] / memory["plain"]:.2f}',
            }
        )
    return rows


def plot(table: pd.DataFrame, path: Path) -> None:
    """Bars of the ratios with the quartiles as whiskers, a group for each detector."""
    pivot = table.pivot(index='detector', columns='variant', values='time / plain')
    pivot = pivot.astype(float).reindex(columns=[v for v in VARIANTS if v in pivot])
    axes = pivot.plot.bar(figsize=(10, 4.5), width=0.8, rot=0, colormap='viridis')
    axes.axhline(1, color='black', linewidth=0.8)
    axes.set(ylabel='time of a training step / plain', xlabel='')
    axes.legend(loc='upper left', bbox_to_anchor=(1, 1), frameon=False)
    axes.spines[['top', 'right']].set_visible(False)
    plt.savefig(path, dpi=120, bbox_inches='tight')


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'detectors', nargs='*', default=['faster_rcnn', 'retinanet', 'fcos']
    )
    parser.add_argument('--batch-size', type=int, default=2)
    parser.add_argument(
        '--size', type=int, nargs=2, default=[480, 640], metavar=('H', 'W')
    )
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--out', type=Path, default=Path('work_dirs/benchmark'))
    args = parser.parse_args(argv)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    size = tuple(args.size)
    rows = []
    with tqdm(
        total=len(args.detectors) * len(VARIANTS) * (args.rounds + 2)
    ) as progress:
        for name in args.detectors:
            progress.set_description(name)
            steps = make_steps(name, args.batch_size, size, device)
            if 'rcnn' not in name:
                del steps['LossMix, per-target RoIs']
            times = measure_times(steps, args.rounds, args.threads, progress)
            memory = {}
            for variant in steps:
                with multiprocessing.get_context('spawn').Pool(1) as pool:
                    arguments = (
                        name,
                        variant,
                        args.batch_size,
                        size,
                        device,
                        args.threads,
                    )
                    memory[variant] = pool.apply(measure_memory, arguments)
                progress.update()
            rows += summarise(name, times, memory)
    table = pd.DataFrame(rows)
    args.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out / 'benchmark.csv', index=False)
    plot(table, args.out / 'benchmark.png')
    print(table.to_string(index=False))
    print(f'\nWritten: {args.out}/benchmark.csv, {args.out}/benchmark.png')


if __name__ == '__main__':
    main()
