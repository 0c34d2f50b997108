"""Annotations in the keys of ``LoadAnnotations``, taken out and put back."""

from typing import Any, Dict

from mmengine.structures import InstanceData

from mmdet_lossmix.mixing.annotations import Annotations

# The key of a pipeline's results, and the field of an object that it holds.
FIELDS = {
    'gt_bboxes': 'bboxes',
    'gt_bboxes_labels': 'labels',
    'gt_ignore_flags': 'ignore_flags',
    'gt_masks': 'masks',
}
ANNOTATION_KEYS = (*FIELDS, 'gt_seg_map')
# They belong to one image alone, and nothing downstream could tell to which.
UNSUPPORTED_KEYS = ('proposals', 'gt_keypoints', 'gt_instances_ids')


def read_annotations(results: dict) -> Annotations:
    """The annotations in ``results`` themselves, not copied.

    Raises:
        ValueError: If ``results`` hold annotations that cannot be mixed.
    """
    for key in UNSUPPORTED_KEYS:
        if key in results:
            raise ValueError(
                f'Remove `{key}` from the pipeline: it cannot be mixed. Mixing knows '
                f'{", ".join(ANNOTATION_KEYS)}.'
            )
    found = {name: results[key] for key, name in FIELDS.items() if key in results}
    return Annotations({'gt': InstanceData(**found)}, results.get('gt_seg_map'))


def as_results(annotations: Annotations) -> Dict[str, Any]:
    """The entries of a pipeline's results that hold these annotations."""
    (objects,) = annotations.instances.values()
    results = {k: objects.get(name) for k, name in FIELDS.items() if name in objects}
    if annotations.seg_map is not None:
        results['gt_seg_map'] = annotations.seg_map
    return results
