"""The main job on a small scale: draw data, train with LossMix, test, look.

Needs no download and no GPU, and less than ten minutes on two cores. Every step is a
command that you can type yourself; it is printed before it runs.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = 'configs/demo/lossmix_faster_rcnn_synthetic.py'
WORK_DIR = Path('work_dirs/demo')
MMDET = packages_distributions()['mmdet'][0]  # or its fork, onedl-mmdetection
MIM = [sys.executable, '-m', 'mim']
TRAIN_SET = 'train_dataloader.dataset.dataset.datasets'
DATA_ROOTS = (f'{TRAIN_SET}.0', f'{TRAIN_SET}.1', 'val_dataloader.dataset',
              'test_dataloader.dataset')  # fmt: skip
QUICK = (
    'train_cfg.max_epochs=1', 'param_scheduler.0.end=3', 'param_scheduler.1.end=1',
    'default_hooks.logger.interval=2',
)  # fmt: skip
# Of all that mim prints, what tells how it gets on; in the end, the AP of each class.
NEWS = {'train': ('Epoch(',), 'test': ('Epoch(', '| ', '+-')}


def commands(work_dir: Path, quick: bool, threads: int) -> list[list[str]]:
    """What the demonstration runs, in this order."""
    data, run, test = (str(work_dir / name) for name in ('data', 'run', 'test'))
    train_images, test_images, epochs = ('48', '16', 1) if quick else ('2000', '200', 3)
    options = list(QUICK) if quick else []
    if work_dir != WORK_DIR:  # where the config looks for the data
        options += [f'{dataset}.data_root={data}/VOCdevkit/' for dataset in DATA_ROOTS]
    if options:
        options.insert(0, '--cfg-options')
    draw = [sys.executable, '-m', 'synthetic_voc', data, '--size', '192']
    draw += ['--train', train_images, '--test', test_images, '--workers', str(threads)]
    browse = [sys.executable, 'tools/browse_mixed.py', CONFIG, '--out', str(work_dir)]
    checkpoint = ['--checkpoint', f'{run}/epoch_{epochs}.pth', '--show-dir', 'images']
    curves = ['--out', f'{work_dir}/curves.png']
    return [
        draw,
        [*browse, '--batches', '24', *options],
        [*MIM, 'train', MMDET, CONFIG, '--work-dir', run, *options],
        [*MIM, 'test', MMDET, CONFIG, '--work-dir', test, *checkpoint, *options],
        [sys.executable, 'tools/plot_run.py', run, *curves],
    ]


def run(command: list[str], log: Path, threads: int) -> int:
    """Run a command to its end, show its news, and return its exit code."""
    words = shlex.join(command).replace(shlex.join(MIM), 'mim')
    print(f'\n$ {words}'.replace(sys.executable, 'python'), flush=True)
    environment = {
        **os.environ,
        'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
        'OMP_NUM_THREADS': str(threads),
        'GOMP_SPINCOUNT': '3000',  # waiting threads leave their core to the workers
    }
    if command[: len(MIM)] != MIM:
        return subprocess.run(command, env=environment).returncode
    print(f'(all that it prints goes to {log})')
    lines = []
    with log.open('w', encoding='utf-8') as file, subprocess.Popen(
        command, env=environment, encoding='utf-8', errors='replace',
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            file.write(line)
            file.flush()
            lines.append(line)
            if any(news in line for news in NEWS[command[3]]):
                print(line.partition(' - INFO - ')[2] or line, end='', flush=True)
    if process.returncode:
        print(*lines[-15:], f'`mim {command[3]}` failed; {log} has all that it said.')
    return process.returncode


def draw_detections(work_dir: Path) -> None:
    """Put the first pictures that `mim test --show-dir` has drawn into one."""
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    folder = max((work_dir / 'test').glob('*/images'))  # mmengine names them by time
    figure = Figure(figsize=(13, 9), dpi=130, layout='constrained')
    figure.suptitle('Test images: ground truth on the left, detections on the right')
    axes = list(figure.subplots(4, 3).flat)
    for ax, path in zip(axes, sorted(folder.iterdir())):
        ax.imshow(imread(path), interpolation='lanczos')
    for ax in axes:
        ax.set_axis_off()
    figure.savefig(work_dir / 'detections.png')


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work-dir', type=Path, help='default: work_dirs/demo')
    parser.add_argument('--quick', action='store_true', help='a minute; learns nothing')
    parser.add_argument('--threads', type=int, default=2, help='default: 2')
    args = parser.parse_args(argv)
    default = WORK_DIR.with_name('demo_quick') if args.quick else WORK_DIR
    work_dir = args.work_dir.absolute() if args.work_dir else default
    os.chdir(ROOT)
    work_dir.mkdir(parents=True, exist_ok=True)
    for command in commands(work_dir, args.quick, args.threads):
        start = time.monotonic()
        code = run(command, work_dir / f'{command[3]}.log', args.threads)
        if code:
            return code
        print(f'({time.monotonic() - start:.0f} s)')
    draw_detections(work_dir)
    for name, meaning in (
        ('mixed.png', 'training images as the model gets them'),
        ('detections.png', 'detections on test images'),
        ('curves.png', 'losses and AP during the training'),
        ('run', 'checkpoint, logs, config'),
        ('data', 'the generated images'),
    ):
        print(f'{work_dir / name}: {meaning}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
