"""For tests of hostile data: images in memory, and a model that notes what it gets."""

import copy
from typing import Any, ClassVar, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import DATASETS, MODELS
from mmdet.structures import DetDataSample, SampleList
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmengine.structures import InstanceData
from torch import Tensor, nn

WAYS = ('cache', 'dataset', 'batch')
STRATEGIES = ('LossMix', 'Union', 'Noise', 'Sampled')
Objects = List[Tuple[float, ...]]


@DATASETS.register_module()
class InMemory(BaseDataset):
    """Gives out images as ``LoadAnnotations`` leaves them."""

    METAINFO: ClassVar[dict] = dict(classes=('thing',))

    def __init__(self, images: Sequence[dict], pipeline: Sequence[dict]) -> None:
        self.images = images
        super().__init__(pipeline=list(pipeline), serialize_data=False)

    def load_data_list(self) -> List[dict]:
        return list(self.images)


@MODELS.register_module()
class Recorder(BaseDetector):
    """Its loss of an image is a number that tells its annotations, see ``content``."""

    def __init__(self, data_preprocessor: Any = None, init_cfg: Any = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.scale = nn.Parameter(torch.ones(()))
        self.seen: List[Tuple[Tensor, SampleList]] = []

    def extract_feat(self, batch_inputs: Tensor) -> Tuple[Tensor]:
        return (batch_inputs,)

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict:
        self.seen.append((batch_inputs, batch_data_samples))
        self.extract_feat(batch_inputs)
        numbers = [content(sample) for sample in batch_data_samples]
        return dict(loss=self.scale * float(np.mean(numbers)))

    def predict(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> Any:
        raise NotImplementedError

    def _forward(self, batch_inputs: Tensor, batch_data_samples: Any = None) -> Any:
        raise NotImplementedError


def batches(
    way: str,
    strategy: str,
    images: Sequence[dict],
    mix: Optional[Dict[str, Any]] = None,
    before: Sequence[dict] = (),
    after: Sequence[dict] = (),
    epochs: int = 3,
    seed: int = 0,
    padding: bool = True,
) -> List[Tuple[Tensor, SampleList, float, List[Tuple[Tensor, SampleList]]]]:
    """Send all images through one way of mixing, as one batch, once in each epoch.

    Args:
        way (str): One of ``WAYS``.
        strategy (str): One of ``STRATEGIES``.
        images (list[dict]): As ``LoadAnnotations`` leaves them.
        mix (dict, optional): Arguments of what mixes.
        before, after (list[dict]): Steps around mixing; before packing in a batch.
        epochs (int): Batches to make. Defaults to 3.
        seed (int): Of all that is drawn. Defaults to 0.
        padding (bool): Whether masks and maps are padded to the batch, for which all
            samples have to have some. Defaults to True.

    Returns:
        list[tuple]: For each batch the images and samples that ``model.loss`` gets, the
        loss, and what the detector itself got for it, call by call.
    """
    init_default_scope('mmdet')
    set_random_seed(seed)
    MessageHub.get_current_instance().update_info('seed', seed)
    pack = dict(type='PackDetInputs')
    augments = []
    if way == 'batch':
        augments = [dict(type=f'Batch{name_of(strategy)}', **(mix or {}))]
        steps = [*after, pack]
    else:
        if strategy == 'LossMix':
            pack = dict(type='PackLossMixInputs')
        steps = [
            dict(type=f'{name_of(strategy)}Transform', **(mix or {})),
            *after,
            pack,
        ]
    if way == 'dataset':
        inner = dict(type='InMemory', images=images, pipeline=list(before))
        dataset = DATASETS.build(
            dict(type='MultiImageMixDataset', dataset=inner, pipeline=steps)
        )
    else:
        dataset = InMemory(images, [*before, *steps])
    preprocessor = dict(
        type='DetDataPreprocessor',
        pad_mask=padding,
        pad_seg=padding,
        batch_augments=augments or None,
    )
    model = dict(type='Recorder', data_preprocessor=preprocessor)
    if strategy == 'LossMix':
        weighting = 'batch' if way == 'batch' else 'image'
        model = dict(type='LossMixDetector', detector=model, weighting=weighting)
    built = MODELS.build(model)
    hub, result = MessageHub.get_current_instance(), []
    for epoch in range(epochs):
        hub.update_info('iter', epoch)
        data = pseudo_collate([dataset[i] for i in range(len(dataset))])
        data = built.data_preprocessor(data, training=True)
        given = copy.deepcopy(data['data_samples'])
        built.seen.clear()
        loss = built.loss(data['inputs'], data['data_samples'])['loss'].item()
        result.append((data['inputs'], given, loss, list(built.seen)))
    return result


def name_of(strategy: str) -> str:
    special = dict(LossMix='LossMix', Sampled='SampledLossMix')
    return special.get(strategy, f'{strategy}Mix')


def objects(kind: InstanceData) -> Objects:
    """A tuple for each object: its box, its label, and the area of its mask."""
    count = len(kind)
    boxes = kind.get('bboxes', np.zeros((count, 0)))
    columns = [
        np.asarray(getattr(boxes, 'tensor', boxes)),  # a partner's are no tensor yet
        np.asarray(kind.get('labels', np.zeros(count))).reshape(-1, 1),
    ]
    if 'masks' in kind:
        columns.append(np.asarray(kind.masks.areas).reshape(-1, 1))
    return [tuple(row) for row in np.hstack(columns).tolist()] if count else []


def content(sample: DetDataSample) -> float:
    """A number that tells annotations apart."""
    found = objects(sample.gt_instances)
    ignored = objects(sample.ignored_instances)
    labelled = 0
    if 'gt_sem_seg' in sample:
        labelled = int((sample.gt_sem_seg.sem_seg != 255).sum())
    weights = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])
    return labelled + sum(
        factor * float(np.dot(row, weights[: len(row)]))
        for factor, rows in ((1.0, found), (0.1, ignored))
        for row in rows
    )
