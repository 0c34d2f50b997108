"""Whether data and model of an adaptation go together."""

import copy
import re
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple

import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.datasets.transforms import MultiBranch
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.bbox import HorizontalBoxes, get_box_tensor
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.utils.data import BatchSampler

from mmdet_lossmix.datasets.labels import check_labels
from mmdet_lossmix.datasets.walk import walk
from mmdet_lossmix.hooks.random_state import random_state_kept

from .data.domain_sampler import DomainSampler
from .data.unlabelled import UnlabelledDataset
from .data.views import STRONG, WEAK
from .mean_teacher import MeanTeacher

REMEDY = (
    f'Resize, flip and crop the target before `MultiBranch`, once for both views, and '
    f'only change colours in `{STRONG}`.'
)
GEOMETRY = ('img_path', 'img_shape', 'scale_factor', 'flip', 'flip_direction')
TRIES = 10
# Two boxes as shares of the width and height, of which no flip makes the same two.
PROBES = np.array([[0.1, 0.1, 0.5, 0.4], [0.4, 0.3, 0.8, 0.9]], dtype=np.float32)


def check_before_training(runner: Runner, model: MeanTeacher) -> None:
    """Refuse a run, whose training loop is built, that does not train what it means.

    Raises:
        ValueError: If no data fill a branch that the model needs, batches have no quota
            of each domain, or an epoch would never end; if the target is chosen by its
            labels, or its two views show a box at different places; or if labels mean
            different classes in the source, in the validation and to the detector.
    """
    dataset = runner.train_dataloader.dataset
    _check_batches(runner, model.branches)
    steps = [step for step in walk(dataset) if isinstance(step, MultiBranch)]
    filled = {name for step in steps for name in step.branch_pipelines}
    _expect_branches(filled, model.branches)
    _check_classes(runner, model.student)
    if WEAK in model.branches:
        _check_views(dataset)


def check_batch(
    inputs: Dict[str, Tensor], samples: Dict[str, SampleList], branches: Sequence[str]
) -> None:
    """Refuse a batch without a branch, or with views that show boxes elsewhere.

    Views are compared as far as transforms say what they do. The model needs these
    ``branches``, each of images (N, C, H, W) and N samples, views in one order.

    Raises:
        ValueError: If a branch has no image; or if images, sizes, flips or
            transformations of views differ, or a view does not say how it came about.
    """
    _expect_branches({name for name in inputs if len(inputs[name])}, branches)
    if WEAK not in branches:
        return
    weak, strong = inputs[WEAK].shape, inputs[STRONG].shape
    if weak != strong:
        raise ValueError(
            'Expected weak and strong views of the target of the same size but got '
            f'{tuple(weak)} and {tuple(strong)}. {REMEDY}'
        )
    for pair in zip(samples[WEAK], samples[STRONG]):
        said = {key: [view.get(key) for view in pair] for key in GEOMETRY}
        said['homography_matrix'] = [homography(view) for view in pair]
        for key, (a, b) in said.items():
            if a is not None and b is not None and not _equal(a, b):
                raise ValueError(
                    f'Expected weak and strong views of {pair[0].get("img_path")} to '
                    f'have the same `{key}` but got {a} and {b}. {REMEDY}'
                )


def homography(view: DetDataSample) -> Tensor:
    """From the pixels of an image file to those of a view of it, shape (3, 3).

    Raises:
        ValueError: If the view does not say it, and is not the file as it is.
    """
    matrix = view.get('homography_matrix')
    if matrix is not None:
        return torch.as_tensor(matrix, dtype=torch.float32)
    as_it_is = tuple(view.get('ori_shape', ())[:2]) == tuple(view.img_shape[:2])
    if view.get('flip') or not as_it_is:
        raise ValueError(
            'Expected views of the target with a `homography_matrix` but got '
            f'{sorted(view.metainfo_keys())}; add it to `meta_keys` of the '
            'PackDetInputs of both, as configs/uda/_base_/views.py does.'
        )
    return torch.eye(3)


def _equal(a: object, b: object) -> bool:
    if isinstance(a, (np.ndarray, Tensor, Sequence)) and not isinstance(a, str):
        return np.allclose(np.asarray(a), np.asarray(b))
    return a == b


