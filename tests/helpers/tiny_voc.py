"""For tests that read VOC: a VOCdevkit and a BCCD of a few small images."""

from pathlib import Path

import cv2
import numpy as np

SPLITS = {
    ('VOC2007', 'trainval'): 6,
    ('VOC2007', 'test'): 4,
    ('VOC2012', 'trainval'): 6,
}
COLOURS = {
    'aeroplane': (200, 60, 40),
    'car': (40, 70, 220),
    'dog': (50, 170, 60),
    'person': (190, 190, 50),
}
CELLS = {'RBC': (60, 60, 220), 'WBC': (220, 90, 60), 'Platelets': (90, 170, 60)}


def write_voc(root: Path, seed: int = 0) -> Path:
    """Write VOC2007 (trainval, test) and VOC2012 (trainval) into ``root``.

    Images are landscape and portrait in turn, with one or two coloured rectangles on
    noise, and now and then an object that is small or marked as difficult.
    """
    rng = np.random.default_rng(seed)
    for (year, split), count in SPLITS.items():
        _write_split(root / year, split, count, COLOURS, rng)
    return root


def write_bccd(root: Path, seed: int = 0) -> Path:
    """Write a BCCD (train, val, test) into ``root``, drawn like :func:`write_voc`'s."""
    rng = np.random.default_rng(seed)
    for split, count in dict(train=4, val=2, test=2).items():
        _write_split(root, split, count, CELLS, rng)
    return root


def _write_split(
    root: Path, split: str, count: int, colours: dict, rng: np.random.Generator
) -> None:
    names = [f'{split}_{i:02d}' for i in range(count)]
    for folder in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        size = (90, 120) if i % 3 else (120, 90)
        _write_image(root, name, size, colours, rng)
    list_file = root / 'ImageSets/Main' / f'{split}.txt'
    list_file.write_text('\n'.join(names) + '\n')


def _write_image(
    root: Path, name: str, size: tuple, colours: dict, rng: np.random.Generator
) -> None:
    height, width = size
    image = rng.integers(90, 150, (height, width, 3), dtype=np.uint8)
    objects = ''
    for i in range(rng.integers(1, 4)):
        category = rng.choice(list(colours))
        # Of the third, mmdet's VOC configs (bbox_min_size=32) make an ignored one.
        w, h = (14, 18) if i == 2 else rng.integers(36, 60, 2)
        x, y = rng.integers(1, width - w), rng.integers(1, height - h)
        cv2.rectangle(
            image, (int(x), int(y)), (int(x + w), int(y + h)), colours[category], -1
        )
        objects += (
            f'<object><name>{category}</name><difficult>{int(i == 1 and w > 54)}'
            f'</difficult><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>'
            f'<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>'
        )
    cv2.imwrite(str(root / 'JPEGImages' / f'{name}.jpg'), image)
    (root / 'Annotations' / f'{name}.xml').write_text(
        f'<annotation><size><width>{width}</width><height>{height}</height>'
        f'<depth>3</depth></size>{objects}</annotation>'
    )
