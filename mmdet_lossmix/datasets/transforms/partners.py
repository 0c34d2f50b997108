"""Where a pipeline transform takes the partner image from."""

import os.path as osp
import random
from typing import List, Optional

import cv2
from mmengine.logging import print_log

from .target_ops import take_targets


class PartnerCache:
    """The last images that this worker loaded, unmixed, for later ones to mix with.

    Needs no second decoding and no dataset wrapper. Each worker process has its own.

    Args:
        max_cached_images (int): How many images to hold, at least 1. At the size of
            VOC's, one takes about 0.5 MB.
    """

    def __init__(self, max_cached_images: int) -> None:
        if max_cached_images < 1:
            raise ValueError(
                f'Expected `max_cached_images` >= 1 but got {max_cached_images}; to '
                'switch mixing off use `prob=0`.'
            )
        self.max_cached_images = max_cached_images
        self.entries: List[dict] = []

    def push(self, results: dict) -> None:
        """Hold ``results``, dropping a random entry if the cache is full.

        The image array is kept without a copy: whoever hands ``results`` on hands on
        another array.
        """
        if len(self.entries) >= self.max_cached_images:
            self.entries.pop(random.randrange(len(self.entries)))
        self.entries.append(
            {
                'img': results['img'],
                'img_path': results.get('img_path'),
                **take_targets(results),
            }
        )

    def draw(self, results: dict) -> Optional[dict]:
        """Draw a partner, one of the same orientation if there is any.

        A landscape and a portrait image would meet on a canvas up to 1.7 times as
        large, and the detector pays for every pixel.

        Returns:
            dict, optional: None if the cache is empty.
        """
        if not self.entries:
            return None
        landscape = is_landscape(results['img'])
        alike = [e for e in self.entries if is_landscape(e['img']) == landscape]
        return random.choice(alike or self.entries)


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
