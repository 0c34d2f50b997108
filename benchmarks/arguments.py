"""The command line that benchmarks of a training step share."""

import argparse
from typing import Tuple

import torch

from tests.helpers.thin_detectors import DETECTORS


def step_parser(doc: str, size: Tuple[int, int]) -> argparse.ArgumentParser:
    """A parser of which detectors to train, and on what batches.

    Args:
        doc (str): What the tool does.
        size (tuple[int, int]): Default height and width of images.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'detectors',
        nargs='*',
        default=['faster_rcnn', 'retinanet', 'fcos'],
        help=f'of {", ".join(DETECTORS)} (default: the first three)',
    )
    shape = ' '.join(map(str, size))
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=size,
        metavar=('H', 'W'),
        help=f'of images (default: {shape})',
    )
    parser.add_argument(
        '--depth',
        type=int,
        choices=(50, 101, 152),
        default=50,
        help='of the ResNet; a deep one and many images bind a step to the device '
        '(default: 50)',
    )
    parser.add_argument(
        '--amp',
        choices=('float16',),
        help="mixed precision, on a GPU; mmcv's RoIAlign and focal loss have no "
        'bfloat16 there',
    )
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line, and refuse what this machine cannot do."""
    args = parser.parse_args()
    unknown = set(args.detectors) - set(DETECTORS)
    if unknown:
        parser.error(f'unknown: {", ".join(sorted(unknown))}')
    if args.amp and not torch.cuda.is_available():
        parser.error(
            f'leave --amp {args.amp} out: it needs a GPU, and this machine has none. '
            'On a CPU autocast and the operators of mmcv do not support it'
        )
    torch.set_num_threads(args.threads)
    return args
