"""Count the operators of training steps, which predict their time on a GPU.

A GPU runs mmdet's steps faster than Python can launch them, because targets are
assigned image by image in hundreds of small operations. Seconds on a CPU do not show
that. The number of operators does. The command prints a table in Markdown.

Example:
    python -m benchmarks.operators
    python -m benchmarks.operators fcos --batches 16
"""

import argparse
import warnings
from typing import Iterator

import pandas as pd
import torch
from mmengine.registry import init_default_scope
from tqdm import tqdm

import mmdet_lossmix  # noqa: F401  registers the wrapper
from benchmarks.arguments import parse, step_parser
from benchmarks.measure import count_operators
from benchmarks.step_variants import PLAIN, make_steps


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    # The size has little effect on the number of operators.
    parser = step_parser(__doc__, size=(96, 128))
    parser.add_argument('--batches', type=int, nargs='*', default=(2, 8))
    return parse(parser)


def count(name: str, batch_size: int, args: argparse.Namespace) -> Iterator[dict]:
    """A row for each variant."""
    # Widths have no effect on the number of operators.
    steps = make_steps(name, batch_size, args.size, args.depth, args.amp, thin=True)
    steps[PLAIN]()  # to warm up
    progress = tqdm(steps.items(), desc=f'{name}, batch {batch_size}')
    counts = {variant: count_operators(step) for variant, step in progress}
    for variant, of_step in counts.items():
        ratio = of_step.operators / counts[PLAIN].operators
        yield {
            'detector': name,
            'images': batch_size,
            'step': variant,
            'operators': of_step.operators,
            '/ plain': f'{ratio:.2f}',
            'waits': of_step.waits,
        }


def main() -> None:
    """Count, and print a row for each variant."""
    args = parse_args()
    warnings.filterwarnings('ignore')
    init_default_scope('mmdet')
    torch.manual_seed(0)
    rows = [
        row
        for name in args.detectors
        for batch_size in args.batches
        for row in count(name, batch_size, args)
    ]
    table = pd.DataFrame(rows)
    print(table.to_markdown(index=False, tablefmt='github', disable_numparse=True))


if __name__ == '__main__':
    main()
