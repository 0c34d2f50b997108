"""Puts a mixing strategy into a plain detector's config, by its registered name."""

from __future__ import annotations

from typing import Any, Mapping

from mmengine.config import Config, ConfigDict

from mmdet_lossmix.datasets.walk import dicts_in

# The types that mix in the batch and in the pipeline.
MIXES = {
    'lossmix': ('BatchLossMix', 'LossMixTransform'),
    'union': ('BatchUnionMix', 'UnionMixTransform'),
    'noise': ('BatchNoiseMix', 'NoiseMixTransform'),
    'sampled': ('BatchSampledLossMix', 'SampledLossMixTransform'),
}
UNCOUPLED = 'BatchUncoupledLossMix'
OPERATORS = {
    'blend': {},
    'linear': {},  # needs mean and standard deviation of the config
    'cutmix': {'operator': dict(type='CutMix')},
}
OURS = {
    'LossMixDetector',
    UNCOUPLED,
    *(name for both in MIXES.values() for name in both),
}
PACKING = ('PackDetInputs', 'PackLossMixInputs')


def add_mixing(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Put strategy, operator, alpha, prob and weighting in, in place.

    Raises:
        ValueError: If the config mixes already, or the settings exclude each other.
    """
    strategy = settings['strategy']
    check_unmixed(cfg, strategy)
    if strategy in ('mmdet_mixup', 'mosaic'):
        add_mmdet_mixing(cfg, strategy, settings['prob'])
    if strategy not in MIXES:
        return
    in_batch, in_pipeline = MIXES[strategy]
    arguments = {
        'alpha': float(settings['alpha']),
        'prob': float(settings['prob']),
        **OPERATORS[settings['operator']],
    }
    if settings['operator'] == 'linear':
        preprocessor = cfg.model.get('data_preprocessor') or {}
        arguments['operator'] = dict(
            type='LinearBlend',
            mean=preprocessor.get('mean') or [0.0],
            std=preprocessor.get('std') or [1.0],
        )
    if settings['coupling'] != 'coupled':
        if (strategy, settings['mix_in']) != ('lossmix', 'batch'):
            raise ValueError(
                'set `strategy: lossmix` and `mix_in: batch`, as `coupling: '
                f'{settings["coupling"]}` is an option of {UNCOUPLED} alone; got '
                f'{strategy} and {settings["mix_in"]}'
            )
        in_batch, arguments['loss_weight'] = UNCOUPLED, settings['coupling']
    if settings['mix_in'] == 'batch':
        preprocessor = cfg.model.setdefault(
            'data_preprocessor', ConfigDict(type='DetDataPreprocessor')
        )
        # A detector's own augments, such as random sizes, come before.
        own = preprocessor.get('batch_augments') or []
        preprocessor.batch_augments = [*own, dict(type=in_batch, **arguments)]
    else:
        for pipeline in packing_pipelines(cfg):
            pipeline.insert(len(pipeline) - 1, dict(type=in_pipeline, **arguments))
            if strategy == 'lossmix':
                pipeline[-1] = {**pipeline[-1], 'type': 'PackLossMixInputs'}
    if strategy == 'lossmix':
        default = {'batch': 'batch', 'pipeline': 'image'}[settings['mix_in']]
        cfg.model.update(
            type='LossMixDetector',
            detector=cfg.model.type,
            weighting=settings['weighting'] or default,
            roi_sampling=settings['roi_sampling'],
        )


def check_unmixed(cfg: Config, strategy: str) -> None:
    """Raise a ValueError if a config that mixes already is to mix."""
    if cfg.model.type == 'LossMixTeacher' and strategy != 'none':
        raise ValueError(
            'set `strategy: none` with a LossMixTeacher, which mixes by `warmup_mix` '
            'and `adaptation_mix` of its config; `overrides` or other configs '
            f'(configs/uda/) set these; got {strategy}'
        )
    # What PackLossMixInputs packs is there only if one of the others mixes.
    nodes = [cfg.model, cfg.train_dataloader]
    found = OURS & {d.get('type') for node in nodes for d in dicts_in(node)}
    if found and cfg.model.type != 'LossMixTeacher':
        raise ValueError(
            'name the config of a plain detector (baseline_* of ours) and let '
            f'`strategy` mix; this one has {", ".join(sorted(found))} already'
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
            "set `prob: 1` for all that is compared with mmdet's MixUp; it has no "
            f'probability; got {prob}'
        )
    outer: list = []
    for pipeline in packing_pipelines(cfg):
        types = [step['type'] for step in pipeline]
        if 'Resize' not in types:
            raise ValueError(
                'use a config with a Resize in the training pipeline, from which '
                f'`strategy: {strategy}` takes the size of images; it has {types}'
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


def packing_pipelines(cfg: Config) -> list[list]:
    """The training pipelines that end with packing, however datasets nest.

    Raises:
        ValueError: If there is none.
    """
    pipelines = [node.get('pipeline') or [] for node in dicts_in(cfg.train_dataloader)]
    found = [p for p in pipelines if p and p[-1]['type'] in PACKING]
    if not found:
        raise ValueError(
            'mix on the device with `mix_in: batch`; no training pipeline ends with '
            f'{" or ".join(PACKING)}'
        )
    return list({id(pipeline): pipeline for pipeline in found}.values())


def stop_early(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Leave the last share ``stop_mixing`` of the training unmixed."""
    share = settings['stop_mixing']
    if not share or settings['strategy'] not in MIXES:
        return
    unit = 'iters' if 'max_iters' in cfg.train_cfg else 'epochs'
    last = max(1, round(share * cfg.train_cfg[f'max_{unit}']))
    hook = {'type': 'StopMixingHook', f'num_last_{unit}': last}
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), hook]
