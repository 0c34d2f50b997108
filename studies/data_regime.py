"""Puts less, long-tailed or wrongly labelled training data into a config.

Only the training loader is touched.
"""

from __future__ import annotations

from typing import Any, Mapping

from mmdet.registry import DATASETS
from mmengine.config import Config, ConfigDict

from mmdet_lossmix.datasets.walk import dicts_in


def add_label_noise(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Spoil the labels of the training images right after they are loaded."""
    if not settings['label_noise']:
        return
    step = dict(
        type='NoisyLabels',
        rate=float(settings['label_noise']),
        num_classes=len(classes(cfg)),
    )
    if settings['noise_kinds']:
        step['kinds'] = settings['noise_kinds']
    insert_after(cfg.train_dataloader, 'LoadAnnotations', step)


def make_long_tailed(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Make rare classes rarer."""
    if settings['imbalance'] != 1:
        wrap_training_set(cfg, type='LongTailed', factor=float(settings['imbalance']))


def take_fraction(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Take a fraction of the images, each as many times more often.

    The number of iterations stays: an iteration-based loop counts them itself, and an
    epoch-based one gets a ``RepeatDataset``.
    """
    fraction = settings['data_fraction']
    if fraction == 1:
        return
    wrap_training_set(cfg, type='DataFraction', fraction=float(fraction))
    if 'max_iters' in cfg.train_cfg:
        return
    dataset = cfg.train_dataloader.dataset
    if dataset.type != 'RepeatDataset':
        dataset = ConfigDict(type='RepeatDataset', times=1, dataset=dataset)
        cfg.train_dataloader.dataset = dataset
    dataset.times = max(1, round(dataset.times / fraction))


def wrap_training_set(cfg: Config, **wrapper: Any) -> None:
    """Put a wrapper round the training set, inside of what repeats or mixes it.

    Raises:
        ValueError: If the sampler has to see the domains that the set consists of.
    """
    if cfg.train_dataloader.sampler.type == 'DomainSampler':
        raise ValueError(
            'leave `data_fraction` and `imbalance` out; they need a training set of '
            'one domain, and this one has a DomainSampler'
        )
    holder, key = cfg.train_dataloader, 'dataset'
    while holder[key].type in ('RepeatDataset', 'MultiImageMixDataset'):
        holder = holder[key]
    holder[key] = ConfigDict(**wrapper, dataset=holder[key])


def insert_after(loader: ConfigDict, type_: str, step: dict) -> None:
    """Put a step behind those of a type, in every pipeline of a loader."""
    for node in dicts_in(loader):
        types = [entry['type'] for entry in node.get('pipeline') or []]
        if type_ in types:
            pipeline = list(node['pipeline'])
            pipeline.insert(types.index(type_) + 1, dict(step))
            node['pipeline'] = pipeline


def classes(cfg: Config) -> tuple:
    """The classes of the training set, by its config or by the type of the dataset."""
    for node in dicts_in(cfg.train_dataloader.dataset):
        named = node.get('metainfo', {}).get('classes')
        if named:
            return tuple(named)
        if 'ann_file' in node:
            return tuple(DATASETS.get(node['type']).METAINFO['classes'])
    raise ValueError('name the classes under `metainfo` of the training set')
