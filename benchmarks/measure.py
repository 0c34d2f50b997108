"""Time and memory of training steps, side by side."""

import time
from collections import Counter
from typing import Any, Callable, Dict, List, Optional

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

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


class OperatorCount(TorchDispatchMode):
    """Counts the operators that torch dispatches, and those that wait for a device.

    On a GPU, where a step is bound by Python and launches, their number predicts its
    time. It can be counted on any machine.

    Attributes:
        operators (int): How many, of forward, backward and optimizer.
        names (Counter): The same by name.
        waits (int): How many hand a value to Python, or make a shape of values.
    """

    WAITS = ('_local_scalar_dense', 'equal', 'nonzero', 'is_nonzero')

    def __init__(self) -> None:
        super().__init__()
        self.operators = self.waits = 0
        self.names: Counter = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Optional[dict] = None
    ) -> Any:
        """Count one, and run it."""
        name = func.overloadpacket.__name__
        by_mask = name in ('index', 'index_put_') and any(
            x is not None and x.dtype is torch.bool for x in args[1]
        )
        self.operators += 1
        self.names[name] += 1
        self.waits += name in self.WAITS or by_mask
        return func(*args, **(kwargs or {}))


def count_operators(step: Step) -> OperatorCount:
    """Count those of one step, which is not the first of its optimizer."""
    with OperatorCount() as count:
        step()
    return count
