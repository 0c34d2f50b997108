"""The user's own COCO-format data in the config of any detector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from mmengine.config import Config, ConfigDict

from mmdet_lossmix.datasets.walk import dicts_in

from .schema import as_list

SPLITS = ('train', 'val', 'test')


def use_coco(cfg: Config, coco: Mapping[str, Any]) -> None:
    """Train, validate and test on COCO-format files, in place.

    The config keeps its pipelines, wrappers, samplers and batch sizes. Classes are the
    categories of the training file, and every head gets as many.

    Args:
        cfg: Of a detector, of any data.
        coco: ``train``, ``val`` and optionally ``test`` (default: ``val``): an
            annotation file that lies beside its images, or a list of the file and the
            folder of its images.

    Raises:
        ValueError: If the files do not agree, or the config's data have several parts.
    """
    files = {split: as_list(coco.get(split, coco['val'])) for split in SPLITS}
    names = {split: categories(Path(files[split][0])) for split in SPLITS}
    for split in SPLITS:
        if names[split] != names['train']:  # mmdet numbers classes by the file
            raise ValueError(
                f'write the same categories in the same order into {files[split][0]} '
                f'as into {files["train"][0]}: it has {", ".join(names[split])} '
                f'instead of {", ".join(names["train"])}'
            )
        annotations, images = files[split][0], files[split][-1]
        if images == annotations:
            images = str(Path(annotations).parent)
        leaves = [d for d in dicts_in(cfg[f'{split}_dataloader']) if 'ann_file' in d]
        if len(leaves) != 1:
            raise ValueError(
                f'name a config with one {split} set, of which `data.coco` takes the '
                f'place; this one has {len(leaves)}'
            )
        leaves[0].update(
            type='CocoDataset',
            metainfo=dict(classes=names['train']),
            data_root='',
            ann_file=annotations,
            data_prefix=dict(img=f'{images}/'),
        )
        if split != 'train':
            cfg[f'{split}_evaluator'] = ConfigDict(
                type='CocoMetric', ann_file=annotations, metric='bbox'
            )
    for node in dicts_in(cfg.model):
        if 'num_classes' in node:
            node['num_classes'] = len(names['train'])


def categories(annotations: Path) -> tuple[str, ...]:
    """The names of a COCO file's categories.

    Raises:
        ValueError: If there is no such file, or it is none of COCO's.
    """
    try:
        content = json.loads(annotations.read_text(encoding='utf-8'))
        return tuple(category['name'] for category in content['categories'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'give a COCO annotation file with images, annotations and categories; '
            f'{annotations} is none: {error!r}'
        ) from error
