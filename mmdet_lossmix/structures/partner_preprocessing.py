"""A data preprocessor's work on annotations, for those of partners."""

import copy
from typing import Optional

from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.models.utils import samplelist_boxtype2tensor
from mmdet.structures import SampleList
from torch import Tensor


def preprocess_partners(
    own: SampleList,
    partner: SampleList,
    batch_inputs: Optional[Tensor],
    data_preprocessor: DetDataPreprocessor,
) -> None:
    """Do to partners' annotations, in place, what was done to their images' own.

    The data preprocessor has treated the ``own`` samples; see :func:`split_batch`.

    Raises:
        ValueError: If a partner lacks a field of its image's own annotations.
    """
    if data_preprocessor.boxtype2tensor:
        samplelist_boxtype2tensor(partner)
    if data_preprocessor.pad_mask:
        data_preprocessor.pad_gt_masks(partner)
    if data_preprocessor.pad_seg:
        data_preprocessor.pad_gt_sem_seg(partner)
    # More than DetDataPreprocessor does, such as masks from boxes (BoxInst).
    adds_work = type(data_preprocessor).forward is not DetDataPreprocessor.forward
    if adds_work and _missing(own, partner):
        data = dict(inputs=batch_inputs, data_samples=partner)
        _added_work(data_preprocessor).forward(data, training=True)
    missing = _missing(own, partner)
    if missing:
        raise ValueError(
            "Load the annotations of both images alike: the partner's `gt_instances` "
            f'lacks {sorted(missing)}. If the data preprocessor makes them for own '
            'annotations alone, train with BatchUnionMix, which needs no wrapper.'
        )


def _missing(own: SampleList, partner: SampleList) -> set:
    """Fields of own annotations that partners' lack."""
    return {
        key
        for sample, other in zip(own, partner)
        for key in sample.gt_instances.keys()  # noqa: SIM118  it iterates over items
        if 'gt_instances' not in other or key not in other.gt_instances
    }


class _Done(DetDataPreprocessor):
    """What a subclass's ``super().forward()`` finds instead of doing it all again."""

    def forward(self, data: dict, training: bool = False) -> dict:
        return data


def _added_work(data_preprocessor: DetDataPreprocessor) -> DetDataPreprocessor:
    """The same preprocessor, but for what it inherits from DetDataPreprocessor."""
    kind = type(data_preprocessor)
    added = copy.copy(data_preprocessor)
    # In the order of resolution _Done comes between the subclass and its base.
    added.__class__ = type(kind.__name__, (kind, _Done), {})
    return added
