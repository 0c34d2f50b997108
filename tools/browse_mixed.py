"""Draw the images that a config really trains on, after all mixing.

The pictures show batches as the model gets them, after the data preprocessor. A mixed
image has the boxes of both images. The command takes any training config. (mmdet's
browse_dataset draws what the pipeline yields.)

Example:
    lossmix browse configs/lossmix_faster_rcnn_voc.py --grid 3x4
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from browsing import browse_mixed
from command_line import any_letters, read_config
from mmengine.config import Config, DictAction


def parse_grid(text: str) -> tuple[int, int]:
    """Read rows and columns from a text such as 3x4."""
    rows, _, columns = text.lower().partition('x')
    if not (rows.isdigit() and columns.isdigit() and int(rows) and int(columns)):
        raise argparse.ArgumentTypeError(
            f'give rows x columns such as 3x4, not {text!r}'
        )
    return int(rows), int(columns)


def parse_count(text: str) -> int:
    """Read a whole number from 1."""
    if not (text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(
            f'give a whole number of 1 or more, not {text!r}'
        )
    return int(text)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path, help='a training config')
    parser.add_argument(
        '--out', type=Path, help='folder (default: work_dirs/CONFIG/browse_mixed)'
    )
    parser.add_argument(
        '--number', type=parse_count, help='images to draw (default: one full grid)'
    )
    parser.add_argument(
        '--grid', type=parse_grid, default='3x4', metavar='RxC', help='default: 3x4'
    )
    parser.add_argument(
        '--batches', type=parse_count, default=50, help='to count over (default: 50)'
    )
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='key=value of the config'
    )
    return parser.parse_args(argv)


def data_root_keys(cfg: Config) -> list[str]:
    """The keys of the config that say where its training data is."""
    keys, nodes = [], [('train_dataloader.dataset', cfg.train_dataloader.dataset)]
    while nodes:
        prefix, node = nodes.pop(0)
        if node.get('data_root'):
            keys.append(f'{prefix}.data_root')
        if 'dataset' in node:
            nodes.append((f'{prefix}.dataset', node.dataset))
        for index, child in enumerate(node.get('datasets', [])):
            nodes.append((f'{prefix}.datasets.{index}', child))
    return keys


def main(argv: list[str] | None = None) -> None:
    """Draw, count, and say where the files are."""
    args = parse_args(argv)
    any_letters()
    cfg = read_config(args.config, args.cfg_options)
    try:
        files = browse_mixed(
            cfg,
            args.out or Path('work_dirs') / args.config.stem / 'browse_mixed',
            args.number or args.grid[0] * args.grid[1],
            args.grid,
            args.batches,
            args.seed,
            f'{args.config.stem}: what the model gets',
        )
    except FileNotFoundError as error:
        keys = ' '.join(f'{key}=PATH/' for key in data_root_keys(cfg))
        sys.exit(
            f'error: the data of {args.config} is not complete: {error}\n'
            f'Put it there, or say where it is: --cfg-options {keys}'
        )
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f'error: {args.config}: {error}')
    print('\n' + files[-1].read_text(encoding='utf-8'))
    print('\n'.join(str(file) for file in files))


if __name__ == '__main__':
    main()
