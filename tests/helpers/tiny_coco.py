"""For tests that read COCO: nine small images with boxes, masks and crowds."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
from mmdet.datasets import CocoDataset

SPLITS = dict(train2017=7, val2017=2)
SHAPES = (120, 90), (90, 120), (90, 104)
COLOURS = dict(car=(40, 70, 220), dog=(50, 170, 60), person=(190, 190, 50))
CLASSES = CocoDataset.METAINFO['classes']
NO_IDS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
OWN_NAMES = {'person': 'cat', 'car': 'dog', 'dog': 'horse'}
IDS = dict(zip(CLASSES, (i for i in range(1, 91) if i not in NO_IDS)))


def write_coco(root: Path, seed: int = 0) -> Path:
    """Write ``train2017``, ``val2017`` and ``annotations`` of COCO's 80 classes.

    Images are landscape and portrait, of three shapes in turn, with one to three
    coloured ellipses on noise. Each second image has a crowd, and the last one to train
    on has no object, which COCO has as well.
    """
    rng = np.random.default_rng(seed)
    (root / 'annotations').mkdir(parents=True, exist_ok=True)
    for split, count in SPLITS.items():
        (root / split).mkdir(exist_ok=True)
        images, annotations = [], []
        for i in range(count):
            height, width = SHAPES[i % len(SHAPES)]
            empty = split == 'train2017' and i == count - 1
            picture = rng.integers(90, 150, (height, width, 3), dtype=np.uint8)
            for k in range(0 if empty else rng.integers(1, 4)):
                polygon, category = _draw_ellipse(picture, rng)
                annotations.append(_object(polygon, category))
                annotations[-1].update(image_id=i, id=100 * i + k + 1)
            if i % 2 and not empty:
                annotations.append(_crowd(height, width))
                annotations[-1].update(image_id=i, id=100 * i + 99)
            cv2.imwrite(str(root / split / f'{i:012d}.jpg'), picture)
            images.append(
                dict(id=i, file_name=f'{i:012d}.jpg', height=height, width=width)
            )
        content = dict(
            images=images,
            annotations=annotations,
            categories=[dict(id=IDS[name], name=name) for name in CLASSES],
        )
        file = root / 'annotations' / f'instances_{split}.json'
        file.write_text(json.dumps(content))
    return root


def write_own_data(root: Path) -> None:
    """The same as the pages on own data have it: three classes, two files."""
    write_coco(root)
    for split in ('train', 'val'):
        file = root / 'annotations' / f'instances_{split}2017.json'
        content = json.loads(file.read_text())
        kept = [c for c in content['categories'] if c['name'] in OWN_NAMES]
        content['categories'] = [{**c, 'name': OWN_NAMES[c['name']]} for c in kept]
        (root / f'{split}.json').write_text(json.dumps(content))
        (root / f'{split}2017').rename(root / split)
    shutil.rmtree(root / 'annotations')


def _draw_ellipse(picture: np.ndarray, rng: np.random.Generator) -> tuple:
    """Draw an object; its outline, shape (n, 2), and its category."""
    height, width = picture.shape[:2]
    category = rng.choice(list(COLOURS))
    a, b = rng.integers(14, 28, 2)
    centre = int(rng.integers(a, width - a)), int(rng.integers(b, height - b))
    polygon = np.array(cv2.ellipse2Poly(centre, (int(a), int(b)), 0, 0, 360, 20))
    cv2.fillPoly(picture, [polygon], COLOURS[category])
    return polygon, category


def _object(polygon: np.ndarray, category: str) -> dict:
    (x, y), (x2, y2) = polygon.min(0).tolist(), polygon.max(0).tolist()
    return dict(
        category_id=IDS[category],
        bbox=[x, y, x2 - x, y2 - y],
        area=float(cv2.contourArea(polygon)),
        segmentation=[polygon.ravel().astype(float).tolist()],
        iscrowd=0,
    )


def _crowd(height: int, width: int) -> dict:
    """A crowd of dogs along the top, as run lengths of columns."""
    rows = 12
    counts = [0, *[rows, height - rows] * width]
    return dict(
        category_id=IDS['dog'],
        bbox=[0, 0, width, rows],
        area=float(rows * width),
        segmentation=dict(counts=counts, size=[height, width]),
        iscrowd=1,
    )
