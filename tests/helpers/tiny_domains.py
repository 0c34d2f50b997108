"""For tests of configs/uda: VOC, Clipart1k's layout and Cityscapes' in one folder."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
from mmdet.datasets import CityscapesDataset

from mmdet_lossmix.uda.data.foggy_cityscapes import BETAS, foggy_name

CLASSES = CityscapesDataset.METAINFO['classes']


def write_domains(root: Path, voc_root: Path) -> Path:
    """Write a ``data_root`` for the source and the target of any of these configs.

    Args:
        root (Path): The folder to make.
        voc_root (Path): A VOCdevkit; its VOC2007 is copied as the target.
    """
    shutil.copytree(voc_root, root)
    for part in ('Annotations', 'JPEGImages', 'ImageSets'):
        shutil.copytree(voc_root / 'VOC2007' / part, root / part)
    lists = root / 'ImageSets/Main'
    (lists / 'trainval.txt').rename(lists / 'train.txt')
    shutil.copy(lists / 'test.txt', lists / 'val.txt')
    photos = root / 'VOC2007/ImageSets/Main'
    shutil.copy(photos / 'trainval.txt', photos / 'dev_train.txt')
    (root / 'annotations').mkdir()
    for split in ('train', 'val'):
        _write_town(root, split, np.random.default_rng(0))
    return root


def _write_town(root: Path, split: str, rng: np.random.Generator) -> None:
    images, annotations = [], []
    for i in range(3):
        name = f'town/town_{i:06d}_leftImg8bit.png'
        picture = rng.integers(90, 150, (60, 120, 3), dtype=np.uint8)
        x, y = (int(v) for v in rng.integers(5, 20, 2))
        cv2.rectangle(picture, (x, y), (x + 40, y + 30), (220, 70, 40), -1)
        clear = root / 'leftImg8bit' / split / name
        clear.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(clear), picture)
        for beta in BETAS:
            foggy = root / 'leftImg8bit_foggy' / split / foggy_name(name, beta)
            foggy.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(foggy), picture // 2 + 110)
        images.append(dict(id=i, file_name=name, width=120, height=60))
        annotations.append(
            dict(
                id=i + 1,
                image_id=i,
                category_id=CLASSES.index('car') + 1,
                bbox=[x, y, 40, 30],
                area=1200,
                iscrowd=0,
            )
        )
    content = dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=k + 1, name=name) for k, name in enumerate(CLASSES)],
    )
    file = root / f'annotations/instancesonly_filtered_gtFine_{split}.json'
    file.write_text(json.dumps(content))
