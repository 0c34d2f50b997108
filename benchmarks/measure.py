"""Time and memory of training steps, side by side."""

import time
from typing import Callable, Dict, List, Optional

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.step_variants import Step


def step_times(
    steps: Dict[str, Step], rounds: int, done: Optional[Callable[[], object]] = None
) -> Dict[str, List[float]]:
    """Time steps in turn, so that a drift of the machine meets all of them alike.

    Args:
        steps (dict[str, Callable]): The steps by name.
        rounds (int): How often each is timed, after one round to warm up.
        done (Callable, optional): Called after each step.

    Returns:
        dict[str, list[float]]: Seconds of each round.
    """
    times: Dict[str, List[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            times[name].append(seconds(step))
            if done:
                done()
    return {name: of_rounds[1:] for name, of_rounds in times.items()}


def seconds(step: Step) -> float:
    """Seconds of one step; on a GPU by events, as calls return before it is done."""
    if not torch.cuda.is_available():
        begin = time.perf_counter()
        step()
        return time.perf_counter() - begin
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    torch.cuda.synchronize()
    events[0].record()
    step()
    events[1].record()
    torch.cuda.synchronize()
    return events[0].elapsed_time(events[1]) / 1000


def peak_memory(step: Step) -> int:
    """Bytes of tensors that one step has allocated at its peak, beyond those before.

    On a CPU, whose resident memory never shrinks, torch's profiler counts them.
    """
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = profiler.profiler.kineto_results.events()
    changes = sorted(
        (event.start_ns(), event.nbytes())
        for event in events
        if event.name() == '[memory]'
    )
    return int(np.cumsum([nbytes for _, nbytes in changes]).max())
