"""Annotations in a ``DetDataSample``, taken out and put back."""

from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmdet_lossmix.mixing.annotations import Annotations

INSTANCES = ('gt_instances', 'ignored_instances')


def read_annotations(sample: DetDataSample) -> Annotations:
    """The annotations of a sample themselves, not copied."""
    return Annotations(
        {key: sample.get(key) for key in INSTANCES if key in sample},
        sample.gt_sem_seg.sem_seg if 'gt_sem_seg' in sample else None,
    )


def put_annotations(sample: DetDataSample, annotations: Annotations) -> None:
    """Replace a sample's annotations; the old ones stay as they are."""
    for key, objects in annotations.instances.items():
        setattr(sample, key, objects)
    if annotations.seg_map is not None:
        sample.gt_sem_seg = PixelData(sem_seg=annotations.seg_map)
