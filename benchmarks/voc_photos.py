"""A VOCdevkit whose images are as large, in pixels and in bytes, as those of VOC.

For measurements: what is in the images is noise, but it takes as long to decode as a
photograph.
"""

from pathlib import Path
from typing import List, Tuple

import cv2
import numpy as np

from synthetic_voc import CLASS_NAMES, Annotation
from synthetic_voc.scene import Scene
from synthetic_voc.voc_writer import (
    make_folders,
    write_image_set,
    write_scene,
)

# (width, height) of the first 217 images of VOC2007's test set, and how many have it.
VOC_SIZES = {
    (500, 375): 93, (500, 333): 32, (375, 500): 16, (333, 500): 8, (500, 332): 7,
    (500, 334): 6, (332, 500): 5, (500, 335): 2, (500, 357): 2, (318, 480): 2,
    **dict.fromkeys([
        (353, 500), (335, 500), (500, 406), (354, 480), (500, 324), (380, 285),
        (486, 500), (500, 331), (500, 356), (500, 272), (500, 330), (330, 500),
        (360, 270), (432, 256), (500, 215), (500, 367), (500, 346), (500, 360),
        (360, 500), (400, 266), (500, 374), (319, 480), (449, 500), (500, 373),
        (500, 264), (500, 329), (500, 344), (500, 354), (500, 376), (480, 354),
        (500, 321), (500, 459), (500, 468), (480, 349), (500, 337), (332, 220),
        (500, 400), (366, 500), (212, 320), (327, 435), (500, 408), (500, 442),
        (338, 500), (500, 446),
    ], 1),
}  # fmt: skip
YEARS = ('VOC2007', 'VOC2012')
JPEG_QUALITY = 95  # 84 KB an image; 5,011 images of VOC2007 make up 439 MB


def voc_sizes(count: int, seed: int = 0) -> List[Tuple[int, int]]:
    """Draw (width, height) of ``count`` images, distributed as VOC's."""
    sizes = [size for size, share in VOC_SIZES.items() for _ in range(share)]
    order = np.random.default_rng(seed).permutation(len(sizes))
    return [sizes[order[i % len(sizes)]] for i in range(count)]


def noise_photo(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Noise over octaves, smooth as photographs are.

    Returns:
        np.ndarray: BGR image, shape (height, width, 3), uint8.
    """
    image = np.full((height, width, 3), 128, np.float32)
    for cell in (1, 2, 4, 8, 16, 32, 64, 128):
        shape = (height // cell + 2, width // cell + 2)
        grey = rng.standard_normal((*shape, 1), np.float32)
        colour = rng.standard_normal((*shape, 3), np.float32)
        noise = (grey + 0.3 * colour) * 7 * cell**0.3
        image += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    return image.clip(0, 255).astype(np.uint8)


def write_voc_photos(
    root: Path, count: int = 217, seed: int = 0, scale: float = 1.0
) -> Path:
    """Write ``count`` images, half of them in VOC2007 and half in VOC2012 (trainval).

    Args:
        root (Path): Gets the folder VOCdevkit.
        count (int): How many images, at least 2. Defaults to 217, one for each size of
            :data:`VOC_SIZES`.
        seed (int): Of sizes and contents. Defaults to 0.
        scale (float): Shrinks the images, for tests. Defaults to 1.

    Returns:
        Path: ``root/VOCdevkit``, to be used as ``data_root``.
    """
    rng = np.random.default_rng(seed)
    devkit = Path(root) / 'VOCdevkit'
    make_folders(devkit, YEARS)
    names: List[List[str]] = [[], []]
    for i, size in enumerate(voc_sizes(count, seed)):
        width, height = (round(side * scale) for side in size)
        scene = Scene(
            noise_photo(rng, width, height),
            _annotations(rng, width, height),
            np.zeros((0, 0), np.uint8),
            JPEG_QUALITY,
        )
        write_scene(scene, devkit, YEARS[i % 2], f'{i:06d}')
        names[i % 2].append(f'{i:06d}')
    for year, ids in zip(YEARS, names):
        write_image_set(devkit, year, 'trainval', ids)
    return devkit


def _annotations(rng: np.random.Generator, width: int, height: int) -> List[Annotation]:
    """From one to four boxes of at least a quarter of the image's sides."""
    entries = []
    for label in range(rng.integers(1, 5)):
        w, h = (rng.uniform(0.25, 0.8, 2) * (width, height)).astype(int)
        x, y = rng.integers(0, width - w), rng.integers(0, height - h)
        name = CLASS_NAMES[rng.integers(len(CLASS_NAMES))]
        box = (int(x), int(y), int(x + w), int(y + h))
        entries.append(Annotation(name, box, False, False, label))
    return entries
