"""What class a label of a dataset stands for."""

import json
from typing import Any, List

from mmdet.datasets import CocoDataset
from mmengine.fileio import get_text

from .walk import walk


def check_labels(dataset: Any) -> None:
    """Refuse COCO files whose labels are not what the list of classes says.

    mmdet numbers the labels of a COCO file by the order of its ``categories``, and
    leaves out classes that it lacks, whatever ``metainfo['classes']`` says.

    Args:
        dataset (:obj:`BaseDataset`): Built and loaded, perhaps wrapped.

    Raises:
        ValueError: If the label of a class is not its place in ``classes``.
    """
    for node in walk(dataset):
        if isinstance(node, CocoDataset) and hasattr(node, 'cat2label'):
            classes, found = list(node.metainfo['classes']), _names_by_label(node)
            if found != classes and set(found) <= set(classes):
                raise ValueError(
                    f'Set `metainfo=dict(classes={tuple(found)})`, in all datasets, or '
                    f'reorder `categories` in {node.ann_file}: labels follow the order '
                    f'of that file, {found}, not the `classes`, {classes}.'
                )


def _names_by_label(dataset: CocoDataset) -> List[str]:
    # The dataset has dropped what it read of the file but for the ids.
    text = get_text(dataset.ann_file, backend_args=dataset.backend_args)
    names = {c['id']: c['name'] for c in json.loads(text)['categories']}
    return [names[index] for index in dataset.cat_ids]
