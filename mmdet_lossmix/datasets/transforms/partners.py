"""Where a pipeline transform takes the partner image from."""

import random
from typing import Any, List, NamedTuple, Optional

import numpy as np
from mmdet.datasets.transforms import Resize

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.mixing.annotations import PROMPTS, Annotations
from mmdet_lossmix.mixing.canvas import in_c_order

from .annotation_keys import read_annotations


class LoadedImage(NamedTuple):
    """An image and what it is labelled with.

    Attributes:
        img (np.ndarray): Shape (H, W) or (H, W, C).
        img_path (str, optional): Its file.
        annotations (Annotations): Of the image.
        prompts (dict): What its labels refer to, if not to the classes of the dataset.
        img_id (int or str, optional): Tells images apart that have no file.
        memory (np.ndarray, optional): Where a cache keeps the image.
    """

    img: np.ndarray
    img_path: Optional[str]
    annotations: Annotations
    prompts: dict
    img_id: Any = None
    memory: Optional[np.ndarray] = None

    @classmethod
    def of(cls, results: dict) -> 'LoadedImage':
        """What a pipeline has loaded, not copied."""
        annotations = read_annotations(results)
        prompts = {key: results[key] for key in PROMPTS if key in results}
        path, img_id = results.get('img_path'), results.get('img_id')
        return cls(results['img'], path, annotations, prompts, img_id)


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
        hint = '; to switch mixing off use `prob=0`'
        check_number(
            'max_cached_images', max_cached_images, '[1, inf)', whole=True, hint=hint
        )
        self.max_cached_images = max_cached_images
        self.entries: List[LoadedImage] = []
        self._spare: Any = np.empty(0, np.uint8)
        self._last: Optional[LoadedImage] = None  # the last partner of a dataset

    def push(self, loaded: LoadedImage) -> LoadedImage:
        """Copy an image into the cache, dropping a random entry if it is full.

        The entry that was dropped stays intact until the next push. The new one is
        returned, to be read only.
        """
        spare, self._spare = self._spare, np.empty(0, np.uint8)
        if len(self.entries) >= self.max_cached_images:
            dropped = self.entries.pop(random.randrange(len(self.entries)))
            self._spare = dropped.memory
        image = loaded.img
        if spare.nbytes < image.nbytes:
            spare = np.empty(image.nbytes, np.uint8)
        out = spare[: image.nbytes].view(image.dtype).reshape(image.shape)
        entry = loaded._replace(
            img=in_c_order(image, out),
            annotations=loaded.annotations.copy(),
            memory=spare,
        )
        self.entries.append(entry)
        return entry

    def draw(self, loaded: LoadedImage) -> Optional[LoadedImage]:
        """Draw another image as partner, of the same orientation if possible, or None.

        A landscape and a portrait image meet on a canvas up to 1.7 times as large.
        """
        others = self._others(loaded)
        return random.choice(_alike(others, loaded) or others) if others else None

    def exchange(
        self, loaded: LoadedImage, partner: LoadedImage
    ) -> Optional[LoadedImage]:
        """Exchange a partner of the other orientation for one of the same.

        ``MultiImageMixDataset`` asks for a partner without saying for which image. One
        that does not suit stays in the cache for a later image, and an earlier one is
        given. ``partner`` itself is given if it suits, or while there is none that
        does; None if there is only the image itself.
        """
        same = _same(loaded, partner)
        if not same and is_landscape(loaded.img) == is_landscape(partner.img):
            self._last = partner
            return partner
        others = self._others(loaded)
        if same and self._last is not None and not _same(loaded, self._last):
            others.append(self._last)
        alike = _alike(others, loaded)
        if not same:
            self.push(partner)
        if alike:
            return random.choice(alike)
        if not same:
            return partner
        return random.choice(others) if others else None

    def _others(self, loaded: LoadedImage) -> List[LoadedImage]:
        return [entry for entry in self.entries if not _same(loaded, entry)]


def _same(loaded: LoadedImage, other: LoadedImage) -> bool:
    """Whether two images are of one file, or else have one number; None is no name."""
    name, other_name = loaded.img_path, other.img_path
    if name is None and other_name is None:
        name, other_name = loaded.img_id, other.img_id
    return name is not None and name == other_name


def _alike(entries: List[LoadedImage], loaded: LoadedImage) -> List[LoadedImage]:
    landscape = is_landscape(loaded.img)
    return [entry for entry in entries if is_landscape(entry.img) == landscape]


def is_landscape(image) -> bool:
    """Whether an image (H, W, ...) is at least as wide as high."""
    return image.shape[1] >= image.shape[0]


def at_scale_of(results: dict, partner: dict) -> dict:
    """Resize a partner to fit into an image, as mmdet's ``MixUp`` does.

    In ``MultiImageMixDataset``, steps before mixing (Mosaic, Resize) see the image and
    not its partner, which is resized if it alone is as large as its file still.
    """
    height, width = results['img'].shape[:2]
    if _as_its_file(partner) and not _as_its_file(results):
        return Resize(scale=(width, height), keep_ratio=True)(partner)
    return partner


def _as_its_file(results: dict) -> bool:
    return results['img'].shape[:2] == tuple(results.get('ori_shape', ()))
