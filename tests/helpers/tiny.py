"""A small VOCdevkit and BCCD, and this project's configs shrunk to run on them.

:mod:`tiny_coco` has the same for the configs of COCO.
"""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config

from tests.helpers.thin import dicts_in, thin_detector

ROOT = Path(__file__).resolve().parents[2]

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
CELLS = {'RBC': (60, 60, 220), 'WBC': (220, 90, 60), 'Platelets': (90, 170, 60)}

# Transforms and batch augments whose sizes are divided by ten.
RESIZING = (
    'BatchSyncRandomResize',
    'CachedMixUp',
    'CachedMosaic',
    'MixUp',
    'Mosaic',
    'Pad',
    'RandomAffine',
    'RandomChoiceResize',
    'RandomCrop',
    'RandomResize',
)
SIZES = (
    'border',
    'crop_size',
    'img_scale',
    'random_size_range',
    'scale',
    'scales',
    'size',
)


def write_voc(root: Path, seed: int = 0) -> Path:
    """Write VOC2007 (trainval, test) and VOC2012 (trainval) into ``root``.

    Images are landscape and portrait in turn, with one or two coloured rectangles on
    noise, and now and then an object that is small or marked as difficult.
    """
    rng = np.random.default_rng(seed)
    for (year, split), count in SPLITS.items():
        _write_split(root / year, split, count, COLOURS, rng)
    return root


def write_bccd(root: Path, seed: int = 0) -> Path:
    """Write a BCCD (train, val, test) into ``root``, drawn like :func:`write_voc`'s."""
    rng = np.random.default_rng(seed)
    for split, count in dict(train=4, val=2, test=2).items():
        _write_split(root, split, count, CELLS, rng)
    return root


def _write_split(
    root: Path, split: str, count: int, colours: dict, rng: np.random.Generator
) -> None:
    names = [f'{split}_{i:02d}' for i in range(count)]
    for folder in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        size = (90, 120) if i % 3 else (120, 90)
        _write_image(root, name, size, colours, rng)
    list_file = root / 'ImageSets/Main' / f'{split}.txt'
    list_file.write_text('\n'.join(names) + '\n')


def _write_image(
    root: Path, name: str, size: tuple, colours: dict, rng: np.random.Generator
) -> None:
    height, width = size
    image = rng.integers(90, 150, (height, width, 3), dtype=np.uint8)
    objects = ''
    for i in range(rng.integers(1, 4)):
        category = rng.choice(list(colours))
        # Of the third, mmdet's VOC configs (bbox_min_size=32) make an ignored one.
        w, h = (14, 18) if i == 2 else rng.integers(36, 60, 2)
        x, y = rng.integers(1, width - w), rng.integers(1, height - h)
        cv2.rectangle(
            image, (int(x), int(y)), (int(x + w), int(y + h)), colours[category], -1
        )
        objects += (
            f'<object><name>{category}</name><difficult>{int(i == 1 and w > 54)}'
            f'</difficult><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>'
            f'<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>'
        )
    cv2.imwrite(str(root / 'JPEGImages' / f'{name}.jpg'), image)
    (root / 'Annotations' / f'{name}.xml').write_text(
        f'<annotation><size><width>{width}</width><height>{height}</height>'
        f'<depth>3</depth></size>{objects}</annotation>'
    )


def tiny_config(name: str, data_root: Any, work_dir: Any, **overrides: Any) -> Config:
    """Load ``configs/NAME.py`` (or ``mmdet::...``), shrunk by overrides only.

    A thin ResNet-18 (or CSP backbone) from scratch, widths of 64, images of at most
    96 x 64, batches of at most 2, each image once per epoch, seed 0, no worker
    processes.

    Args:
        name (str): Path of a config relative to ``configs``, with or without ``.py``,
            or of one of mmdet, such as ``'mmdet::pascal_voc/...'``.
        data_root (str or Path): What :func:`write_voc`, :func:`write_bccd` or
            :func:`tiny_coco.write_coco` has made, as the config wants it.
        work_dir (str or Path): Where the runner is to write.
        **overrides: Merged into the config at the end; dotted keys work.

    Returns:
        :obj:`Config`: To be given to ``Runner.from_cfg``, or to be dumped for ``mim``.
    """
    cfg = load_config(name)
    shipped_root = cfg.get('data_root', 'data/')
    for node in dicts_in(list(cfg.values())):
        if 'data_root' in node:
            node.data_root = f'{data_root}/'
        if str(node.get('ann_file')).startswith(shipped_root):  # of an evaluator
            node.ann_file = node.ann_file.replace(shipped_root, f'{data_root}/')
        if node.get('type') == 'Resize':
            square = node.scale[0] == node.scale[1]
            node.scale = (64, 64) if square else (96, 64)
        if node.get('type') in RESIZING:
            for key in set(SIZES) & set(node):
                node[key] = _tenth(node[key])
        if 'batch_size' in node:
            node.batch_size = min(node.batch_size, 2)
        if node.get('type') == 'RepeatDataset':
            node.times = 1
        if 'persistent_workers' in node:
            node.update(num_workers=0, persistent_workers=False)
    for node in list(dicts_in(cfg.model)):
        if 'backbone' in node:
            thin_detector(node)
    # To lay out the text of a config takes yapf seconds, several times in a run.
    object.__setattr__(cfg, '_format_python_code', False)
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=0)
    # mmengine keeps one visualizer a name; a second run would write into the first's.
    cfg.visualizer.name = cfg.experiment_name = f'{Path(name).stem} in {work_dir}'
    cfg.default_hooks.logger.interval = 1
    cfg.merge_from_dict(deepcopy(overrides))  # merging takes `_delete_` out of them
    return cfg


def _tenth(size: Any) -> Any:
    """A size, or a nest of them, divided by ten."""
    if isinstance(size, (list, tuple)):
        return type(size)(_tenth(x) for x in size)
    return size if size is None else size // 10


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


def load_config(name: str) -> Config:
    """Load ``configs/NAME.py``, or a config of mmdet, as it is."""
    return deepcopy(_load(str(name)))


@lru_cache(maxsize=None)  # mmengine reads mmdet's whole index of models each time
def _load(name: str) -> Config:
    if '::' not in name:
        return Config.fromfile(ROOT / 'configs' / f'{Path(name).with_suffix("")}.py')
    # Config.fromfile knows `mmdet::` in `_base_` only.
    return Config.fromstring(f'_base_ = {name!r}\n', '.py')
