"""Whether source, target and test of an adaptation go together."""

from mmengine.runner import Runner

from mmdet_lossmix.datasets.samplers import DomainSampler


def check_domains(runner: Runner) -> None:
    """Refuse a run whose batches or classes are not what the config means.

    Args:
        runner (:obj:`Runner`): Its training loop is built.

    Raises:
        ValueError: If the quotas of the domains are not the batch size, or the classes
            of the labelled source and of the validation differ.
    """
    loader = runner.train_dataloader
    sampler = loader.sampler
    if isinstance(sampler, DomainSampler):
        quotas = sampler.per_domain
        if loader.batch_size != sum(quotas):
            raise ValueError(
                f'Expected `batch_size={sum(quotas)}` for `per_domain={quotas}` but '
                f'got {loader.batch_size}; domains would drift through the batches.'
            )
    if runner.val_loop is None:
        return
    source = loader.dataset.metainfo.get('classes')
    test = runner.val_loop.dataloader.dataset.metainfo.get('classes')
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
