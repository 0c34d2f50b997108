"""For tests of hostile data: what mixing has to yield, in numpy, image by image."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from mmdet.structures import DetDataSample

from tests.helpers.recorder import Objects, content, objects

PAD = 114.0  # of the pipeline; a batch is padded with 0
ROUNDED = 0.51  # the pipeline rounds pixels of integer images


class Known(NamedTuple):
    """What is known of an image before it is mixed.

    Attributes:
        img (np.ndarray): Shape (H, W, C), float64.
        path (str, optional): Its file.
        found, ignored (list[tuple]): Its objects, without degenerate boxes.
        labelled (int, optional): Pixels of its semantic map that have a class.
    """

    img: np.ndarray
    path: Optional[str]
    found: Objects
    ignored: Objects
    labelled: Optional[int]

    @property
    def annotations(self) -> Tuple[Objects, Objects, Optional[int]]:
        return self.found, self.ignored, self.labelled


def known(results: Dict[str, Any]) -> Known:
    """Read an image of a table."""
    img = results['img'].astype(np.float64)
    boxes = results.get('gt_bboxes')
    count = 0 if boxes is None else len(boxes)
    corners = np.asarray(getattr(boxes, 'tensor', boxes), np.float64) if count else ()
    labels = results.get('gt_bboxes_labels', np.zeros(count))
    flags = results.get('gt_ignore_flags', np.zeros(count, bool))
    masks = results.get('gt_masks')
    rows: Dict[bool, Objects] = {False: [], True: []}
    for i, box in enumerate(corners):
        sides = box[2:] - box[:2]
        if np.isfinite(box).all() and np.isfinite(sides).all() and (sides > 0).all():
            area = () if masks is None else (float(masks.areas[i]),)
            rows[bool(flags[i])].append((*box.tolist(), float(labels[i]), *area))
    seg_map = results.get('gt_seg_map')
    return Known(
        img if img.ndim == 3 else img[:, :, None],
        results.get('img_path'),
        rows[False],
        rows[True],
        None if seg_map is None else int((seg_map != 255).sum()),
    )


def said(sample: DetDataSample) -> Tuple[Objects, Objects, Optional[int]]:
    """The annotations of a sample."""
    labelled = None
    if 'gt_sem_seg' in sample:
        labelled = int((sample.gt_sem_seg.sem_seg != 255).sum())
    return objects(sample.gt_instances), objects(sample.ignored_instances), labelled


def on_canvas(img: np.ndarray, canvas: Sequence[int], pad: float) -> np.ndarray:
    """An image at the top left of a canvas (H, W)."""
    laid = np.full((*canvas, img.shape[2]), pad)
    laid[: img.shape[0], : img.shape[1]] = img
    return laid


class Mixed(NamedTuple):
    """One reading of a mixed image: who the partner is, and the image's weight."""

    partner: int
    lam: float


def readings(
    picture: np.ndarray,
    own: int,
    images: Sequence[Known],
    in_batch: bool,
    lam: Optional[float] = None,
) -> Iterator[Mixed]:
    """All partners whose blend with an image is the picture (H, W, C).

    Args:
        picture (np.ndarray): What the model gets.
        own (int): Which image it is of.
        images (list[Known]): All images.
        in_batch (bool): Whether tensors were mixed, all as large as the batch.
        lam (float, optional): Defaults to None, the one that fits best.
    """
    one = images[own]
    for j, other in enumerate(images):
        if j == own or (one.path is not None and one.path == other.path):
            continue  # never itself
        if one.img.shape[2:] != other.img.shape[2:]:
            continue
        canvas = np.array(picture.shape[:2])
        if not in_batch:
            canvas = np.maximum(one.img.shape[:2], other.img.shape[:2])
            if np.any(canvas > picture.shape[:2]):
                continue
        pad = 0.0 if in_batch else PAD
        a, b = (on_canvas(i.img, tuple(canvas), pad) for i in (one, other))
        seen = picture[: canvas[0], : canvas[1]]
        difference = (a - b).ravel()
        square = difference @ difference
        weight = lam
        if weight is None:
            weight = float((seen - b).ravel() @ difference / square) if square else 0.5
        exact = weight * a + (1 - weight) * b
        tolerance = 1e-6 * np.abs(exact).max(initial=1000)
        if not in_batch:
            tolerance += ROUNDED if lam is not None else 2 * ROUNDED
        if np.abs(seen - exact).max(initial=0) <= tolerance:
            yield Mixed(j, weight)


def is_unmixed(picture: np.ndarray, image: Known) -> bool:
    """Whether a picture is the image alone, on whatever padding of a batch."""
    return np.array_equal(picture, on_canvas(image.img, picture.shape[:2], 0.0))


def allowed(strategy: str, own: Known, other: Known, lam: float) -> List[tuple]:
    """Which annotations a plain detector may be trained on with two images."""
    if strategy == 'Union':
        maps = [x.labelled for x in (own, other) if x.labelled is not None]
        united = sum(maps) if maps else None
        return [(own.found + other.found, own.ignored + other.ignored, united)]
    if strategy == 'Sampled' or abs(lam - 0.5) < 0.01:
        return [own.annotations, other.annotations]
    return [(own if lam >= 0.5 else other).annotations]


def expected_loss(samples: Sequence[DetDataSample]) -> float:
    """Equation (2), the mean over images, of :func:`content`."""
    numbers = []
    for sample in samples:
        own = content(sample)
        if 'partner' in sample:
            lam = sample.mix_lambda
            own = lam * own + (1 - lam) * content(sample.partner)
        numbers.append(own)
    return float(np.mean(numbers))
