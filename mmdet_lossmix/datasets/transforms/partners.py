"""Where a pipeline transform takes the partner image from."""

import os.path as osp
import random
from typing import List, NamedTuple, Optional

import cv2
import numpy as np
from mmengine.logging import print_log

from mmdet_lossmix.mixing.annotations import Annotations
from mmdet_lossmix.mixing.canvas import in_c_order

from .annotation_keys import read_annotations


class LoadedImage(NamedTuple):
    """An image and what it is labelled with.

    Attributes:
        img (np.ndarray): Shape (H, W) or (H, W, C).
        img_path (str, optional): Its file.
        annotations (Annotations): Of the image.
        memory (np.ndarray, optional): Where a cache keeps the image.
    """

    img: np.ndarray
    img_path: Optional[str]
    annotations: Annotations
    memory: Optional[np.ndarray] = None

    @classmethod
    def of(cls, results: dict) -> 'LoadedImage':
        """What a pipeline has loaded, not copied."""
        annotations = read_annotations(results)
        return cls(results['img'], results.get('img_path'), annotations)


class PartnerCache:
    """The last images that this worker loaded, unmixed, for later ones to mix with.

    Needs no second decoding and no dataset wrapper. Each worker process has its own.
    Images lie in memory that the cache keeps and uses again: asking the system for
    fresh memory for every image takes longer than blending it.

    Args:
        max_cached_images (int): How many images to hold, at least 1. Each takes as much
            memory as the largest that came: 1.7 MB if resized to (1000, 600).
    """

    def __init__(self, max_cached_images: int) -> None:
        if max_cached_images < 1:
            raise ValueError(
                f'Expected `max_cached_images` >= 1 but got {max_cached_images}; to '
                'switch mixing off use `prob=0`.'
            )
        self.max_cached_images = max_cached_images
        self.entries: List[LoadedImage] = []
        self._spare = np.empty(0, np.uint8)

    def push(self, loaded: LoadedImage) -> LoadedImage:
        """Copy an image into the cache, dropping a random entry if it is full.

        The entry that was dropped stays intact until the next push.

        Returns:
            LoadedImage: The new entry, to be read only.
        """
        spare, self._spare = self._spare, np.empty(0, np.uint8)
        if len(self.entries) >= self.max_cached_images:
            dropped = self.entries.pop(random.randrange(len(self.entries)))
            self._spare = dropped.memory
        image = loaded.img
        if spare.nbytes < image.nbytes:
            spare = np.empty(image.nbytes, np.uint8)
        out = spare[: image.nbytes].view(image.dtype).reshape(image.shape)
        entry = LoadedImage(
            in_c_order(image, out), loaded.img_path, loaded.annotations.copy(), spare
        )
        self.entries.append(entry)
        return entry

    def draw(self, image: np.ndarray) -> Optional[LoadedImage]:
        """Draw a partner of an image, one of the same orientation if there is any.

        A landscape and a portrait image would meet on a canvas up to 1.7 times as
        large, and the detector pays for every pixel.

        Returns:
            LoadedImage, optional: None if the cache is empty.
        """
        if not self.entries:
            return None
        return random.choice(self._alike(image) or self.entries)

    def exchange(self, image: np.ndarray, partner: LoadedImage) -> LoadedImage:
        """Exchange a partner of the other orientation for one of the same.

        ``MultiImageMixDataset`` asks for a partner without saying for which image, so a
        partner may not suit. The cache takes it, for a later image that it does suit,
        and gives one that came earlier; none is decoded in vain. Landscape images get
        portrait partners as often as portrait ones get landscape partners, so there
        are some of both.

        Returns:
            LoadedImage: ``partner`` itself if it suits, or while there is none that
            does.
        """
        if is_landscape(image) == is_landscape(partner.img):
            return partner
        alike = self._alike(image)
        self.push(partner)
        return random.choice(alike) if alike else partner

    def _alike(self, image: np.ndarray) -> List[LoadedImage]:
        landscape = is_landscape(image)
        return [e for e in self.entries if is_landscape(e.img) == landscape]


def is_landscape(image) -> bool:
    """Whether an image (H, W, ...) is at least as wide as high."""
    return image.shape[1] >= image.shape[0]


class SkippedPartners:
    """Counts partners that could not be had; says so once, and again at every 1,000."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, why: str) -> None:
        """Count one more, for the reason ``why``."""
        self.count += 1
        if self.count == 1 or self.count % 1000 == 0:
            print_log(
                f'{why}: the image stays unmixed ({self.count} skipped in this worker '
                'so far). Mend or remove the file, then its annotation.',
                logger='current',
                level=30,
            )


def draw_index(dataset, skipped: SkippedPartners, max_tries: int = 15) -> List[int]:
    """Draw the index of a partner whose image file is there and is an image.

    Only the file's header is read; ``MultiImageMixDataset`` decodes it afterwards.

    Args:
        dataset (:obj:`BaseDataset`): Or any wrapper that has ``get_data_info``.
        skipped (SkippedPartners): Counts what is passed over.
        max_tries (int): How many indices to try. Defaults to 15.

    Returns:
        list[int]: One index, or none if no try found a readable image.
    """
    for _ in range(max_tries):
        index = random.randrange(len(dataset))
        path = dataset.get_data_info(index).get('img_path')
        # Remote files have no header to look at; their own loader speaks for them.
        if path is None or '://' in path or cv2.haveImageReader(path):
            return [index]
        reason = 'is no image' if osp.exists(path) else 'does not exist'
        skipped.add(f'The partner image {path} {reason}')
    return []
