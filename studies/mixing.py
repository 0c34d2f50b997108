"""Puts a mixing strategy into a plain detector's config."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from mmengine.config import Config, ConfigDict

# How a strategy is called by its batch augment and its transform; mmdet's own augments
# and no mixing at all have neither.
STRATEGIES = {
    'none': None,
    'lossmix': 'LossMix',
    'union': 'UnionMix',
    'noise': 'NoiseMix',
    'mmdet_mixup': None,
    'mosaic': None,
}
OPERATORS = {'blend': None, 'cutmix': dict(type='CutMix')}
PACKING = ('PackDetInputs', 'PackLossMixInputs')


def add_mixing(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Put strategy, carrier, operator, alpha, prob and weighting in, in place.

    Raises:
        ValueError: If the config mixes already, or the settings exclude each other.
    """
    if cfg.model.type == 'LossMixTeacher':
        check_unmixed(settings['strategy'])
        return
    if cfg.model.type == 'LossMixDetector' or cfg.model.data_preprocessor.get(
        'batch_augments'
    ):
        raise ValueError(
            'Expected the config of a plain detector but got one with a '
            'LossMixDetector or batch augments; name a baseline_* config under '
            '`config`, and let `strategy` mix.'
        )
    strategy = settings['strategy']
    name = STRATEGIES[strategy]
    if strategy in ('mmdet_mixup', 'mosaic'):
        add_mmdet_mixing(cfg, strategy, settings['prob'])
    if name is None:
        return
    if settings['coupling'] != 'coupled':
        if (strategy, settings['carrier']) != ('lossmix', 'batch'):
            raise ValueError(
                'Expected `strategy: lossmix` and `carrier: batch` with `coupling: '
                f'{settings["coupling"]}` but got {strategy} and '
                f'{settings["carrier"]}; only BatchUncoupledLossMix has it.'
            )
        name = 'UncoupledLossMix'
    arguments: dict[str, Any] = {
        'alpha': float(settings['alpha']),
        'prob': float(settings['prob']),
    }
    if name == 'UncoupledLossMix':
        arguments['loss_weight'] = settings['coupling']
    if OPERATORS[settings['operator']] is not None:
        arguments['operator'] = OPERATORS[settings['operator']]
    if settings['carrier'] == 'batch':
        augments = [dict(type=f'Batch{name}', **arguments)]
        cfg.model.data_preprocessor.batch_augments = augments
    else:
        packing = 'PackLossMixInputs' if strategy == 'lossmix' else 'PackDetInputs'
        for pipeline in packing_pipelines(cfg):
            pack = {**pipeline[-1], 'type': packing}
            pipeline[-1:] = [dict(type=f'{name}Transform', **arguments), pack]
    if strategy == 'lossmix':
        default = {'batch': 'batch', 'pipeline': 'image'}[settings['carrier']]
        cfg.model = ConfigDict(
            type='LossMixDetector',
            detector=cfg.model,
            weighting=settings['weighting'] or default,
            roi_sampling=settings['roi_sampling'],
        )


def check_unmixed(strategy: str) -> None:
    """Leave the mixing of a domain adaptation to its own config.

    Raises:
        ValueError: If a strategy is to be put in.
    """
    if strategy != 'none':
        raise ValueError(
            f'Expected `strategy: none` with a LossMixTeacher but got {strategy}; it '
            'mixes by `warmup_mix` and `adaptation_mix` of its config, which '
            '`overrides` or other configs (configs/uda/) set.'
        )


def add_mmdet_mixing(cfg: Config, strategy: str, prob: float) -> None:
    """MixUp or Mosaic of mmdet, on the training set in ``MultiImageMixDataset``.

    Everything from ``Resize`` on moves behind the mixing, so that a mosaic of four
    images is brought to the size of one, and MixUp gets images of that size.

    Raises:
        ValueError: If MixUp is to have a probability, which mmdet's has not.
    """
    if strategy == 'mmdet_mixup' and prob != 1:
        raise ValueError(
            f"Expected `prob: 1` with mmdet's MixUp but got {prob}; it has no "
            'probability. Compare it with `prob: 1` of the others.'
        )
    outer: list = []
    for pipeline in packing_pipelines(cfg):
        types = [step['type'] for step in pipeline]
        if 'Resize' not in types:
            raise ValueError(
                f'Expected a Resize in the training pipeline but got {types}; '
                f'`strategy: {strategy}` needs one to know the size of images.'
            )
        split = types.index('Resize')
        outer = list(pipeline[split:])
        del pipeline[split:]
    scale = tuple(outer[0]['scale'])
    if strategy == 'mosaic':
        outer.insert(0, dict(type='Mosaic', img_scale=scale, prob=float(prob)))
    else:
        mixup = dict(type='MixUp', img_scale=scale, ratio_range=(0.8, 1.6))
        outer.insert(len(outer) - 1, mixup)
    cfg.train_dataloader.dataset = ConfigDict(
        type='MultiImageMixDataset',
        dataset=cfg.train_dataloader.dataset,
        pipeline=outer,
    )


def packing_pipelines(cfg: Config) -> Iterator[list]:
    """The training pipelines that end with packing, however datasets nest.

    Raises:
        ValueError: If there is none.
    """
    seen: list[int] = []
    for node in _datasets(cfg.train_dataloader.dataset):
        pipeline = node.get('pipeline')
        if pipeline and pipeline[-1]['type'] in PACKING and id(pipeline) not in seen:
            seen.append(id(pipeline))
            yield pipeline
    if not seen:
        raise ValueError(
            f'Expected a training pipeline that ends with {" or ".join(PACKING)} but '
            'found none; mix on the device with `carrier: batch`.'
        )


def _datasets(node: Any) -> Iterator[dict]:
    yield node
    for child in [node.get('dataset'), *node.get('datasets', [])]:
        if child is not None:
            yield from _datasets(child)


def stop_early(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Leave the last share ``stop_mixing`` of the training unmixed."""
    share = settings['stop_mixing']
    if not share or STRATEGIES[settings['strategy']] is None:
        return
    if 'max_iters' in cfg.train_cfg:
        amount = dict(num_last_iters=max(1, round(share * cfg.train_cfg.max_iters)))
    else:
        amount = dict(num_last_epochs=max(1, round(share * cfg.train_cfg.max_epochs)))
    hook = dict(type='StopMixingHook', **amount)
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), hook]
