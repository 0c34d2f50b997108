"""Say what of a config's data is missing or misnamed, and how to lay it out.

Looks at the datasets of training, validation and test: folders, lists of images, and,
for VOC's layout and for unlabelled images, every listed file. Ends with 1 if anything
is missing.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import Config, DictAction

from mmdet_lossmix.datasets.layout import check_layout, datasets_in

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path)
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='overrides, key=value'
    )
    return parser.parse_args()


def main() -> int:
    """Print a line for each dataset, and what it lacks below."""
    args = parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    failed = False
    for loader in LOADERS:
        for dataset in datasets_in(cfg.get(loader)):
            number, problems = check_layout(dataset)
            failed |= bool(problems)
            state = 'MISSING' if problems else 'ok'
            images = f', {number} images' if number else ''
            where = '{type} in {data_root}'.format(**dataset)
            print(f'{state:8}{loader}: {where}{images}')
            for problem in problems:
                print(f'        {problem}')
    if failed:
        print('docs/data.md and docs/uda.md say where data comes from and goes to.')
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
