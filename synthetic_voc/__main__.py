"""Draw a synthetic dataset that MMDetection's VOC0712 configs read unchanged."""

from __future__ import annotations

import argparse
import sys

import cv2

from . import CLASS_NAMES, generate_voc


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument('root', help='folder that gets VOCdevkit, for example data')
    parser.add_argument(
        '--train',
        type=int,
        default=1000,
        help='training images, half in VOC2007 and half in VOC2012',
    )
    parser.add_argument('--test', type=int, default=500, help='test images, in VOC2007')
    parser.add_argument(
        '--size', type=int, default=320, help='longest side of an image'
    )
    parser.add_argument('--seed', type=int, default=0, help='same seed, same files')
    parser.add_argument(
        '--domain', choices=['photo', 'clipart'], default='photo', help='look'
    )
    parser.add_argument(
        '--classes', nargs='+', default=CLASS_NAMES, help='draw these only'
    )
    parser.add_argument(
        '--masks', action='store_true', help="also write COCO's format, with masks"
    )
    parser.add_argument('--workers', type=int, default=1, help='drawing processes')
    parser.add_argument(
        '--force', action='store_true', help='replace a dataset drawn by this command'
    )
    return parser.parse_args()


def main() -> None:
    """Draw the dataset and say where it is."""
    cv2.setNumThreads(0)  # the images are small: threads would only wait for each other
    try:
        print(generate_voc(**vars(parse_args())))
    except (ValueError, FileExistsError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
