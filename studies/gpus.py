"""Which GPUs the runs of a study see."""

from __future__ import annotations

import os

import torch


def gpu_places(jobs: int, gpus: int | None) -> list[str]:
    """Values of ``CUDA_VISIBLE_DEVICES`` for runs side by side, spread over all GPUs.

    Args:
        jobs: Runs side by side; where there are more than GPUs, some share one.
        gpus: Of each run; None takes one.

    Returns:
        list[str]: Empty if there is no GPU.

    Raises:
        RuntimeError: If a run asks for more GPUs than there are.
    """
    count = torch.cuda.device_count()
    gpus = min(1, count) if gpus is None else gpus
    if gpus > count:
        raise RuntimeError(f'give --gpus up to {count}; this machine has no more')
    visible = os.environ.get('CUDA_VISIBLE_DEVICES', ','.join(map(str, range(count))))
    ids = visible.split(',')
    return [
        ','.join(ids[(place * gpus + i) % count] for i in range(gpus))
        for place in range(jobs if gpus else 0)
    ]
