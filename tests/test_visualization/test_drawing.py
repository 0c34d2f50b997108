"""What is drawn for a sample, read back from the figure."""

import itertools

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.structures import InstanceData

from mmdet_lossmix.structures import attach_partner
from mmdet_lossmix.visualization import draw_grid, draw_mixed_sample
from mmdet_lossmix.visualization.boxes import IGNORED, OWN, PARTNER, BoxPainter

CLASSES = ('cat', 'dog')
IMAGE = np.full((120, 160, 3), 90, np.uint8)


def sample_of(boxes, labels, ignored=()):
    sample = DetDataSample(metainfo={'img_shape': (120, 160)})
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.int64),
    )
    sample.ignored_instances = InstanceData(
        bboxes=torch.tensor(ignored, dtype=torch.float32).reshape(-1, 4)
    )
    return sample


@pytest.fixture
def ax():
    figure = Figure(figsize=(4, 3), dpi=100)
    FigureCanvasAgg(figure)
    return figure.add_axes([0, 0, 1, 1])


def rectangles(ax):
    """Colour, corners and line width of each box."""
    return [
        (to_hex(p.get_edgecolor()).upper(), p.get_bbox().extents.tolist(), p.get_lw())
        for p in ax.patches
    ]


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize('lam', [0.0, 0.2, 0.5, 0.9, 1.0])
def test_both_images_boxes_in_their_colours_and_weights(ax, lam):
    own = sample_of([[10, 10, 50, 60]], [0], ignored=[[100, 5, 110, 15]])
    partner = sample_of([[80, 30, 150, 110]], [1])
    partner.gt_instances.bboxes = HorizontalBoxes(partner.gt_instances.bboxes)
    draw_mixed_sample(ax, IMAGE, attach_partner(own, partner, lam), CLASSES)

    lines = {colour: (corners, width) for colour, corners, width in rectangles(ax)}
    assert lines[OWN][0] == [10, 10, 50, 60]
    assert lines[PARTNER][0] == [80, 30, 150, 110]
    assert lines[IGNORED][0] == [100, 5, 110, 15]
    assert np.sign(lines[OWN][1] - lines[PARTNER][1]) == np.sign(lam - 0.5)
    assert sorted(texts(ax)) == ['cat', 'dog']
    assert ax.get_title('left') == f'λ = {lam:.2f}'
    assert ax.get_title('right') == f'1 - λ = {1 - lam:.2f}'


@pytest.mark.parametrize('kind', ['bitmap', 'polygon', 'tensor'])
def test_masks_are_drawn_for_both(ax, kind):
    bitmaps = np.zeros((1, 128, 160), np.uint8)  # padded, as a batch has them
    bitmaps[0, 20:60, 10:50] = 1
    masks = {
        'bitmap': BitmapMasks(bitmaps, 128, 160),
        'polygon': PolygonMasks([[np.array([10, 20, 50, 20, 50, 60.0])]], 128, 160),
        'tensor': torch.from_numpy(bitmaps),
    }[kind]
    samples = sample_of([[10, 20, 50, 60]], [0]), sample_of([[10, 20, 50, 60]], [1])
    for sample in samples:
        sample.gt_instances.masks = masks
    draw_mixed_sample(ax, IMAGE, attach_partner(*samples, 0.7), CLASSES)
    colours = [to_hex(c.get_edgecolor()[0]).upper() for c in ax.collections[1::2]]
    assert colours == [OWN, PARTNER]
    widths = [c.get_linewidth()[0] for c in ax.collections[1::2]]
    assert widths[0] > widths[1]
    assert ax.get_xlim() == (-0.5, 159.5)


def test_sample_without_objects_has_no_mask(ax):
    sample = sample_of([], [])
    sample.gt_instances.masks = BitmapMasks(np.zeros((0, 120, 160), np.uint8), 120, 160)
    draw_mixed_sample(ax, IMAGE, sample, CLASSES)
    assert not ax.collections


def test_unmixed_sample_says_so(ax):
    draw_mixed_sample(ax, IMAGE, sample_of([[10, 10, 50, 60]], [1]), CLASSES)
    assert [colour for colour, *_ in rectangles(ax)] == [OWN]
    assert ax.get_title('left') == 'not mixed'


def test_sample_without_boxes(ax):
    draw_mixed_sample(ax, IMAGE, sample_of([], []), CLASSES)
    assert rectangles(ax) == []


def test_labels_overlap_neither_each_other_nor_the_border(ax):
    ax.imshow(IMAGE)
    ax.apply_aspect()
    painter = BoxPainter(ax)
    rng = np.random.default_rng(0)
    for left, top in rng.uniform(-5, (120, 90), (60, 2)):
        painter.draw((left, top, left + 35, top + 30), OWN, 'pottedplant')
    places = [text.get_window_extent() for text in ax.texts]
    assert 10 < len(places) < 60  # of so many, some find no room
    assert not any(a.overlaps(b) for a, b in itertools.combinations(places, 2))
    border = ax.get_window_extent().padded(4)
    assert all(border.contains(p.x0, p.y0) for p in places)
    assert all(border.contains(p.x1, p.y1) for p in places)


@pytest.mark.parametrize(('number', 'rows'), [(1, 1), (4, 1), (5, 2), (12, 3)])
def test_grid_has_no_empty_rows(number, rows):
    figure = draw_grid([lambda ax: ax.imshow(IMAGE)] * number, (3, 4), 'title')
    assert len(figure.axes) == number
    tops = {
        round(ax.get_subplotspec().get_position(figure).y1, 6) for ax in figure.axes
    }
    assert len(tops) == rows
