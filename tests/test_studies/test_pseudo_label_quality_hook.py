"""Pseudo labels against the truth: by the hook, and once more by hand."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from mmdet_lossmix.uda.pseudo_labels import PseudoLabels
from studies.parts.pseudo_label_quality_hook import (
    PseudoLabelQualityHook,
    compare,
    rates,
)
from tests.helpers.tiny_uda import tiny_uda_config

pytestmark = pytest.mark.usefixtures('unformatted_configs')
CLASSES = ('aeroplane', 'car', 'dog', 'person')
BURN_IN, INTERVAL, END = 1, 2, 7
LAST_LABELLED = 5  # iterations from there get no label


def quality_config(voc_root, work_dir, **overrides):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, work_dir, END, BURN_IN, **overrides)
    hook = dict(type='PseudoLabelQualityHook', truth=cfg.labelled_target)
    cfg.custom_hooks = [*cfg.custom_hooks, hook]
    for dataset in (
        *cfg.train_dataloader.dataset.datasets,
        cfg.val_dataloader.dataset,
        cfg.custom_hooks[2].truth,
    ):
        dataset.metainfo = dict(classes=CLASSES)
    cfg.model.detector.bbox_head.num_classes = len(CLASSES)
    cfg.custom_hooks[2].interval = INTERVAL
    return cfg


def objects_in(view):
    """(class, difficult, box in the view), by scaling and flipping alone."""
    annotation = view.img_path.replace('JPEGImages', 'Annotations')
    height, width = view.img_shape
    objects = []
    for node in ET.parse(Path(annotation).with_suffix('.xml')).iter('object'):
        box = [float(node.find(f'bndbox/{key}').text) - 1
               for key in ('xmin', 'ymin', 'xmax', 'ymax')]  # fmt: skip
        box = np.array(box) * np.tile(view.scale_factor, 2)
        box = np.minimum(box, [width, height, width, height])
        if view.flip:
            assert view.flip_direction == 'horizontal'
            box = np.array([width - box[2], box[1], width - box[0], box[3]])
        label = CLASSES.index(node.find('name').text)
        objects.append((label, node.find('difficult').text == '1', box))
    return objects


def overlap(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.prod(np.maximum(sides, 0))
    return common / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common)


def count_by_hand(found, objects):
    taken, right, labels = set(), 0, 0
    for label, box in found:
        same = [
            (overlap(box, other), i)
            for i, (cls, _, other) in enumerate(objects)
            if cls == label and i not in taken and overlap(box, other) >= 0.5
        ]
        clear = [(iou, i) for iou, i in same if not objects[i][1]]
        if clear:
            taken.add(max(clear)[1])
            right += 1
        if clear or not same:
            labels += 1
    return right, labels, sum(not difficult for _, difficult, _ in objects)


def guesses(objects, rng):
    """Near some objects, beside some, of the wrong class, twice, and of nothing."""
    for label, _, box in objects:
        for _ in range(rng.integers(0, 3)):
            wrong = int(rng.random() < 0.3)
            moved = box + rng.normal(0, 0.12 * (box[2] - box[0]), 4)
            yield (label + wrong) % len(CLASSES), np.maximum(moved, 0)
    yield 1, np.array([1.0, 2.0, 9.0, 8.0])


@pytest.fixture
def guessing(monkeypatch):
    """Puts guesses in the place of the teacher's; returns them, an iteration each."""
    rng, seen = np.random.default_rng(3), []

    def attach(self, views, predictions):
        labelled = []
        for view in views:
            objects = objects_in(view)
            none = BURN_IN + len(seen) >= LAST_LABELLED
            found = [] if none else list(guesses(objects, rng))
            labelled.append((view, objects, found))
        seen.append(labelled)
        boxes = [
            InstanceData(
                bboxes=torch.tensor(np.array([box for _, box in found])).reshape(-1, 4),
                labels=torch.tensor([label for label, _ in found], dtype=torch.long),
                scores=torch.ones(len(found)),
            )
            for _, _, found in labelled
        ]
        for prediction, instances in zip(predictions, boxes):
            instances.bboxes = instances.bboxes.float()
            prediction.pred_instances = instances
        return real(self, views, predictions)

    real = PseudoLabels.attach
    monkeypatch.setattr(PseudoLabels, 'attach', attach)
    return seen


