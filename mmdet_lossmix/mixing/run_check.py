"""Whether the pipelines, the batch augments and the model of a run go together.

Whatever mixes in a run checks its config once, before the first image or batch that it
mixes. Nothing has to be added to a config for this: mmengine publishes the config of a
run in its ``MessageHub``, which the workers of a data loader see as well.
"""

from itertools import product
from typing import Any, Iterable, List, NamedTuple, Optional

from mmdet.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.logging import MessageHub

TRAIN = 'train_dataloader'
EVALUATIONS = ('val_dataloader', 'test_dataloader')
ERASING = ('RandomErasing',)  # drops objects that it hides, but not partners'
MIXED_TWICE = (
    'Remove {} or the step before it: it got an image that LossMix has mixed already, '
    'which would be trained with the annotations and the lambda of one mix only.'
)


class Place(NamedTuple):
    """A step of a config that mixes or packs images.

    Attributes:
        path (str): Where it is in the config.
        kind (type): Its class.
        in_branch (bool): Whether it sees one branch of ``MultiBranch`` alone.
    """

    path: str
    kind: type
    in_branch: bool

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


_checked: Optional[str] = None


def check_this_run() -> None:
    """Check the config of the run that this process belongs to, once.

    Does nothing outside of a run of mmengine.

    Raises:
        ValueError: See :func:`check_config`.
    """
    global _checked
    text = MessageHub.get_current_instance().runtime_info.get('cfg')
    if text is None or text == _checked:
        return
    _checked = text
    try:
        cfg = Config.fromstring(text, '.py')
    except Exception:  # a config made in Python may hold what no file can
        return
    check_config(cfg)


def check_config(cfg: Config) -> None:
    """Refuse a config in which mixing would go wrong without a word.

    Args:
        cfg (:obj:`Config`): Of a training.

    Raises:
        ValueError: If images are mixed again after LossMix; if the model or the packing
            does not look at partners; if ``weighting='batch'`` meets a lambda for each
            image; if images of the validation or test are mixed; if views of a teacher
            are mixed one by one.
    """
    tree = cfg.to_dict()
    for loader in EVALUATIONS:
        for steps in _dataset(_get(tree, loader, 'dataset'), f'{loader}.dataset'):
            for place in steps:
                if place.strategy:
                    raise ValueError(
                        f'Remove {place}: it would mix images of the evaluation.'
                    )
    model = tree.get('model')
    pipelines = _dataset(_get(tree, TRAIN, 'dataset'), f'{TRAIN}.dataset')
    for steps in pipelines:
        for augments in _augments(model, 'model'):
            _check_steps([*steps, *augments], model)
        _check_packing(steps)


def _check_steps(steps: List[Place], model: Any) -> None:
    """Check what happens to an image on one way through the config."""
    mixing = [place for place in steps if place.strategy]
    kind = _class(MODELS, model)
    teacher = hasattr(kind, 'pseudo_loss') or hasattr(kind, 'get_pseudo_instances')
    for place, later in zip(mixing, [*mixing[1:], None]):
        if teacher and place.in_branch:
            raise ValueError(
                f'Remove {place}: a teacher and its student must see the same image. '
                'LossMixTeacher mixes by itself (`adaptation_mix`).'
            )
        if not place.keeps_both:
            continue
        if later is not None:
            raise ValueError(
                f'Remove {place} or {later}: images would be mixed twice, with the '
                'annotations and the lambda of one mix only. BatchUnionMix or '
                'UnionMixTransform may come before LossMix, not after it.'
            )
        if not getattr(kind, 'reads_partners', False):
            raise ValueError(
                "Wrap the detector, as `model=dict(type='LossMixDetector', "
                'detector=_base_.model.type, ...)`, or use the Union or Noise form of '
                f'{place}: {getattr(kind, "__name__", kind)} ignores the annotations '
                'of partners.'
            )
        by_image = place.path.startswith(TRAIN)
        if by_image and model.get('weighting', 'batch') == 'batch':
            raise ValueError(
                "Set `weighting='image'` in `model`, or mix with BatchLossMix: "
                f'{place} draws a lambda for each image, and the default '
                "`weighting='batch'` needs one for all."
            )


