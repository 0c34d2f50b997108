"""Whether the pipelines, the batch augments and the model of a run go together.

``RuntimeInfoHook`` checks the config of every run before its first step.
"""

import logging
from itertools import chain, product
from typing import Any, Iterable, List, NamedTuple, Optional

from mmdet.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.logging import print_log

TRAIN = 'train_dataloader'
EVALUATIONS = ('val_dataloader', 'test_dataloader')
ERASING = ('RandomErasing',)  # drops objects that it hides, but not partners'
OTHERS = ('MixUp', 'CachedMixUp')  # mmdet's own mixing, of objects at full weight
MIXED_TWICE = (
    'Remove {} or the step before it: it got an image that LossMix has mixed already, '
    'which would be trained with the annotations and the lambda of one mix only.'
)


class Place(NamedTuple):
    """A step of a config that mixes or packs images."""

    path: str
    kind: type
    in_branch: bool  # whether it sees one branch of `MultiBranch` alone

    def __str__(self) -> str:
        return f'{self.kind.__name__} at {self.path}'

    @property
    def strategy(self) -> Any:
        """Strategy, optional: What it does with annotations, if it mixes."""
        return getattr(self.kind, 'strategy', None)

    @property
    def keeps_both(self) -> bool:
        """bool: Whether it leaves two sets of annotations, for two losses."""
        return getattr(self.strategy, 'keeps_both', False)


def check_config(cfg: Config) -> None:
    """Refuse the config of a training in which mixing would silently go wrong.

    Raises:
        ValueError: If images are mixed again after LossMix; if the model or the packing
            does not look at partners; if ``weighting='batch'`` meets a lambda for each
            image; if images of the validation or test are mixed; if views of a teacher
            are mixed one by one.
    """
    tree = cfg.to_dict()
    for loader in EVALUATIONS:
        for place in chain(*_dataset(tree.get(loader), loader)):
            if place.strategy:
                raise ValueError(
                    f'Remove {place}: it would mix images of the evaluation.'
                )
    model = tree.get('model')
    for places in _training(tree):
        mixing = [place for place in places if place.strategy]
        for place, later in zip(mixing, [*mixing[1:], None]):
            _check_model(place, model)
            if place.keeps_both and later is not None:
                raise ValueError(
                    f'Remove {place} or {later}: images would be mixed twice, with the '
                    'annotations and the lambda of one mix only. BatchUnionMix or '
                    'UnionMixTransform may come before LossMix, not after it.'
                )
        for place, later in zip(places, places[1:]):
            if place.keeps_both:
                _check_next(place, later)


def warn_of_other_mixing(cfg: Config) -> None:
    """Warn if images that mmdet's own MixUp has mixed are mixed again."""
    for places in _training(cfg.to_dict()):
        others = [place for place in places if place.kind.__name__ in OTHERS]
        mixing = [place for place in places if place.strategy]
        if others and mixing:
            print_log(
                f'Both {others[0]} and {mixing[0]} mix images, so some show four, and '
                'the objects that the former unites count at full weight, however '
                'faint. Remove one of them if that is not meant.',
                logger='current',
                level=logging.WARNING,
            )
            return


def _check_model(place: Place, model: Any) -> None:
    """Check that a model can be trained on what is mixed."""
    kind = _class(MODELS, model)
    if place.in_branch and hasattr(kind, 'get_pseudo_instances'):
        raise ValueError(
            f'Remove {place}: a teacher and its student must see the same image. '
            'LossMixTeacher mixes by itself (`adaptation_mix`).'
        )
    if place.keeps_both and not getattr(kind, 'reads_partners', False):
        raise ValueError(
            "Wrap the detector, as `model=dict(type='LossMixDetector', "
            'detector=_base_.model.type, ...)`, or use the Union, Noise or sampled '
            f'form of {place}: {kind.__name__ if kind else model} ignores the '
            'annotations of partners.'
        )
    by_image = place.keeps_both and not place.path.startswith('model')
    if by_image and model.get('weighting', 'batch') == 'batch':
        raise ValueError(
            "Set `weighting='image'` in `model`, or mix with BatchLossMix: "
            f'{place} draws a lambda for each image, and the default '
            "`weighting='batch'` needs one for all."
        )