def test_rates_are_those_counted_by_hand(voc_root, tmp_path, guessing):
    cfg = quality_config(voc_root, tmp_path)
    cfg.model.pseudo_labels.min_size = 0
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = Path(runner.log_dir) / 'vis_data/scalars.json'
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    rows = {row['step']: row for row in rows if 'loss' in row}
    assert len(guessing) == END - BURN_IN
    views = [view for batch in guessing for view, _, _ in batch]
    assert {view.flip for view in views} == {False, True}
    assert len({view.img_shape for view in views}) == 2
    assert any(difficult for b in guessing for _, o, _ in b for _, difficult, _ in o)

    for since, step in ((BURN_IN, 2), (2, 4), (4, 6)):
        batches = guessing[since - BURN_IN : step - BURN_IN]
        counts = [count_by_hand(found, objects) for b in batches
                  for _, objects, found in b]  # fmt: skip
        right, labels, objects = np.sum(counts, axis=0)
        assert 0 < right < labels
        assert rows[step]['pseudo_precision'] == pytest.approx(right / labels)
        assert rows[step]['pseudo_recall'] == pytest.approx(right / objects)
    # The lines between two logs repeat the one before.
    assert rows[5]['pseudo_recall'] == rows[4]['pseudo_recall']
    assert 'pseudo_recall' not in rows[1]


def test_without_any_label_there_is_no_precision(
    voc_root, tmp_path, guessing, monkeypatch
):
    monkeypatch.setitem(globals(), 'LAST_LABELLED', 4)
    runner = Runner.from_cfg(quality_config(voc_root, tmp_path))
    runner.train()
    assert 'train/pseudo_precision' not in runner.message_hub.log_scalars
    assert runner.message_hub.get_scalar('train/pseudo_recall').current() == 0


def test_training_is_that_without_the_hook(voc_root, tmp_path):
    states = []
    for name in ('with', 'without'):
        cfg = quality_config(voc_root, tmp_path / name, **{'train_cfg.max_iters': 3})
        if name == 'without':
            del cfg.custom_hooks[2]
        runner = Runner.from_cfg(cfg)
        runner.train()
        states.append(runner.model.state_dict())
    assert all(torch.equal(v, states[1][k]) for k, v in states[0].items())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            dict(ann_file='VOC2007/ImageSets/Main/trainval.txt',
                 data_prefix=dict(sub_data_root='VOC2007/'), folder='VOC2007'),
            r'4 of 10 target images are not annotated, such as .*test_00',
        ),
        (dict(metainfo=dict(classes=('car', 'dog'))), r"not \('aeroplane',"),
    ],
)  # fmt: skip
def test_a_truth_of_something_else_is_refused(change, message, voc_root, tmp_path):
    cfg = quality_config(voc_root, tmp_path)
    folder = change.pop('folder', None)
    if folder:
        cfg.train_dataloader.dataset.datasets[1].data_prefix.img = folder
    cfg.custom_hooks[2].truth.update(change)
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_numbers_out_of_their_range_are_refused():
    for wrong in (dict(interval=0), dict(iou_thr=0), dict(iou_thr=1.5)):
        with pytest.raises(ValueError, match=r'Set `(interval|iou_thr)` to a'):
            PseudoLabelQualityHook(truth={}, **wrong)


def boxes(*lefts):
    return torch.tensor([[x, 0.0, x + 10.0, 10.0] for x in lefts]).reshape(-1, 4)


def truth_of(lefts, labels, ignored=None):
    ignored = ignored or [False] * len(labels)
    return InstanceData(
        bboxes=boxes(*lefts),
        labels=torch.tensor(labels, dtype=torch.long),
        ignored=torch.tensor(ignored, dtype=torch.bool),
    )


@pytest.mark.parametrize(
    ('lefts', 'labels', 'scores', 'truth', 'expected'),
    [
        # An object is found once.
        ([0, 1], [0, 0], None, ([0], [0]), (1, 2, 1)),
        ([0], [1], None, ([0], [0]), (0, 1, 1)),
        ([2, 4], [0, 0], None, ([0, 5], [0, 0]), (2, 2, 2)),
        # The first label takes the object that the second one needs; with scores the
        # second one chooses first.
        ([2, -1], [0, 0], None, ([0, 5], [0, 0]), (1, 2, 2)),
        ([2, -1], [0, 0], [0.1, 0.9], ([0, 5], [0, 0]), (2, 2, 2)),
        # Ignored objects take any number of labels, but leave them to others.
        ([0, 1], [0, 0], None, ([0], [0], [True]), (0, 0, 0)),
        ([0], [0], None, ([0, 1], [0, 0], [True, False]), (1, 1, 1)),
        ([], [], None, ([0], [0]), (0, 0, 1)),
        ([0], [0], None, ([], []), (0, 1, 0)),
    ],
)
def test_matching(lefts, labels, scores, truth, expected):
    found = InstanceData(
        bboxes=boxes(*lefts), labels=torch.tensor(labels, dtype=torch.long)
    )
    if scores:
        found.scores = torch.tensor(scores)
    assert compare(found, truth_of(*truth), 0.5) == expected


def test_rates_of_nothing():
    assert rates((0, 0, 4)) == {'pseudo_recall': 0.0}
    assert rates((0, 2, 0)) == {'pseudo_precision': 0.0}
