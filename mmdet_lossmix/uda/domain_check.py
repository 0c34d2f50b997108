"""Whether source, target and test of an adaptation go together."""

import re
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import BatchSampler, DataLoader

from mmdet_lossmix.datasets.walk import walk

from .data import DomainSampler
from .data.unlabelled import UnlabelledDataset


def check_domains(runner: Runner, detector: nn.Module) -> None:
    """Refuse a run whose batches or classes are not what the config means.

    Args:
        runner (:obj:`Runner`): Its training loop is built.
        detector (nn.Module): The one that is trained.

    Raises:
        ValueError: If the quotas of the domains are not the batch size, batches are not
            those of the ``DomainSampler``, an epoch would never end, images of the
            target are chosen by their labels, or the classes of the labelled source, of
            the validation and of the detector differ.
    """
    loader = runner.train_dataloader
    sampler = getattr(loader.batch_sampler, 'sampler', loader.sampler)
    if isinstance(sampler, DomainSampler):
        _check_batches(loader, sampler)
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError(
                'Expected an IterBasedTrainLoop for a DomainSampler, whose batches '
                'never end, but got an EpochBasedTrainLoop; set '
                "`train_cfg=dict(type='IterBasedTrainLoop', max_iters=...)`."
            )
        _check_target(loader.dataset.datasets[-1])
    source = _classes(loader.dataset)
    if source is not None:
        _check_outputs(detector, len(source))
    test = _classes(runner.val_loop.dataloader.dataset) if runner.val_loop else None
    if source is None or test is None or tuple(source) == tuple(test):
        return
    common = [name for name in test if name in source]
    found = f'{len(common)} in common: {common}' if common else 'no common class'
    raise ValueError(
        'Expected the same classes in the same order in the source and in the '
        f'validation but got {list(source)} and {list(test)}, {found}. Give both '
        'datasets the same `metainfo=dict(classes=...)`, the ones that they share, '
        'and the detector as many (`num_classes`).'
    )


def _check_batches(loader: DataLoader, sampler: DomainSampler) -> None:
    quotas = sampler.per_domain
    if type(loader.batch_sampler) is not BatchSampler:
        raise ValueError(
            'Expected batches as the DomainSampler makes them but got a '
            f'{type(loader.batch_sampler).__name__}, which mixes up its quotas; set '
            '`batch_sampler=None` in `train_dataloader`.'
        )
    if loader.batch_size != sum(quotas):
        raise ValueError(
            f'Expected `batch_size={sum(quotas)}` for `per_domain={quotas}` but '
            f'got {loader.batch_size}; domains would drift through the batches.'
        )


def _check_target(target: Any) -> None:
    for dataset in walk(target):
        chosen = getattr(dataset, 'filter_cfg', None) or {}
        by_labels = chosen.get('filter_empty_gt') and not dataset.test_mode
        if by_labels and not isinstance(dataset, UnlabelledDataset):
            raise ValueError(
                f'Expected a target whose labels nobody looks at but its '
                f'{type(dataset).__name__} drops images without objects '
                '(`filter_empty_gt`); use an UnlabelledDataset.'
            )


def _classes(dataset: Any) -> Any:
    metainfo = dataset.metainfo
    if not isinstance(metainfo, dict):  # a ConcatDataset of different ones
        raise ValueError(
            'Expected datasets that a ConcatDataset can unite but their `metainfo` '
            f'differs: {[sorted(m) for m in metainfo]}. Name what differs in '
            "`ignore_keys`: `['classes', 'palette', 'dataset_type', "
            "'cumulative_sizes']` in the outer one, `['dataset_type']` in the inner."
        )
    return metainfo.get('classes')


def _check_outputs(detector: nn.Module, classes: int) -> None:
    for name, module in detector.named_modules():
        outputs = getattr(module, 'num_classes', classes)
        if re.search(r'\bbbox_head(\.\d+)?$', name) and outputs != classes:
            raise ValueError(
                f'Expected `num_classes={classes}` of `{name}`, as the source has so '
                f'many classes, but got {outputs}.'
            )
