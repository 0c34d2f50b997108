"""Puts less, long-tailed or wrongly labelled training data into a config.

Only the training loader is touched.
"""

from __future__ import annotations

from typing import Any, Mapping

from mmdet.registry import DATASETS
from mmengine.config import Config, ConfigDict

from .mixing import _datasets


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
    for node in _datasets(cfg.train_dataloader.dataset):
        types = [step['type'] for step in node.get('pipeline', [])]
        if 'LoadAnnotations' in types:
            pipeline = list(node['pipeline'])
            pipeline.insert(types.index('LoadAnnotations') + 1, dict(step))
            node['pipeline'] = pipeline


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
            'Expected a training set of one domain for `data_fraction` and `imbalance` '
            'but got one with a DomainSampler; leave both out.'
        )
    holder, key = cfg.train_dataloader, 'dataset'
    while holder[key].type in ('RepeatDataset', 'MultiImageMixDataset'):
        holder = holder[key]
    holder[key] = ConfigDict(**wrapper, dataset=holder[key])


def classes(cfg: Config) -> tuple:
    """The classes of the training set, by its config or by the type of the dataset."""
    for node in _datasets(cfg.train_dataloader.dataset):
        named = node.get('metainfo', {}).get('classes')
        if named:
            return tuple(named)
        if 'ann_file' in node:
            return tuple(DATASETS.get(node['type']).METAINFO['classes'])
    raise ValueError('Expected a training set with classes but found none.')
