"""Drawn images with masks, and Mask R-CNN on them."""

import json

import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.runner import Runner
from pycocotools.coco import COCO

from mmdet_lossmix.datasets.walk import dicts_in
from studies.run_config import build_config
from studies.study import Run
from synthetic_voc import draw_scene, generate_voc

CLASSES = ('bicycle', 'bottle', 'car', 'person', 'sheep')
TINY = dict(train=8, test=4, size=96, classes=CLASSES, progress=False)


@pytest.fixture(scope='module')
def devkit(tmp_path_factory):
    root = tmp_path_factory.mktemp('masks')
    return generate_voc(root, masks=True, workers=2, **TINY)


def test_masks_are_what_is_seen_of_the_objects(devkit):
    coco = COCO(devkit / 'test.json')
    image = coco.loadImgs(1)[0]
    assert image['file_name'] == 'VOC2007/JPEGImages/500001.jpg'
    scene = draw_scene((0, 2, 0), 'photo', 96, CLASSES[0], CLASSES)
    found = coco.loadAnns(coco.getAnnIds(1))
    assert len(found) == len(scene.annotations) > 0
    for entry, drawn in zip(found, scene.annotations):
        mask = coco.annToMask(entry).astype(bool)
        np.testing.assert_array_equal(mask, scene.owner == drawn.label)
        rows, columns = mask.nonzero()
        left, top, width, height = entry['bbox']
        assert (left, top) == (columns.min(), rows.min())
        assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)
        assert CLASSES[entry['category_id'] - 1] == drawn.name
        assert entry['iscrowd'] == drawn.difficult
        assert entry['area'] == mask.sum()


def test_lists_are_those_of_voc_and_the_rest_stays(devkit, tmp_path):
    for name, lists in (
        ('trainval', ('VOC2007', 'VOC2012')),
        ('test', ('VOC2007',)),
    ):
        images = json.loads((devkit / f'{name}.json').read_text())['images']
        expected = [
            f'{year}/JPEGImages/{image}.jpg'
            for year in lists
            for image in (devkit / year / f'ImageSets/Main/{name}.txt')
            .read_text()
            .split()
        ]
        assert [image['file_name'] for image in images] == expected
    plain = generate_voc(tmp_path, **TINY)
    files = {p.relative_to(devkit) for p in devkit.rglob('*') if p.is_file()}
    same = {p.relative_to(plain) for p in plain.rglob('*') if p.is_file()}
    assert {str(path) for path in files - same} == {'trainval.json', 'test.json'}
    for path in same - {plain.joinpath('synthetic_voc.json').relative_to(plain)}:
        assert (plain / path).read_bytes() == (devkit / path).read_bytes()


def test_mask_rcnn_trains_with_lossmix_and_measures_masks(devkit, tmp_path):
    settings = {'strategy': 'lossmix', 'seed': 0}
    run = Run({}, 'configs/studies/mask_rcnn_synthetic.py', settings, {})
    cfg = build_config(run, {})
    for node in dicts_in(list(cfg.values())):
        if 'data_root' in node:
            node.data_root = f'{devkit}/'
        if str(node.get('ann_file')).endswith('VOCdevkit/test.json'):
            node.ann_file = str(devkit / 'test.json')
    cfg.model.backbone.init_cfg = None
    cfg.model.test_cfg.rcnn.score_thr = 0.0  # something is found untrained
    cfg.train_dataloader.batch_size = 2
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.work_dir = str(tmp_path)
    object.__setattr__(cfg, '_format_python_code', False)
    sample = DATASETS.build(cfg.train_dataloader.dataset)[0]['data_samples']
    assert sample.gt_instances.masks.masks.any(axis=(1, 2)).all()
    runner = Runner.from_cfg(cfg)
    runner.train()
    losses = runner.message_hub.log_scalars
    assert losses['train/loss_mask'].current() > 0
    assert {'val/coco/bbox_mAP', 'val/coco/segm_mAP'} <= {*losses}
    assert cfg.test_evaluator.metric == ['segm', 'bbox'], 'APs of classes are of boxes'
