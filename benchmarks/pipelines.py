"""Measure data loaders: time, CPU time, memory of workers, pixels of batches."""

import os
import time
from copy import deepcopy
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

from mmengine.model import ImgDataPreprocessor
from torch.utils.data import DataLoader

from mmdet_lossmix.datasets.walk import dicts_in


def with_mixing(
    dataloader: dict,
    steps: Sequence[dict],
    in_dataset: bool = False,
    leave_out: Sequence[str] = (),
) -> dict:
    """Put mixing into the config of an unmixed data loader, whatever its datasets.

    Args:
        dataloader (dict): Its pipelines end with ``PackDetInputs``. Left as it is.
        steps (Sequence[dict]): Take the place of ``PackDetInputs``.
        in_dataset (bool): Whether ``MultiImageMixDataset`` runs them. Defaults to
            False: the pipelines do.
        leave_out (Sequence[str]): Types of transforms to take out of the pipelines.

    Returns:
        dict: The new config; no dataset is repeated.
    """
    dataloader = deepcopy(dataloader)
    for node in dicts_in(dataloader['dataset']):
        if node.get('type') == 'RepeatDataset':
            node['times'] = 1
        if 'pipeline' in node:
            *kept, last = (s for s in node['pipeline'] if s['type'] not in leave_out)
            if last['type'] != 'PackDetInputs':
                raise ValueError(
                    'Expected pipelines that end with PackDetInputs but got one that '
                    f'ends with {last["type"]}; name a config that does not mix.'
                )
            node['pipeline'] = kept if in_dataset else [*kept, *steps]
    if in_dataset:
        dataloader['dataset'] = dict(
            type='MultiImageMixDataset',
            dataset=dataloader['dataset'],
            pipeline=list(steps),
        )
    return dataloader


class Epoch(NamedTuple):
    """What one epoch of a loader took.

    Attributes:
        samples (int): Images that came out.
        seconds (float): From asking for the first batch until the last.
        cpu_seconds (float): CPU time of this process and the workers together.
        pixels (float): Of the padded batches, of all images together.
    """

    samples: int
    seconds: float
    cpu_seconds: float
    pixels: float


def time_epoch(
    loader: DataLoader, data_preprocessor: Optional[ImgDataPreprocessor] = None
) -> Epoch:
    """Take all batches of a loader, through a data preprocessor if there is one.

    Args:
        loader (DataLoader): With persistent workers; they start before the clock does.
        data_preprocessor (ImgDataPreprocessor, optional): Runs in this process.

    Returns:
        Epoch: The measurements.
    """
    samples, pixels = 0, 0.0
    worker_pids(loader)
    cpu, start = _cpu_seconds(loader), time.perf_counter()
    for data in loader:
        samples += len(data['inputs'])
        pixels += padded_pixels([image.shape[-2:] for image in data['inputs']])
        if data_preprocessor is not None:
            data_preprocessor(data, training=True)
    seconds = time.perf_counter() - start
    return Epoch(samples, seconds, _cpu_seconds(loader) - cpu, pixels)


def padded_pixels(shapes: Sequence[Tuple[int, int]], divisor: int = 32) -> int:
    """Pixels that a detector pays for, of a batch of images (H, W) padded to one size.

    Args:
        shapes (Sequence[tuple[int, int]]): Height and width of each image.
        divisor (int): ``pad_size_divisor`` of the data preprocessor. Defaults to 32.
    """
    height, width = (-(-max(sides) // divisor) * divisor for sides in zip(*shapes))
    return height * width * len(shapes)


def worker_pids(loader: DataLoader) -> List[int]:
    """The processes of a loader's persistent workers, which start if need be."""
    if loader.num_workers == 0:
        return []
    if loader._iterator is None:
        list(loader)
    return [worker.pid for worker in getattr(loader._iterator, '_workers', [])]


def end_workers(loader: DataLoader) -> None:
    """End persistent workers now; left to torch, each takes 5 seconds to end."""
    for worker in getattr(loader._iterator, '_workers', []):
        worker.terminate()


def private_memory(pid: int) -> int:
    """Bytes of memory that this process shares with no other (Linux).

    The resident set of a forked worker is mostly what it shares with its parent.
    """
    rollup = Path(f'/proc/{pid}/smaps_rollup').read_text(encoding='ascii')
    lines = [line.split() for line in rollup.splitlines()]
    return sum(int(line[1]) for line in lines if line[0].startswith('Private_')) * 1024


def _cpu_seconds(loader: DataLoader) -> float:
    ticks = os.sysconf('SC_CLK_TCK')
    total = time.process_time()
    for pid in worker_pids(loader):
        # After the name, which is in brackets and may hold blanks: utime, stime.
        stat = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8')
        total += sum(map(int, stat.rpartition(')')[2].split()[11:13])) / ticks
    return total
