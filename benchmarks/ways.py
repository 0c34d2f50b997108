"""The ways to load data that benchmarks/loading.py compares, as data loaders."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple, Sequence

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model import ImgDataPreprocessor
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmdet_lossmix.datasets.walk import dicts_in

# By name: the transform or batch augment less its ending, what packs, arguments.
STRATEGIES: dict[str, tuple[str, str, dict]] = {
    'LossMix': ('LossMix', 'PackLossMixInputs', {}),
    'Union': ('UnionMix', 'PackDetInputs', {}),
    'Noise': ('NoiseMix', 'PackDetInputs', {}),
    'CutMix': ('LossMix', 'PackLossMixInputs', dict(operator=dict(type='CutMix'))),
}
MOVING = ('Resize', 'RandomFlip')  # what the short pipeline leaves out
PLAIN, PREPROCESSED = 'plain', 'plain, preprocessed'


class Way(NamedTuple):
    """A way to load: a data loader, and what its batches go through afterwards.

    Attributes:
        name (str): Where it mixes, and the strategy.
        loader (DataLoader): Some ways share one.
        data_preprocessor (ImgDataPreprocessor, optional): Runs in the main process.
        base (str): The way that this one is compared with.
    """

    name: str
    loader: DataLoader
    data_preprocessor: ImgDataPreprocessor | None
    base: str


def mixing_steps(size: tuple[int, int]) -> dict[str, tuple[str, list[dict]]]:
    """By name: where partners come from, and the transforms that mix and pack.

    Mosaic gets half of ``size`` (width, height), as its canvas is twice as large.
    """
    half = (size[0] // 2, size[1] // 2)
    found: dict[str, tuple[str, list[dict]]] = {}
    for source in ('cache', 'dataset'):
        for strategy, (kind, packing, arguments) in STRATEGIES.items():
            steps = [dict(type=f'{kind}Transform', **arguments), dict(type=packing)]
            found[f'{source}: {strategy}'] = (source, steps)
    peers = (('CachedMixUp', 'cache', size), ('MixUp', 'dataset', size))
    for name, source, scale in (*peers, ('Mosaic', 'dataset', half)):
        peer: dict = dict(type=name, img_scale=scale)
        found[f'mmdet: {name}'] = (source, [peer, dict(type='PackDetInputs')])
    return found


def build_ways(
    cfg: Config, short: bool, workers: int, device: str, only: str
) -> dict[str, Way]:
    """Build every way to load whose name contains ``only``, and what it is held to."""
    size = (500, 375)
    for node in dicts_in(cfg.train_dataloader.dataset):
        if node.get('type') == 'Resize' and not short:
            size = tuple(node['scale'])
    leave_out = MOVING if short else ()
    base = deepcopy(cfg.train_dataloader)
    base.update(num_workers=workers, persistent_workers=True)

    def build(source: str, steps: list[dict]) -> DataLoader:
        loader = with_mixing(base, steps, source == 'dataset', leave_out)
        return Runner.build_dataloader(loader, seed=0)

    plain = build('cache', [dict(type='PackDetInputs')])
    ways = [Way(PLAIN, plain, None, PLAIN)]
    for name, (source, steps) in mixing_steps(size).items():
        if only in name:
            ways.append(Way(name, build(source, steps), None, PLAIN))
    for strategy in ('', *STRATEGIES):
        augments = []
        if strategy:
            kind, _, arguments = STRATEGIES[strategy]
            augments.append(dict(type=f'Batch{kind}', **arguments))
        preprocessor = deepcopy(cfg.model.data_preprocessor)
        preprocessor['batch_augments'] = augments
        name = f'batch: {strategy}' if strategy else PREPROCESSED
        if only in name or not strategy:
            module = MODELS.build(preprocessor).to(device)
            ways.append(Way(name, plain, module, PREPROCESSED))
    return {way.name: way for way in ways}


def with_mixing(
    dataloader: dict,
    steps: Sequence[dict],
    in_dataset: bool = False,
    leave_out: Sequence[str] = (),
) -> dict:
    """Put mixing into the config of an unmixed data loader, whatever its datasets.

    Args:
        dataloader (dict): Its pipelines end with ``PackDetInputs``. Left as it is.
        steps (Sequence[dict]): Take the place of ``PackDetInputs``.
        in_dataset (bool): Whether ``MultiImageMixDataset`` runs them. Defaults to
            False: the pipelines do.
        leave_out (Sequence[str]): Types of transforms to take out of the pipelines.

    Returns:
        dict: The new config; no dataset is repeated.
    """
    dataloader = deepcopy(dataloader)
    for node in dicts_in(dataloader['dataset']):
        if node.get('type') == 'RepeatDataset':
            node['times'] = 1
        if 'pipeline' in node:
            *kept, last = (s for s in node['pipeline'] if s['type'] not in leave_out)
            if last['type'] != 'PackDetInputs':
                raise ValueError(
                    'Name a config that does not mix, with pipelines that end with '
                    f'PackDetInputs, not {last["type"]}.'
                )
            node['pipeline'] = kept if in_dataset else [*kept, *steps]
    if in_dataset:
        dataloader['dataset'] = dict(
            type='MultiImageMixDataset',
            dataset=dataloader['dataset'],
            pipeline=list(steps),
        )
    return dataloader
