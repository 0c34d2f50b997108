"""What class a label of a dataset stands for."""

import json
import logging
from typing import Any, Dict

from mmdet.datasets import CocoDataset, XMLDataset
from mmengine.fileio import get_text
from mmengine.logging import print_log

from .walk import walk

MAX_COUNTED = 20_000  # images, evenly spread over a larger dataset; a second at most


def check_labels(dataset: Any) -> None:
    """Refuse COCO files whose labels are not what the list of classes says.

    mmdet numbers the labels of a COCO file by the order of its ``categories``, and
    leaves out classes that it lacks, whatever ``metainfo['classes']`` says. The dataset
    has been built and loaded, and may be wrapped.

    Raises:
        ValueError: If the label of a class is not its place in ``classes``.
    """
    for node in walk(dataset):
        if not isinstance(node, CocoDataset) or not hasattr(node, 'cat2label'):
            continue
        classes, names = list(node.metainfo['classes']), _categories(node)
        found = [names[index] for index in node.cat_ids]
        if found == classes or not set(found) <= set(classes):
            continue
        missing = [name for name in classes if name not in found]
        others = [name for name in names.values() if name not in classes]
        what = f'Set `metainfo=dict(classes={tuple(found)})`, in all datasets, or sort'
        if missing:
            what = f'Spell {missing} in `classes` as in {others!s:.300}, or add it to'
        raise ValueError(
            f'{what} `categories` in {node.ann_file}: labels follow the order of '
            f'that file, {found}, not the `classes`, {classes}.'
        )


def _categories(dataset: CocoDataset) -> Dict[int, str]:
    """Names by id; the dataset has dropped what it read of the file but for the ids."""
    text = get_text(dataset.ann_file, backend_args=dataset.backend_args)
    try:  # to parse all of a large file takes ten seconds
        start = text.index('[', text.rindex('"categories"'))
        found = json.JSONDecoder().raw_decode(text, start)[0]
        names = {one['id']: one['name'] for one in found}
    except (ValueError, TypeError, KeyError):
        names = {}
    if not set(dataset.cat_ids) <= set(names):  # the last `categories` are others
        found = json.loads(text)['categories']
        names = {one['id']: one['name'] for one in found}
    return names


def warn_of_classes_without_object(dataset: Any) -> None:
    """Count the objects of files in VOC's format, until each class has one."""
    nodes = [node for node in walk(dataset) if isinstance(node, XMLDataset)]
    counts = {name: 0 for node in nodes for name in node.metainfo['classes']}
    for node in nodes:
        classes = node.metainfo['classes']
        for i in range(0, len(node), len(node) // MAX_COUNTED + 1):
            if all(counts.values()):
                return
            for one in node.get_data_info(i)['instances']:
                counts[classes[one['bbox_label']]] += 1
    without = [name for name, count in counts.items() if not count]
    if without:
        print_log(
            f'Check the spelling of {without} in `classes`: the training has no object '
            f'of them. Objects by class: {counts}.',
            logger='current',
            level=logging.WARNING,
        )
