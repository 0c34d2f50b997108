"""Measure an epoch of a data loader: time, CPU time, memory of workers, pixels."""

import os
import time
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

from mmengine.model import ImgDataPreprocessor
from torch.utils.data import DataLoader


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


def private_memory(pid: int) -> int:
    """Bytes of memory that this process shares with no other (Linux).

    The resident set of a forked worker is mostly what it shares with its parent.
    """
    rollup = Path(f'/proc/{pid}/smaps_rollup').read_text(encoding='utf-8')
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
