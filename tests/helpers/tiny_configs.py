"""For tests that run a config: ours and mmdet's, shrunk to seconds on tiny data."""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_lossmix.datasets.walk import dicts_in
from tests.helpers import ROOT
from tests.helpers.thin_detectors import localize, thin_out

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


def tiny_config(name: str, data_root: Any, work_dir: Any, **overrides: Any) -> Config:
    """Load ``configs/NAME.py`` (or ``mmdet::...``), shrunk by overrides only.

    A thin ResNet-18 (or CSP backbone) from scratch, widths of 64, images of at most
    96 x 64, batches of at most 2, each image once per epoch, seed 0, no worker
    processes.

    Args:
        name (str): Path of a config relative to ``configs``, with or without ``.py``,
            or of one of mmdet, such as ``'mmdet::pascal_voc/...'``.
        data_root (str or Path): What :func:`write_voc`, :func:`write_bccd` or
            :func:`write_coco` has made, as the config wants it.
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
            localize(node)
            thin_out(node, smallest=True)
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
