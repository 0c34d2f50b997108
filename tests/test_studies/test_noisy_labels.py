"""Label noise: what is wrong stays wrong, in the share and the ways that are asked."""

import numpy as np
import pytest
import torch
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

from studies.parts.noisy_labels import KINDS, NoisyLabels


def labelled(image=7, objects=400):
    rng = np.random.default_rng(image)
    corner = rng.uniform(0, 200, (objects, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 90, (objects, 2))], axis=1)
    return dict(
        img_id=f'{image:06}',
        img_shape=(300, 320),
        gt_bboxes=HorizontalBoxes(torch.tensor(boxes, dtype=torch.float32)),
        gt_bboxes_labels=rng.integers(0, 20, objects),
        gt_ignore_flags=rng.random(objects) < 0.1,
    )


def spoil(rate, image=7, objects=400, seed=0, **arguments):
    transform = NoisyLabels(rate, num_classes=20, seed=seed, **arguments)
    return transform(labelled(image, objects))


def same(first, second):
    return all(
        np.array_equal(np.asarray(a), np.asarray(b))
        for a, b in (
            (first['gt_bboxes'].tensor, second['gt_bboxes'].tensor),
            (first['gt_bboxes_labels'], second['gt_bboxes_labels']),
            (first['gt_ignore_flags'], second['gt_ignore_flags']),
        )
    )


def test_keyed_by_image_and_seed():
    np.random.seed(0)
    first = spoil(0.3)
    np.random.seed(1)
    assert same(first, spoil(0.3))
    assert not same(first, spoil(0.3, seed=1))
    assert same(labelled(), spoil(0))


@pytest.mark.parametrize('kind', KINDS)
def test_kinds_and_their_share(kind):
    clean, noisy = labelled(), spoil(0.25, kinds=[kind])
    boxes, spoiled = clean['gt_bboxes'].tensor, noisy['gt_bboxes'].tensor
    labels, wrong = clean['gt_bboxes_labels'], noisy['gt_bboxes_labels']
    if kind == 'wrong_class':
        changed = (labels != wrong).sum()
        assert torch.equal(boxes, spoiled)
        assert len(set(wrong[labels != wrong])) == 20
    elif kind == 'jittered_box':
        moved = (boxes != spoiled).any(1)
        changed = moved.sum()
        assert np.array_equal(labels, wrong)
        sizes = boxes[:, 2:] - boxes[:, :2]
        limit = (0.3 + 0.15) * torch.cat([sizes, sizes], dim=1) + 1e-3
        assert ((boxes - spoiled).abs() <= limit).all()
        assert (spoiled[:, 2:] > spoiled[:, :2]).all()
    elif kind == 'missing_box':
        changed = len(boxes) - len(spoiled)
        kept = {tuple(box) for box in boxes.tolist()}
        assert {tuple(box) for box in spoiled.tolist()} <= kept
    else:
        changed = len(spoiled) - len(boxes)
        assert torch.equal(boxes, spoiled[: len(boxes)])
        added = spoiled[len(boxes) :]
        assert (added >= 0).all()
        assert (added[:, 2:] <= torch.tensor([320, 300])).all()
        assert not noisy['gt_ignore_flags'][len(boxes) :].any()
    assert changed / len(boxes) == pytest.approx(0.25, abs=0.06)
    assert len(wrong) == len(spoiled) == len(noisy['gt_ignore_flags'])
    assert spoiled.dtype == boxes.dtype
    assert wrong.dtype == labels.dtype


def test_a_higher_rate_spoils_more_of_the_same():
    low, high = (spoil(rate, kinds=['wrong_class']) for rate in (0.1, 0.4))
    clean = labelled()['gt_bboxes_labels']
    changed = low['gt_bboxes_labels'] != clean
    assert np.array_equal(
        low['gt_bboxes_labels'][changed], high['gt_bboxes_labels'][changed]
    )
    assert changed.sum() < (high['gt_bboxes_labels'] != clean).sum()


def test_no_objects_and_all_missing():
    assert len(spoil(1, objects=0)['gt_bboxes']) == 0
    assert len(spoil(1, kinds=['missing_box'])['gt_bboxes']) == 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(rate=1.2, num_classes=2), r'`rate` to a number in \[0, 1\], not 1.2'),
        (dict(rate=1, num_classes=1), '`num_classes` to 2 or more, not 1'),
        (dict(rate=1, num_classes=2, kinds=['blur']), "not \\['blur'\\]"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(dict(type='NoisyLabels', **arguments))


def test_masks_are_refused():
    with pytest.raises(ValueError, match='cannot spoil'):
        NoisyLabels(0.5, 20)({**labelled(), 'gt_masks': None})