def _check_packing(steps: List[Place]) -> None:
    for place, later in zip(steps, steps[1:]):
        if place.keeps_both and later.kind.__name__ in ERASING:
            raise ValueError(
                f'Put {later} before {place}: it drops the objects that it hides, but '
                "not the partner's."
            )
        drops = hasattr(later.kind, 'transform') and not later.strategy
        if place.keeps_both and drops and not getattr(later.kind, 'packs_partners', 0):
            raise ValueError(
                f'Replace {later} by PackLossMixInputs: it drops the annotations of '
                f'partners that {place} adds.'
            )


Ways = List[List[Place]]


def _dataset(node: Any, path: str, in_branch: bool = False) -> Ways:
    """The ways of an image through a dataset, in any nest of wrappers."""
    if not isinstance(node, dict):
        return [[]]
    inner: Ways = [[]]
    if isinstance(node.get('datasets'), (list, tuple)):
        inner = [
            way
            for i, child in enumerate(node['datasets'])
            for way in _dataset(child, f'{path}.datasets[{i}]')
        ]
    elif 'dataset' in node:
        inner = _dataset(node['dataset'], f'{path}.dataset')
    return _chain(inner, _steps(node.get('pipeline'), f'{path}.pipeline', in_branch))


def _steps(steps: Any, path: str, in_branch: bool) -> Ways:
    """The ways through steps that come one after the other."""
    if isinstance(steps, dict):
        return _step(steps, path, in_branch)
    if not isinstance(steps, (list, tuple)):
        return [[]]
    return _chain(
        *(_step(step, f'{path}[{i}]', in_branch) for i, step in enumerate(steps))
    )


def _step(step: Any, path: str, in_branch: bool) -> Ways:
    if isinstance(step, (list, tuple)):
        return _steps(step, path, in_branch)
    kind = _class(TRANSFORMS, step)
    name = getattr(kind, '__name__', '')
    if name == 'MultiBranch':
        return _any(
            _steps(branch, f'{path}.{key}', True)
            for key, branch in step.items()
            if isinstance(branch, list) and key != 'branch_field'
        )
    inner = step.get('transforms') if isinstance(step, dict) else None
    if inner is not None:
        path = f'{path}.transforms'
        if name == 'RandomChoice':
            return _any(
                _steps(choice, f'{path}[{i}]', in_branch)
                for i, choice in enumerate(inner)
            )
        ways = _steps(inner, path, in_branch)
        return [*ways, []] if name == 'RandomApply' else ways
    relevant = hasattr(kind, 'strategy') or name.startswith(('Pack', *ERASING))
    return [[Place(path, kind, in_branch)]] if kind and relevant else [[]]


def _augments(model: Any, path: str) -> Ways:
    """The mixing batch augments of a model, or of the detector that it wraps."""
    if not isinstance(model, dict):
        return [[]]
    augments = _get(model, 'data_preprocessor', 'batch_augments')
    if augments is None:
        inner = _get(model, 'data_preprocessor')
        if _get(inner, 'data_preprocessor') is not None:
            return _augments(inner, f'{path}.data_preprocessor')
        return _augments(model.get('detector'), f'{path}.detector')
    path = f'{path}.data_preprocessor.batch_augments'
    kinds = [_class(MODELS, augment) for augment in augments]
    places = [
        Place(f'{path}[{i}]', kind, False)
        for i, kind in enumerate(kinds)
        if kind and hasattr(kind, 'strategy')
    ]
    return [places]


def _chain(*parts: Ways) -> Ways:
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


def _get(node: Any, *keys: str) -> Any:
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node
