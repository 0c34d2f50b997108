"""The main job on a small scale: generate data, train with LossMix, test, draw.

Needs no download and no GPU, and less than ten minutes on two cores. The training and
the test are the commands that anybody would type; they are printed before they run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mim_process import CommandError, mmdet_distribution, run_mim
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
CONFIG = Path('configs/demo/lossmix_faster_rcnn_synthetic.py')
WORK_DIR = Path('work_dirs/demo')
console = Console(highlight=False, soft_wrap=True)


class Size(NamedTuple):
    """How much of everything."""

    train: int
    test: int
    options: dict[str, int]


PIXELS = 192  # longest side of the generated images
FULL = Size(train=2000, test=200, options={})
QUICK = Size(
    train=48,
    test=16,
    options={
        'train_cfg.max_epochs': 1,
        'param_scheduler.0.end': 3,
        'param_scheduler.1.end': 1,
        'default_hooks.logger.interval': 2,
    },
)


class Demo:
    """The steps, each with its time."""

    def __init__(self, work_dir: Path, size: Size, threads: int) -> None:
        self.work_dir = work_dir
        self.run_dir = work_dir / 'run'
        self.devkit = work_dir / 'data' / 'VOCdevkit'
        self.size = size
        self.threads = threads
        self.times: dict[str, float] = {}
        self.options: dict[str, int | str] = {**size.options}
        if work_dir != WORK_DIR:  # where the config looks for the data
            self.options.update(data_options(self.devkit))

    def run(self) -> None:
        """Do all steps."""
        steps = (
            ('generate images', self.generate),
            ('draw mixed images', self.draw_mixed),
            ('train', self.train),
            ('test', self.test),
            ('draw detections and curves', self.draw_results),
        )
        for number, (title, step) in enumerate(steps, start=1):
            console.rule(f'[bold]{number} of {len(steps)}: {title}', align='left')
            start = time.monotonic()
            step()
            self.times[title] = time.monotonic() - start
        self.summarise()

    def generate(self) -> None:
        """Draw the data, unless the same lie there already."""
        from synthetic_voc import generate_voc

        train, test = self.size.train, self.size.test
        wanted = {'train': train, 'test': test, 'size': PIXELS}
        mark = self.devkit / 'synthetic_voc.json'
        found = json.loads(mark.read_text()) if mark.is_file() else {}
        if wanted.items() <= found.items():
            console.print(f'{self.devkit} holds them already.')
            return
        try:
            generate_voc(
                self.devkit.parent,
                train,
                test,
                PIXELS,
                workers=self.threads,
                force=bool(found),
            )
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        console.print(f'{self.devkit}: {train} for training, {test} for the test.')

    def draw_mixed(self) -> None:
        """Draw what the model is going to get."""
        from mmdet_lossmix.visualization import browse_mixed

        files = browse_mixed(
            self.config(), self.work_dir, batches=24, title='Training images, mixed'
        )
        console.print(files[-1].read_text(encoding='utf-8'))

    def train(self) -> None:
        """Train through mim."""
        self.mim('train', '--work-dir', self.run_dir)

    def test(self) -> None:
        """Evaluate the last checkpoint through mim."""
        checkpoint = (self.run_dir / 'last_checkpoint').read_text()
        self.mim(
            'test',
            *('--checkpoint', checkpoint),
            *('--work-dir', self.work_dir / 'test'),
            *('--out', self.run_dir / 'results.pkl'),
        )

    def mim(self, command: str, *arguments: str | Path) -> None:
        """Run `mim COMMAND mmdet CONFIG` in a process of its own."""
        options = [f'{key}={value}' for key, value in self.options.items()]
        if options:
            options.insert(0, '--cfg-options')
        run_mim(
            [command, mmdet_distribution(), CONFIG, *arguments, *options],
            cwd=ROOT,
            log=self.work_dir / f'{command}.log',
            threads=self.threads,
            console=console,
        )

    def draw_results(self) -> None:
        """Draw detections and curves, and print the AP of each class."""
        import mmcv
        from mmdet.registry import DATASETS
        from mmdet_lossmix.visualization.detections import LEGEND

        from mmdet_lossmix import visualization as vis

        dataset = DATASETS.build(self.config().test_dataloader.dataset)
        results = vis.read_results(self.run_dir / 'results.pkl', dataset)
        drawings = [
            partial(
                vis.draw_detections,
                image=mmcv.imread(result['img_path'], channel_order='rgb'),
                instances=dataset.get_data_info(index)['instances'],
                detections=result['pred_instances'],
                classes=dataset.metainfo['classes'],
            )
            for index, result in enumerate(results[:12])
        ]
        title = (
            f'The first {len(drawings)} of {len(results)} test images, scores >= 0.3'
        )
        figure = vis.draw_grid(drawings, (3, 4), title, LEGEND)
        figure.savefig(self.work_dir / 'detections.png')
        curves = vis.read_curves(vis.find_scalars(self.run_dir))
        figure = vis.draw_curves(curves, 'Faster R-CNN with LossMix, generated data')
        figure.savefig(self.work_dir / 'curves.png')
        console.print(ap_table(vis.evaluate_classes(dataset, results)))

    def summarise(self) -> None:
        """Say where everything lies and what it took."""
        table = Table('step', 'time', title='Times', title_justify='left')
        for title, seconds in self.times.items():
            table.add_row(title, minutes(seconds))
        table.add_section()
        table.add_row('all', minutes(sum(self.times.values())), style='bold')
        console.print(table)
        for name, meaning in (
            ('mixed.png', 'training images as the model gets them'),
            ('detections.png', 'detections on test images'),
            ('curves.png', 'losses and AP during the training'),
            ('run', 'checkpoint, logs, config'),
            ('data', 'the generated data'),
        ):
            console.print(f'{self.work_dir / name}  [dim]{meaning}[/dim]')

    def config(self):
        """The config with this demo's options."""
        from mmengine.config import Config
        from mmengine.registry import init_default_scope

        cfg = Config.fromfile(CONFIG)
        cfg.merge_from_dict(self.options)
        init_default_scope('mmdet')
        return cfg


