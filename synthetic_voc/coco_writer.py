"""Write what COCO's format has beyond Pascal VOC's: a mask of each object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Sequence

import numpy as np
from pycocotools import mask as coco_mask

from .scene import Scene


def coco_entry(scene: Scene, file_name: str) -> dict[str, Any]:
    """What a COCO file says of a scene, before anything has a number.

    A difficult object becomes a crowd: it counts neither for nor against.
    """
    height, width = scene.image.shape[:2]
    objects = []
    for entry in scene.annotations:
        left, top, right, bottom = entry.box
        seen = scene.owner == entry.label
        mask = coco_mask.encode(np.asfortranarray(seen, dtype=np.uint8))
        objects.append(
            {
                'name': entry.name,
                'bbox': [left, top, right - left, bottom - top],
                'area': int(np.count_nonzero(seen)),
                'iscrowd': int(entry.difficult),
                'segmentation': {**mask, 'counts': mask['counts'].decode()},
            }
        )
    image = {'file_name': file_name, 'height': height, 'width': width}
    return {'image': image, 'objects': objects}


def write_coco(
    path: Path, entries: Sequence[dict[str, Any]], classes: Sequence[str]
) -> None:
    """Write a COCO file of scenes; categories have the order of ``classes``."""
    categories = [{'id': i, 'name': name} for i, name in enumerate(classes, start=1)]
    number = {category['name']: category['id'] for category in categories}
    images: list[dict] = []
    annotations: list[dict] = []
    for image_id, entry in enumerate(entries, start=1):
        images.append({'id': image_id, **entry['image']})
        for found in entry['objects']:
            fields = {key: value for key, value in found.items() if key != 'name'}
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': number[found['name']],
                    **fields,
                }
            )
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    path.write_text(json.dumps(content) + '\n', encoding='utf-8')
