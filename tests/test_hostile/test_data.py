"""Hostile data, mixed in every way by every strategy: exactly, or refused by name.

Each case is ``name -> images and what must happen``. An oracle that shares no code with
the package recomputes what reaches ``model.loss``: the pixels of exactly two images,
blended by lambda; the annotations of these two, without degenerate boxes; lambda and
1 - lambda as weights; never an image with itself.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks

from tests.helpers.naive_mix import (
    allowed,
    expected_loss,
    is_unmixed,
    known,
    readings,
    said,
)
from tests.helpers.recorder import STRATEGIES, WAYS, batches

BOX = (1, 1, 6, 5)
NAN, INF = float('nan'), float('inf')


class Case(NamedTuple):
    """A case of the table.

    Attributes:
        images (list[dict]): As ``LoadAnnotations`` leaves them.
        refused (dict[str, str]): By way, strategy, both, or 'all': a pattern of the
            error that must come.
        unmixed (bool, optional): Whether nothing can be mixed; None where nobody can
            tell.
        strategies (tuple[str]): Those that it is for.
    """

    images: List[dict]
    refused: Dict[str, str] = {}  # noqa: RUF012  never modified
    unmixed: Optional[bool] = False
    strategies: Sequence[str] = STRATEGIES

    def error(self, way: str, strategy: str) -> Optional[str]:
        keys = f'{way} {strategy}', way, strategy, 'all'
        return next((self.refused[k] for k in keys if k in self.refused), None)


def image(
    height: int = 8,
    width: int = 10,
    boxes: Sequence[Sequence[float]] = (BOX,),
    channels: Optional[int] = 3,
    dtype: Any = np.uint8,
    **more: Any,
) -> dict:
    """A picture of noise, with what is ``more``; None takes an entry away."""
    count = len(boxes)
    shape = (height, width) if channels is None else (height, width, channels)
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    results = dict(
        img=shape,
        img_shape=(height, width),
        ori_shape=(height, width),
        gt_bboxes=HorizontalBoxes(corners),
        gt_bboxes_labels=np.arange(count),
        gt_ignore_flags=np.zeros(count, bool),
        dtype=dtype,
    )
    results.update(more)
    return {key: value for key, value in results.items() if value is not None}


def images(*several: dict) -> List[dict]:
    """Number images, draw their noise, and tell their labels apart."""
    for i, results in enumerate(several):
        rng = np.random.default_rng(i)
        dtype = np.dtype(results.pop('dtype'))
        high = 255 if dtype.itemsize == 1 else 60000
        if isinstance(results['img'], tuple):
            results['img'] = rng.integers(0, high, results['img']).astype(dtype)
        results.setdefault('img_path', f'{i}.png')
        results['img_id'] = i
        if 'gt_bboxes_labels' in results:
            results['gt_bboxes_labels'] = results['gt_bboxes_labels'] + 10 * i
    return list(several)


def bitmap(height: int, width: int, count: int = 1) -> BitmapMasks:
    masks = np.zeros((count, height, width), np.uint8)
    masks[:, height // 4 :, : width // 2] = 1
    return BitmapMasks(masks, height, width)


def polygon(height: int, width: int, count: int = 1) -> PolygonMasks:
    corners = np.array([1.0, 1, 6, 1, 6, 5, 1, 5])
    return PolygonMasks([[corners.copy()] for _ in range(count)], height, width)


def seg(height: int, width: int, value: Optional[int] = None) -> np.ndarray:
    drawn = np.random.default_rng(height).integers(0, 9, (height, width), np.uint8)
    return drawn if value is None else np.full((height, width), value, np.uint8)


def mirrored() -> dict:
    """What RandomFlip leaves: a view with a negative stride."""
    noise = np.random.default_rng(9).integers(0, 255, (8, 10, 3), np.uint8)
    return image(img=noise[:, ::-1])


def one_bad_box(*box: float) -> Case:
    return Case(images(image(boxes=[box, BOX]), image(), image(boxes=[box])))


ALIKE = dict(
    cache='Load all images alike', dataset='Load all images alike', batch='equal size'
)
NO_UNION = dict(Union='same LoadAnnotations')
# Of batches in which some images have no masks, mmdet says so itself.
ONE_ALONE = "with the same LoadAnnotations|no attribute 'masks'"
MIXED_KINDS = ('LossMix', 'Union')
TWO_FILES = [image(), image(boxes=[BOX, (2, 2, 9, 7)])]

SIZES = {
    'two of a size': Case(images(image(), image())),
    'landscape and portrait': Case(images(image(8, 12), image(12, 8))),
    'three sizes': Case(images(image(8, 12), image(9, 9), image(4, 16))),
    'five in a batch': Case(images(*(image(6 + i, 10) for i in range(5)))),
    'one image alone': Case(images(image()), unmixed=True),
    'one pixel': Case(images(image(1, 1, []), image(1, 1, []))),
    'one pixel and an image': Case(images(image(1, 1, []), image())),
    'one pixel high': Case(images(image(1, 12, []), image(1, 7, []))),
    'one pixel wide': Case(images(image(12, 1, []), image(7, 1, []))),
    'high strip and wide strip': Case(images(image(1, 12, []), image(12, 1, []))),
    'aspect of 1 to 200': Case(images(image(2, 400), image(400, 2), image())),
    'odd sizes': Case(images(image(7, 11), image(13, 5))),
    'large beside small': Case(images(image(300, 400), image(3, 4, []))),
}
PIXELS = {
    'gray without channels': Case(images(*(image(channels=None) for _ in range(2)))),
    'gray of two sizes': Case(images(image(channels=None), image(9, 5, channels=None))),
    'one channel': Case(images(image(channels=1), image(9, 5, channels=1))),
    'two channels': Case(images(image(channels=2), image(9, 5, channels=2))),
    'four channels': Case(images(image(channels=4), image(9, 5, channels=4))),
    'eight channels': Case(images(image(channels=8), image(9, 5, channels=8))),
    '16 bit': Case(images(image(dtype=np.uint16), image(9, 5, dtype=np.uint16))),
    'float': Case(images(image(dtype=np.float32), image(9, 5, dtype=np.float32))),
    'int32': Case(
        images(image(dtype=np.int32), image(dtype=np.int32)),
        dict(cache='Convert images', dataset='Convert images'),
    ),
    '8 and 16 bit': Case(
        images(image(), image(dtype=np.uint16)),
        {k: v for k, v in ALIKE.items() if k != 'batch'},
    ),
    'gray and colour': Case(images(image(channels=1), image()), ALIKE),
    'black': Case(
        images(*(image(img=np.zeros((8, 10, 3), np.uint8)) for _ in range(2))),
        unmixed=None,
    ),
    'mirrored views': Case(images(mirrored(), image(), mirrored())),
    'every second pixel': Case(
        images(image(img=np.full((16, 20, 3), 9, np.uint8)[::2, ::2]), image())
    ),
}
BOXES = {
    'no objects at all': Case(images(image(boxes=[]), image(boxes=[]))),
    'objects in one alone': Case(images(image(boxes=[]), image())),
    'only ignored ones': Case(
        images(*(image(gt_ignore_flags=np.ones(1, bool)) for _ in range(2)))
    ),
    'difficult ones': Case(
        images(
            image(boxes=[BOX] * 3, gt_ignore_flags=np.array([True, False, True])),
            image(boxes=[BOX] * 2, gt_ignore_flags=np.array([False, True])),
        )
    ),
    'ignored in one, none in the other': Case(
        images(image(gt_ignore_flags=np.ones(1, bool)), image(boxes=[]))
    ),
    'no width': one_bad_box(3, 2, 3, 6),
    'no height': one_bad_box(3, 2, 6, 2),
    'a point': one_bad_box(3, 3, 3, 3),
    'right of left': one_bad_box(6, 2, 3, 5),
    'bottom above top': one_bad_box(2, 5, 6, 2),
    'NaN': one_bad_box(NAN, 2, 3, 5),
    'NaN all over': one_bad_box(NAN, NAN, NAN, NAN),
    'infinite': one_bad_box(0, 0, INF, 5),
    'infinite to the left': one_bad_box(-INF, 0, 5, 5),
    'infinite on both sides': one_bad_box(INF, INF, INF, INF),
    'out of the image': one_bad_box(-20, -30, 50, 60),
    'beside the image': one_bad_box(100, 100, 120, 130),
    'a millionth of a pixel': one_bad_box(3, 3, 3.000001, 3.000001),
    'degenerate and ignored': Case(
        images(
            image(boxes=[BOX, (2, 2, 2, 5)], gt_ignore_flags=np.array([False, True])),
            image(),
        )
    ),
    'hundreds': Case(images(*(image(boxes=[BOX] * 400) for _ in range(2)))),
    'the same box many times': Case(images(image(boxes=[BOX] * 7), image())),
    'arrays': Case(
        images(
            *(image(gt_bboxes=np.array([BOX], np.float32)) for _ in range(2)),
        )
    ),
    'arrays, one degenerate': Case(
        images(
            image(gt_bboxes=np.array([(1, 1, 1, 2)], np.float32)),
            image(gt_bboxes=np.array([BOX], np.float32)),
        )
    ),
    'arrays and boxes': Case(
        images(image(gt_bboxes=np.array([BOX], np.float32)), image()),
        {'cache Union': 'same Load', 'dataset Union': 'same Load'},
    ),
    'labels of int32': Case(
        images(*(image(gt_bboxes_labels=np.zeros(1, np.int32)) for _ in range(2)))
    ),
    'labels of int32 and int64': Case(
        images(image(gt_bboxes_labels=np.zeros(1, np.int32)), image())
    ),
    'no labels': Case(images(*(image(gt_bboxes_labels=None) for _ in range(2)))),
    'no ignore flags': Case(images(*(image(gt_ignore_flags=None) for _ in range(2)))),
    'ignore flags of one alone': Case(
        images(image(gt_ignore_flags=None), image(gt_ignore_flags=np.ones(1, bool))),
        NO_UNION,
    ),
    'keypoints': Case(
        images(*(image(gt_keypoints=np.zeros((1, 17, 3))) for _ in range(2))),
        dict(cache='Remove `gt_keypoints`', dataset='Remove `gt_keypoints`'),
    ),
}
MASKS = {
    'bitmaps': Case(images(*(image(gt_masks=bitmap(8, 10)) for _ in range(2)))),
    'bitmaps of two sizes': Case(
        images(image(gt_masks=bitmap(8, 10)), image(12, 6, gt_masks=bitmap(12, 6)))
    ),
    'polygons of two sizes': Case(
        images(image(gt_masks=polygon(8, 10)), image(12, 6, gt_masks=polygon(12, 6)))
    ),
    'empty masks': Case(
        images(
            image(gt_masks=BitmapMasks(np.zeros((1, 8, 10), np.uint8), 8, 10)),
            image(12, 6, gt_masks=bitmap(12, 6)),
        )
    ),
    'no object with a mask': Case(
        images(
            image(boxes=[], gt_masks=bitmap(8, 10, 0)),
            image(12, 6, gt_masks=bitmap(12, 6)),
        )
    ),
    'ignored with masks': Case(
        images(
            image(
                boxes=[BOX] * 2,
                gt_masks=bitmap(8, 10, 2),
                gt_ignore_flags=np.array([True, False]),
            ),
            image(12, 6, gt_masks=bitmap(12, 6), gt_ignore_flags=np.ones(1, bool)),
            image(5, 14, boxes=[], gt_masks=bitmap(5, 14, 0)),
        )
    ),
    'degenerate with a mask': Case(
        images(
            image(boxes=[(2, 2, 2, 5), BOX], gt_masks=bitmap(8, 10, 2)),
            image(12, 6, gt_masks=bitmap(12, 6)),
        )
    ),
    'bitmaps and polygons': Case(
        images(image(gt_masks=bitmap(8, 10)), image(gt_masks=polygon(8, 10))), NO_UNION
    ),
    'masks of one alone': Case(
        images(image(gt_masks=bitmap(8, 10)), image()),
        dict(all=ONE_ALONE),
        strategies=MIXED_KINDS,
    ),
    'masks smaller than their image': Case(
        images(*(image(gt_masks=bitmap(4, 5)) for _ in range(2)))
    ),
    'masks larger than their image': Case(
        images(*(image(gt_masks=bitmap(20, 30)) for _ in range(2))),
        # mmdet's own; its fork asserts without a word
        dict(all='masks of 20 x 30.*image of 8 x 10', batch='reshape|^$'),
    ),
}
MAPS = {
    'maps': Case(
        images(*(image(gt_seg_map=seg(8, 10)) for _ in range(2))),
        dict(Union='both label a pixel'),
    ),
    'maps of two sizes': Case(
        images(image(gt_seg_map=seg(8, 10)), image(12, 6, gt_seg_map=seg(12, 6))),
        dict(Union='both label a pixel'),
    ),
    'all of 255': Case(
        images(*(image(5 + i, gt_seg_map=seg(5 + i, 10, 255)) for i in range(2)))
    ),
    'one of 255': Case(
        images(image(gt_seg_map=seg(8, 10)), image(gt_seg_map=seg(8, 10, 255)))
    ),
    'a map larger than its image': Case(
        images(*(image(gt_seg_map=seg(20, 30)) for _ in range(2))),
        dict(
            cache='map of 20 x 30.*image of 8 x 10',
            dataset='map of 20 x 30.*image of 8 x 10',
            Union='both label a pixel',
        ),
    ),
}
FILES = {
    'the same file twice': Case(
        images(*(image(img_path='0.png') for _ in range(2))), unmixed=True
    ),
    'the same file twice, and another': Case(
        images(image(img_path='0.png'), image(img_path='0.png'), image())
    ),
    'the same file around another': Case(
        images(image(img_path='0.png'), image(9, 7), image(img_path='0.png'))
    ),
    'without a path': Case(
        [{k: v for k, v in i.items() if k != 'img_path'} for i in images(*TWO_FILES)]
    ),
}
TABLE = {**SIZES, **PIXELS, **BOXES, **MASKS, **MAPS, **FILES}


def check(case: Case, way: str, strategy: str) -> None:
    originals = [known(results) for results in case.images]
    mixed = 0
    for inputs, samples, loss, calls in batches(way, strategy, case.images):
        assert torch.isfinite(inputs).all()
        assert len(samples) == len(case.images)
        assert loss == pytest.approx(expected_loss(samples), rel=1e-5)
        for i, sample in enumerate(samples):
            picture = inputs[i].permute(1, 2, 0).double().numpy()
            mixed += check_sample(picture, sample, originals, way, strategy)
        for images_of_call, given in calls:
            for one in given:
                if 'masks' in one.gt_instances:  # padded, whoever they are of
                    masks = one.gt_instances.masks
                    assert (masks.height, masks.width) == inputs.shape[-2:]
            assert images_of_call.shape[1:] == inputs.shape[1:]
    assert case.unmixed is None or bool(mixed) != case.unmixed


def check_sample(picture, sample, originals, way, strategy) -> bool:
    """Whether a sample is mixed, after it has been found right."""
    own = originals[sample.img_id]
    lam = sample.get('mix_lambda') if 'partner' in sample else None
    assert ('partner' in sample) <= (strategy == 'LossMix')
    found = list(readings(picture, sample.img_id, originals, way == 'batch', lam))
    if is_unmixed(picture, own) and 'partner' not in sample:
        unmixed = said(sample) == own.annotations
        if unmixed or not found:
            assert said(sample) == own.annotations
            return False
    assert found, 'no two images blend to this'
    if lam is not None:
        assert 0 <= lam <= 1
        assert said(sample) == own.annotations
        assert any(
            said(sample.partner) == originals[reading.partner].annotations
            for reading in found
        )
        assert own.path is None or sample.partner.img_path != own.path
        return True
    assert any(
        said(sample) in allowed(strategy, own, originals[reading.partner], reading.lam)
        for reading in found
    )
    return True


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('name', TABLE)
def test_mixed_exactly_or_refused(name, way):
    case = TABLE[name]
    for strategy in case.strategies:
        pattern = case.error(way, strategy)
        if pattern is None:
            check(case, way, strategy)
            continue
        with pytest.raises(Exception, match=pattern):
            check(case, way, strategy)


def test_the_table_is_long():
    assert len(TABLE) >= 60