def data_options(devkit: Path) -> dict[str, str]:
    """What makes the config read its data from elsewhere."""
    train = 'train_dataloader.dataset.dataset.datasets'
    datasets = (f'{train}.0', f'{train}.1', 'val_dataloader.dataset',
                'test_dataloader.dataset')  # fmt: skip
    return {f'{dataset}.data_root': f'{devkit}/' for dataset in datasets}


def ap_table(per_class: dict[str, dict]) -> Table:
    """AP of each class, and their mean over the classes that the test set has."""
    table = Table('class', 'objects', 'AP50', '', title='AP on the test set')
    for name, entry in per_class.items():
        bar = '█' * round(20 * float(entry['ap']))
        table.add_row(name, str(entry['num_gts']), f'{float(entry["ap"]):.3f}', bar)
    aps = [float(entry['ap']) for entry in per_class.values() if entry['num_gts']]
    objects = sum(int(entry['num_gts']) for entry in per_class.values())
    table.add_section()
    mean = sum(aps) / max(len(aps), 1)
    table.add_row(
        'mAP', str(objects), f'{mean:.3f}', '█' * round(20 * mean), style='bold'
    )
    return table


def minutes(seconds: float) -> str:
    """Write 65 seconds as 1:05."""
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d}'


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work-dir', type=Path, help='default: work_dirs/demo')
    parser.add_argument('--quick', action='store_true', help='a minute; learns nothing')
    parser.add_argument(
        '--threads', type=int, default=min(4, cores()), help='default: cores, at most 4'
    )
    args = parser.parse_args(argv)
    if args.threads < 1:
        parser.error(f'expected --threads from 1, but got {args.threads}')
    default = WORK_DIR.with_name('demo_quick') if args.quick else WORK_DIR
    work_dir = args.work_dir.absolute() if args.work_dir else default
    os.chdir(ROOT)
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated')  # in mmengine
    work_dir.mkdir(parents=True, exist_ok=True)
    try:
        Demo(work_dir, QUICK if args.quick else FULL, args.threads).run()
    except CommandError as error:
        console.print(f'\n{error}', style='red', markup=False)
        return 1
    except KeyboardInterrupt:
        console.print('\nInterrupted; the next call goes on with the data.')
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
