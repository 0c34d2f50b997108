"""A VOCdevkit of a dozen images, and this project's configs shrunk to run on it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config

from mmdet_lossmix.testing.thin import dicts_in, thin_detector

ROOT = Path(__file__).resolve().parents[1]

SPLITS = {
    ('VOC2007', 'trainval'): 6,
    ('VOC2007', 'test'): 4,
    ('VOC2012', 'trainval'): 6,
}
COLOURS = {
    'aeroplane': (200, 60, 40),
    'car': (40, 70, 220),
    'dog': (50, 170, 60),
    'person': (190, 190, 50),
}


def write_voc(root: Path, seed: int = 0) -> Path:
    """Write VOC2007 (trainval, test) and VOC2012 (trainval) into ``root``.

    Images are landscape and portrait in turn, with one or two coloured rectangles on
    noise, and now and then an object that is small or marked as difficult.
    """
    rng = np.random.default_rng(seed)
    for (year, split), count in SPLITS.items():
        names = [f'{split}_{i:02d}' for i in range(count)]
        for folder in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
            (root / year / folder).mkdir(parents=True, exist_ok=True)
        for i, name in enumerate(names):
            size = (90, 120) if i % 3 else (120, 90)
            _write_image(root / year, name, size, rng)
        list_file = root / year / 'ImageSets/Main' / f'{split}.txt'
        list_file.write_text('\n'.join(names) + '\n')
    return root


def _write_image(year: Path, name: str, size: tuple, rng: np.random.Generator) -> None:
    height, width = size
    image = rng.integers(90, 150, (height, width, 3), dtype=np.uint8)
    objects = ''
    for i in range(rng.integers(1, 4)):
        category = rng.choice(list(COLOURS))
        # Of the third, mmdet's VOC configs (bbox_min_size=32) make an ignored one.
        w, h = (14, 18) if i == 2 else rng.integers(36, 60, 2)
        x, y = rng.integers(1, width - w), rng.integers(1, height - h)
        cv2.rectangle(
            image, (int(x), int(y)), (int(x + w), int(y + h)), COLOURS[category], -1
        )
        objects += (
            f'<object><name>{category}</name><difficult>{int(i == 1 and w > 54)}'
            f'</difficult><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>'
            f'<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>'
        )
    cv2.imwrite(str(year / 'JPEGImages' / f'{name}.jpg'), image)
    (year / 'Annotations' / f'{name}.xml').write_text(
        f'<annotation><size><width>{width}</width><height>{height}</height>'
        f'<depth>3</depth></size>{objects}</annotation>'
    )


def tiny_config(name: str, data_root: Any, work_dir: Any, **overrides: Any) -> Config:
    """Load ``configs/NAME.py`` (or ``mmdet::...``), shrunk by overrides only.

    A thin ResNet-18 from scratch, widths of 64, images of at most 96 x 64, each image
    once per epoch, seed 0, no worker processes.

    Args:
        name (str): Path of a config relative to ``configs``, with or without ``.py``,
            or of one of mmdet, such as ``'mmdet::pascal_voc/...'``.
        data_root (str or Path): A VOCdevkit as :func:`write_voc` makes it.
        work_dir (str or Path): Where the runner is to write.
        **overrides: Merged into the config at the end; dotted keys work.

    Returns:
        :obj:`Config`: To be given to ``Runner.from_cfg``, or to be dumped for ``mim``.
    """
    cfg = _load(name)
    for node in dicts_in(list(cfg.values())):
        if 'data_root' in node:
            node.data_root = f'{data_root}/'
        if node.get('type') == 'Resize':
            node.scale = (96, 64)
        if node.get('type') == 'RepeatDataset':
            node.times = 1
        if 'persistent_workers' in node:
            node.update(num_workers=0, persistent_workers=False)
    for node in list(dicts_in(cfg.model)):
        if 'backbone' in node:
            thin_detector(node)
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=0)
    # mmengine keeps one visualizer a name; a second run would write into the first's.
    cfg.visualizer.name = cfg.experiment_name = f'{Path(name).stem} in {work_dir}'
    cfg.default_hooks.logger.interval = 1
    cfg.merge_from_dict(deepcopy(overrides))  # merging takes `_delete_` out of them
    return cfg


def iteration_based(
    max_iters: int, save_every: int, val_interval: int = 1000, num_workers: int = 2
) -> dict:
    """Overrides that turn an epoch-based config into an iteration-based one.

    With two persistent workers, as in mmdet's configs. In a test process these take
    seconds to end.
    """
    return {
        'train_cfg': dict(
            _delete_=True,
            type='IterBasedTrainLoop',
            max_iters=max_iters,
            val_interval=val_interval,
        ),
        'param_scheduler': [
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=3)
        ],
        'default_hooks.checkpoint': dict(by_epoch=False, interval=save_every),
        'log_processor.by_epoch': False,
        'train_dataloader': dict(
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            sampler=dict(type='InfiniteSampler'),
        ),
    }


def _load(name: str) -> Config:
    if '::' not in name:
        return Config.fromfile(ROOT / 'configs' / f'{Path(name).with_suffix("")}.py')
    # Config.fromfile knows `mmdet::` in `_base_` only.
    return Config.fromstring(f'_base_ = {name!r}\n', '.py')