def _check_next(place: Place, later: Place) -> None:
    """Check what comes after LossMix in a pipeline."""
    if later.kind.__name__ in (*ERASING, *OTHERS):
        raise ValueError(
            f'Put {later} before {place}: it hides or adds objects, and leaves those '
            'of partners as they are.'
        )
    if not later.strategy and not getattr(later.kind, 'packs_partners', False):
        raise ValueError(
            f'Replace {later} by PackLossMixInputs: it drops the annotations of '
            f'partners that {place} adds.'
        )


Ways = List[List[Place]]  # ways of an image through a config


def _training(tree: dict) -> Ways:
    """The ways of an image to the model."""
    loader = tree.get(TRAIN) or {}
    ways = _dataset(loader, TRAIN)
    dataset = loader.get('dataset') or {}
    for i, hook in enumerate(tree.get('custom_hooks') or []):
        # PipelineSwitchHook replaces the pipeline of the outermost dataset.
        if 'pipeline' in dataset and 'switch_pipeline' in hook:
            path = f'custom_hooks[{i}].switch_pipeline'
            inner = _dataset({**dataset, 'pipeline': None}, f'{TRAIN}.dataset')
            ways += _chain([inner, _step(hook['switch_pipeline'], path, False)])
    augments = _augments(tree.get('model'), 'model')
    return [[*way, *augments] for way in ways]


def _dataset(node: Any, path: str) -> Ways:
    """The ways of an image through a dataset, or through a loader with one."""
    if not isinstance(node, dict):
        return [[]]
    inner: Ways = [[]]
    if 'datasets' in node:
        children = enumerate(node['datasets'])
        inner = _any(_dataset(c, f'{path}.datasets[{i}]') for i, c in children)
    elif 'dataset' in node:
        inner = _dataset(node['dataset'], f'{path}.dataset')
    return _chain([inner, _step(node.get('pipeline'), f'{path}.pipeline', False)])


def _step(step: Any, path: str, in_branch: bool) -> Ways:
    """The ways through a step, or through a list of steps one after the other."""
    if isinstance(step, (list, tuple)):
        return _chain(_step(s, f'{path}[{i}]', in_branch) for i, s in enumerate(step))
    kind = _class(TRANSFORMS, step)
    name = getattr(kind, '__name__', '')
    if name == 'MultiBranch':
        branches = {k: v for k, v in step.items() if k not in ('type', 'branch_field')}
        return _any(_step(v, f'{path}.{k}', True) for k, v in branches.items())
    if kind and 'transforms' in step:
        inner, path = step['transforms'], f'{path}.transforms'
        if name == 'RandomChoice':
            choices = enumerate(inner)
            return _any(_step(s, f'{path}[{i}]', in_branch) for i, s in choices)
        return _step(inner, path, in_branch)
    relevant = hasattr(kind, 'strategy') or name.startswith(('Pack', *ERASING, *OTHERS))
    return [[Place(path, kind, in_branch)]] if kind and relevant else [[]]


def _augments(model: Any, path: str) -> List[Place]:
    """The mixing batch augments of a model, or of the detector that it wraps."""
    if not isinstance(model, dict):
        return []
    preprocessor = model.get('data_preprocessor') or {}
    if preprocessor.get('batch_augments') is None:
        key = 'data_preprocessor' if 'data_preprocessor' in preprocessor else 'detector'
        return _augments(model.get(key), f'{path}.{key}')
    path = f'{path}.data_preprocessor.batch_augments'
    kinds = [_class(MODELS, augment) for augment in preprocessor['batch_augments']]
    places = [Place(f'{path}[{i}]', k, False) for i, k in enumerate(kinds) if k]
    return [place for place in places if place.strategy]


def _chain(parts: Iterable[Ways]) -> Ways:
    """Every way through parts that come one after the other, each once."""
    ways: Ways = [[]]
    for part in parts:
        chained = ([*way, *steps] for way, steps in product(ways, part))
        ways = list({tuple(way): way for way in chained}.values())
    return ways


def _any(parts: Iterable[Ways]) -> Ways:
    """The ways through one of several parts."""
    return [way for part in parts for way in part] or [[]]


def _class(registry: Any, node: Any) -> Optional[type]:
    kind = node.get('type') if isinstance(node, dict) else None
    return registry.get(kind) if isinstance(kind, str) else kind
