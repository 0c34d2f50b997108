"""Count the operators of training steps, which predict their time on a GPU.

A GPU runs mmdet's steps faster than Python can launch them, because targets are
assigned image by image in hundreds of small operations. Seconds on a CPU do not show
that; the number of operators does. Prints a table in Markdown.

Example:
    python benchmarks/operators.py
"""

import argparse
import warnings

import pandas as pd
import torch
from mmengine.registry import init_default_scope

import mmdet_lossmix  # noqa: F401  registers the wrapper
from benchmarks.measure import count_operators
from benchmarks.step import make_steps
from benchmarks.step_variants import PLAIN
from tests.helpers.thin_detectors import DETECTORS


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'detectors',
        nargs='*',
        default=['faster_rcnn', 'retinanet', 'fcos'],
        help=f'of {", ".join(DETECTORS)} (default: the first three)',
    )
    parser.add_argument('--batches', type=int, nargs='*', default=(2, 8))
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(96, 128),
        metavar=('H', 'W'),
        help='has little effect on the number of operators (default: 96 128)',
    )
    return parser.parse_args()


def main() -> None:
    """Count, and print a row for each variant."""
    args = parse_args()
    warnings.filterwarnings('ignore')
    init_default_scope('mmdet')
    torch.manual_seed(0)
    rows = []
    for name in args.detectors:
        for batch_size in args.batches:
            steps = make_steps(name, batch_size, args.size)
            counts = {variant: count_operators(s) for variant, s in steps.items()}
            plain = counts[PLAIN]
            for variant, count in counts.items():
                rows.append(
                    {
                        'detector': name,
                        'images': batch_size,
                        'step': variant,
                        'operators': count.operators,
                        '/ plain': f'{count.operators / plain.operators:.2f}',
                        'waits': count.waits,
                    }
                )
    print(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == '__main__':
    main()
