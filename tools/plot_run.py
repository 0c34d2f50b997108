"""Draw the losses and the AP of a training run into one picture.

Example:
    python tools/plot_run.py work_dirs/lossmix_faster_rcnn_voc
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmdet_lossmix.visualization import draw_curves, find_scalars, read_curves


def main(argv: list[str] | None = None) -> None:
    """Draw, and say where the picture is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dir', type=Path, help='its newest training is drawn')
    parser.add_argument('--out', type=Path, help='default: WORK_DIR/curves.png')
    args = parser.parse_args(argv)
    try:
        scalars = find_scalars(args.work_dir)
        curves = read_curves(scalars)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'error: {error}')
    folder = args.work_dir if args.work_dir.is_dir() else args.work_dir.parent
    out = args.out or folder / 'curves.png'
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_curves(curves, args.work_dir.name).savefig(out)
    print(f'{out}, drawn from {scalars}')


if __name__ == '__main__':
    main()
