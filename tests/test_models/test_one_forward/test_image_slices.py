"""A head that is asked for one image computes all at once, if that is the same."""

import pytest
import torch
from mmcv.cnn.bricks import DropPath
from torch import nn

from mmdet_lossmix.models.one_forward.image_slices import (
    ImageSlices,
    treats_images_alone,
)
from mmdet_lossmix.models.one_forward.replay import Replay

NUM_IMAGES = 3


class Head(nn.Module):
    """A convolution, then what is given; remembers the sizes of its batches."""

    def __init__(self, then=None):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.then = then or nn.Identity()
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        return (self.then(self.conv(x)),)


@pytest.fixture
def features():
    torch.manual_seed(0)
    return torch.randn(NUM_IMAGES, 2, 6, 6, dtype=torch.float64, requires_grad=True)


def outputs_by_image(head, features):
    slices = ImageSlices(NUM_IMAGES)
    replay = Replay(head, 'forward', slices=slices)
    shared = features * 2
    pieces = [slices.take(shared, i) for i in range(NUM_IMAGES)]
    return [replay(piece)[0] for piece in pieces]


@pytest.mark.parametrize('norm', [None, nn.GroupNorm(2, 4), nn.BatchNorm2d(4).eval()])
def test_one_call_serves_all_images(norm, features):
    head = Head(norm).double()
    actual = outputs_by_image(head, features)
    assert head.batches == [NUM_IMAGES]
    expected = [head(features[i : i + 1] * 2)[0] for i in range(NUM_IMAGES)]
    for a, b in zip(actual, expected):
        torch.testing.assert_close(a, b)
    weights = range(1, NUM_IMAGES + 1)
    gradients = [
        torch.autograd.grad(
            sum(w * o.square().sum() for w, o in zip(weights, outputs)),
            [features, head.conv.weight],
        )
        for outputs in (actual, expected)
    ]
    for a, b in zip(*gradients):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    'norm',
    [
        nn.BatchNorm2d(4),
        nn.SyncBatchNorm(4),
        nn.Dropout(0.5),
        nn.Dropout2d(),
        DropPath(0.5),
    ],
)
def test_what_couples_images_or_draws_is_computed_one_by_one(norm, features):
    head = Head(norm).double()
    assert not treats_images_alone(head)
    assert treats_images_alone(head.eval())
    if not isinstance(norm, nn.SyncBatchNorm):  # needs several processes in training
        outputs_by_image(head.train(), features)
        assert head.batches == [1] * NUM_IMAGES


@pytest.mark.parametrize(
    'then',
    [
        lambda x: x.flatten(1),
        lambda x: x.sum(),
        lambda x: x.repeat(2, 1, 1, 1),
        lambda x: torch.eye(NUM_IMAGES).double() + x.mean(),  # rows by chance
    ],
    ids=['no map', 'scalar', 'more rows', 'as many rows'],
)
def test_outputs_that_are_no_maps_of_the_images_are_computed_one_by_one(then, features):
    head = Head(nn.Identity()).double()
    head.then.forward = then
    actual = outputs_by_image(head, features)
    for i, output in enumerate(actual):
        torch.testing.assert_close(output, head(features[i : i + 1] * 2)[0])


def test_a_stage_that_is_given_something_else_too_is_computed_one_by_one(features):
    slices = ImageSlices(NUM_IMAGES)
    calls = []
    head = nn.Identity()
    head.forward = lambda x, other: calls.append(len(x)) or (x * other,)
    replay = Replay(head, 'forward', slices=slices)
    for i in range(NUM_IMAGES):
        replay(slices.take(features, i), torch.tensor(float(i)))
    assert calls == [1] * NUM_IMAGES


def test_maps_of_two_images_come_from_no_image(features):
    slices = ImageSlices(NUM_IMAGES)
    first, second = slices.take(features, 0), slices.take(features, 1)
    assert slices.origins([first, second]) is None
    assert [o.image for o in slices.origins([second, second])] == [1, 1]


def test_branches_of_an_image_stay_together():
    """TridentNet has k * N rows, those of one image N apart."""
    rows = torch.arange(2 * NUM_IMAGES)
    assert ImageSlices(NUM_IMAGES).take([rows], 1)[0].tolist() == [1, 1 + NUM_IMAGES]