def _check_batches(runner: Runner, branches: Sequence[str]) -> None:
    loader = runner.train_dataloader
    sampler = getattr(loader.batch_sampler, 'sampler', loader.sampler)
    if len(branches) > 1 and isinstance(sampler, (DefaultSampler, InfiniteSampler)):
        raise ValueError(
            "Set `sampler=dict(type='DomainSampler', per_domain=[...])` in "
            f'`train_dataloader`: a {type(sampler).__name__} makes batches that lack '
            'images of a domain now and then.'
        )
    if not isinstance(sampler, DomainSampler):
        return
    quotas = sampler.per_domain
    if type(loader.batch_sampler) is not BatchSampler:
        raise ValueError(
            'Set `batch_sampler=None` in `train_dataloader`: a '
            f'{type(loader.batch_sampler).__name__} mixes up the quotas of domains.'
        )
    if loader.batch_size != sum(quotas):
        raise ValueError(
            f'Set `batch_size={sum(quotas)}` for `per_domain={quotas}`, not '
            f'{loader.batch_size}: domains would drift through the batches.'
        )
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        raise ValueError(
            "Set `train_cfg=dict(type='IterBasedTrainLoop', max_iters=...)`: an epoch "
            'of a DomainSampler, whose batches never end, would not end either.'
        )
    for dataset in walk(loader.dataset.datasets[-1]):
        chosen = getattr(dataset, 'filter_cfg', None) or {}
        by_labels = chosen.get('filter_empty_gt') and not dataset.test_mode
        if by_labels and not isinstance(dataset, UnlabelledDataset):
            raise ValueError(
                'Use an UnlabelledDataset for the target, whose labels nobody may see: '
                f'a {type(dataset).__name__} drops images by them (`filter_empty_gt`).'
            )


def _expect_branches(filled: Iterable[str], branches: Sequence[str]) -> None:
    missing = [name for name in branches if name not in filled]
    if missing:
        raise ValueError(
            f'Add a dataset whose `MultiBranch` fills {missing} to `train_dataloader`: '
            f'LossMixTeacher needs {list(branches)} but got {sorted(filled)}; see '
            'configs/uda/_base_/views.py.'
        )


def _check_classes(runner: Runner, detector: nn.Module) -> None:
    source = _classes(runner.train_dataloader.dataset)
    test = _classes(runner.val_loop.dataloader.dataset) if runner.val_loop else None
    if source is None:
        return
    for name, module in detector.named_modules():
        outputs = getattr(module, 'num_classes', len(source))
        if re.search(r'\bbbox_head(\.\d+)?$', name) and outputs != len(source):
            raise ValueError(
                f'Set `num_classes={len(source)}` of `{name}`, as many as the source '
                f'has classes, not {outputs}.'
            )
    if test is None or tuple(source) == tuple(test):
        return
    common = [name for name in test if name in source]
    found = f'{len(common)} in common: {common}' if common else 'no common class'
    raise ValueError(
        'Give source and validation the same `metainfo=dict(classes=...)`, those that '
        'they share in one order, and the detector as many (`num_classes`): got '
        f'{list(source)} and {list(test)}, {found}.'
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
    check_labels(dataset)
    return metainfo.get('classes')


def _check_views(dataset: Any) -> None:
    """Send boxes through both branches of the target's pipeline, some times.

    Many transforms (``RandomAffine``, ``Albu``) keep no record of where they move
    pixels, but all move boxes along. The random generators stay as they are.
    """
    with random_state_kept():
        for results, views in _branched(dataset):
            for _ in range(TRIES):
                weak = _probed(views[WEAK], results)
                strong = _probed(views[STRONG], results)
                if weak.shape != strong.shape or not np.allclose(weak, strong):
                    steps = [type(step).__name__ for step in views[STRONG].transforms]
                    raise ValueError(
                        'Expected weak and strong views of the target to have boxes '
                        f'at the same places but got {weak.tolist()} and '
                        f'{strong.tolist()} after {steps}. {REMEDY}'
                    )


def _branched(dataset: Any) -> Iterator[Tuple[dict, Dict[str, Compose]]]:
    """Images as they come to what makes two views of them, one of each dataset."""
    for node in walk(dataset):
        steps: List[Any] = getattr(getattr(node, 'pipeline', None), 'transforms', [])
        for at, step in enumerate(steps):
            views = step.branch_pipelines if isinstance(step, MultiBranch) else {}
            if WEAK in views and STRONG in views:
                results = Compose(steps[:at])(node.get_data_info(0))
                if results is not None:
                    yield results, views


def _probed(view: Compose, results: dict) -> Tensor:
    """Where the probes are in a view; ``MultiBranch`` copies in this way."""
    results = copy.deepcopy(results)
    height, width = results['img_shape'][:2]
    results['gt_bboxes'] = HorizontalBoxes(PROBES * [width, height, width, height])
    results['gt_bboxes_labels'] = np.zeros(len(PROBES), dtype=np.int64)
    results['gt_ignore_flags'] = np.zeros(len(PROBES), dtype=bool)
    return get_box_tensor(view(results)['data_samples'].gt_instances.bboxes)
